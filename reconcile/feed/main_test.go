package feed_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"pointsledger/reconcile/feed"
)

// write writes a file and returns its path.
func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func parse(t testing.TB, text string) *feed.Map {
	t.Helper()
	m, err := feed.ParseMap("map.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// all reads a file; the errors of cells stand in their order.
func all(t testing.TB, m *feed.Map, path string, needs feed.Needs) (rows []feed.Row, left feed.LeftOut, problems []error) {
	t.Helper()
	f, err := m.Open(path, needs)
	if err != nil {
		return nil, left, []error{err}
	}
	for row, err := range f.Rows() {
		if err != nil {
			problems = append(problems, err)
			continue
		}
		rows = append(rows, row)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return rows, f.LeftOut(), problems
}

// records is what a reader of points records asks for.
var records = feed.Needs{Filled: []feed.Field{feed.Member, feed.Points, feed.At}}

func shanghai(t testing.TB, text string) time.Time {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation(time.DateTime, text, zone)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
