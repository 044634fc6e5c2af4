package docs_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pointsledger/reconcile/feed"
)

var tableKey = regexp.MustCompile("(?m)^\\| ((?:`[a-z_]+`(?:, )?)+) \\|")

// The page's tables have every key and field that a map may have, and no other.
func TestMapsPageHasEveryKey(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("maps.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := func(yaml, before string) []string {
		_, err := feed.ParseMap("map.yaml", []byte(yaml))
		var refused *feed.MapError
		if !errors.As(err, &refused) {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(refused.Problem, before)
		rest, _, _ = strings.Cut(rest, ";")
		return strings.Split(rest, ", ")
	}
	_, fields, _ := strings.Cut(string(page), "## Fields")
	fields, keys, _ := strings.Cut(fields, "## Keys")
	for _, c := range []struct {
		section string
		want    []string
	}{{fields, listed("columns: {x: y}\n", "the fields are ")}, {keys, listed("x: y\n", "the keys of a map are ")}} {
		var told []string
		for _, row := range tableKey.FindAllStringSubmatch(c.section, -1) {
			told = append(told, strings.Split(strings.ReplaceAll(row[1], "`", ""), ", ")...)
		}
		slices.Sort(told)
		slices.Sort(c.want)
		if !slices.Equal(told, c.want) || len(told) < 5 {
			t.Errorf("the page tells %v, a map takes %v", told, c.want)
		}
	}
}

// The examples are maps that are taken, and read the files beside them.
func TestMapsPageExamplesWork(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("maps.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```\n\n```csv\n(.*?)```").FindAllSubmatch(page, -1)
	if len(examples) != 2 || strings.Count(string(page), "```yaml") != 2 {
		t.Fatalf("the page has %d maps with a file, want 2", len(examples))
	}
	for i, c := range []struct {
		needs feed.Needs
		want  string
	}{
		{feed.Needs{Filled: []feed.Field{feed.Member, feed.Points, feed.At}}, "383933091455959041 100 2026-11-20 01:05:00|383933091455959041 -1200 2026-11-20 10:30:00"},
		{feed.Needs{Filled: []feed.Field{feed.Order, feed.Amount}}, "SO-1 123450 2026-11-20 01:05:00|SO-2 99 2026-11-20 01:06:00"},
	} {
		m, err := feed.ParseMap("map.yaml", examples[i][1])
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "file.csv")
		if err := os.WriteFile(path, examples[i][2], 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := m.Open(path, c.needs)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for row, err := range f.Rows() {
			if err != nil {
				t.Error(err)
			}
			who, what := row.Member, row.Points
			if row.Has(feed.Order) {
				who, what = row.Order, row.AmountFen
			}
			got = append(got, fmt.Sprintf("%s %d %s", who, what, row.At.UTC().Format("2006-01-02 15:04:05")))
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if text := strings.Join(got, "|"); text != c.want {
			t.Errorf("example %d: got %s, want %s", i+1, text, c.want)
		}
	}
}
