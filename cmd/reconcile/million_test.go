package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/months"
)

// sqlPlainJoin is what somebody writes who has the same data in two tables: a full join
// by the reference at the end of a text.
const sqlPlainJoin = `
SELECT count(*) FILTER (WHERE r.points IS NULL), count(*) FILTER (WHERE o.points IS NULL AND r.reference IS NOT NULL), count(*) FILTER (WHERE o.points <> r.points)
  FROM (SELECT o.reference, o.points FROM operations o JOIN postings p ON p.operation_id = o.id AND p.kind = 'posted') AS o
  FULL JOIN (SELECT substring(text FROM '#([0-9A-Z]{13})$') AS reference, points FROM exported) AS r ON r.reference = o.reference`

// BenchmarkMillion compares a million postings with an export of a million records, by the
// command as it is built, and prints its time and its largest memory beside what a plain join
// in SQL and hledger (where it is installed) need for the same data.
//
//	go test ./cmd/reconcile -run '^$' -bench Million -benchtime 1x
func BenchmarkMillion(b *testing.B) {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		b.Fatal(err)
	}
	folder := b.TempDir()
	pool := testkit.Pool(b)
	dsn := pool.Config().ConnString()
	m := months.New(months.Config{Seed: 1, Postings: 820_000, Members: 100_000, Faults: 500, Zone: zone, From: time.Date(2026, 10, 1, 0, 0, 0, 0, zone), Days: 31})
	if err := m.Book(b.Context(), pool); err != nil {
		b.Fatal(err)
	}
	file, columns, binary := filepath.Join(folder, "export.csv"), filepath.Join(folder, "map.yaml"), filepath.Join(folder, "reconcile")
	write(b, file, func(f *os.File) error { return m.WriteCSV(f) })
	write(b, columns, func(f *os.File) error { _, err := f.WriteString(m.CSVMap()); return err })
	fmt.Printf("\n%d postings, %d records\n", len(m.Postings), len(m.Records))
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	b.ResetTimer()
	for range b.N {
		c := exec.Command(binary, "run", "--from", "2026-10-01", "--to", "2026-10-31", "--records", file, "--map", columns, "--sole-source")
		c.Env = append(os.Environ(), "DATABASE_URL="+dsn)
		measure(b, "reconcile run", c, 3)
	}
	b.StopTimer()
	began := time.Now()
	if _, err := pool.Exec(b.Context(), `CREATE TABLE exported (at text, member text, points bigint, text text)`); err != nil {
		b.Fatal(err)
	}
	source, err := os.Open(file)
	if err != nil {
		b.Fatal(err)
	}
	defer source.Close()
	conn, err := pool.Acquire(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Conn().PgConn().CopyFrom(b.Context(), source, `COPY exported FROM STDIN (FORMAT csv, HEADER true)`); err != nil {
		b.Fatal(err)
	}
	loaded := time.Since(began)
	var here, there, other int64
	if err := conn.QueryRow(b.Context(), sqlPlainJoin).Scan(&here, &there, &other); err != nil {
		b.Fatal(err)
	}
	fmt.Printf("plain join: loaded in %v, joined in %v: %d only here, %d only there, %d of other points\n", loaded.Round(time.Second), (time.Since(began) - loaded).Round(time.Second), here, there, other)
	hledger(b, m, filepath.Join(folder, "month.journal"))
}

// hledger adds both sides up by reference: what is not 0 differs.
func hledger(b *testing.B, m *months.Month, journal string) {
	program, err := exec.LookPath("hledger")
	if err != nil {
		b.Log("hledger is not installed: not compared")
		return
	}
	write(b, journal, func(f *os.File) error {
		var text bytes.Buffer
		entry := func(day time.Time, reference string, points int64) {
			fmt.Fprintf(&text, "%s %s\n  r:%s  %d\n  x\n", day.Format(time.DateOnly), reference, reference, points)
		}
		for i := range m.Postings {
			if p := &m.Postings[i]; !p.Voided {
				entry(p.PostedAt, p.Reference, p.Points)
			}
		}
		for i := range m.Records {
			r := &m.Records[i]
			if at := strings.LastIndexByte(r.Text, '#'); at >= 0 {
				entry(r.At, r.Text[at+1:], -r.Points)
			}
		}
		_, err := f.Write(text.Bytes())
		return err
	})
	c := exec.Command(program, "-f", journal, "balance", "--flat", "--no-total", "r:")
	measure(b, "hledger balance", c, 0)
}

// measure runs a program that ends with a code, and tells its time and its largest memory.
func measure(b *testing.B, what string, c *exec.Cmd, code int) {
	b.Helper()
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	began := time.Now()
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	// The usage that wait tells begins with that of this process.
	status, peak, ended := fmt.Sprintf("/proc/%d/status", c.Process.Pid), "", make(chan struct{})
	go func() {
		defer close(ended)
		for {
			text, err := os.ReadFile(status)
			found := peakMemory.FindSubmatch(text)
			if err != nil || found == nil { // it has ended
				return
			}
			peak = string(found[1])
			<-time.After(20 * time.Millisecond)
		}
	}()
	_ = c.Wait()
	took := time.Since(began)
	<-ended
	if c.ProcessState.ExitCode() != code {
		b.Errorf("%s: %v, %s", what, c.ProcessState, out.String())
		return
	}
	fmt.Printf("%s: %v, %s kB at most, %d lines\n", what, took.Round(time.Second), peak, strings.Count(out.String(), "\n"))
}

var peakMemory = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

func write(b *testing.B, path string, fill func(*os.File) error) {
	b.Helper()
	f, err := os.Create(path)
	if err == nil {
		err = fill(f)
	}
	if err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}
