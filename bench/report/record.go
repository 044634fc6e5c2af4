// Package report keeps the results of the runs, one JSON line each, and makes
// the tables and the charts of them.
package report

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"pointsledger/bench/sink"
	"pointsledger/bench/stage"
)

// Record is one run that passed its check, or the end of a part.
type Record struct {
	// Session is one start of the program; ratios are made inside of it.
	Session string
	// Build is that of the worker.
	Build string
	At    time.Time
	Part  string
	// Done marks the end of a part: all its runs are there. Such a record holds
	// nothing else. Partial says that flags left out or changed some of them.
	Done    bool `json:",omitempty"`
	Partial bool `json:",omitempty"`
	// Setting says on what all this ran; it stands with Done.
	Setting string `json:",omitempty"`

	Case   string
	Peer   string
	Rep    int
	Events int
	// Grown is the finished operations that the tables held before.
	Grown   int `json:",omitempty"`
	Workers int
	AtOnce  int
	DelayMS int
	// Rate is the events in a second of a light or sustained load, 0 for a
	// backlog.
	Rate int `json:",omitempty"`

	// Seconds from GO until the sink had seen every event and no row was open.
	Seconds   float64
	PerSecond float64
	// GoodPerSecond is the rate of the events that the vendor answered well on
	// their first call, until the last of these arrived.
	GoodPerSecond float64
	// From publishing to the arrival of the first call, in milliseconds; 0 for
	// a backlog.
	P50MS, P99MS, MaxMS float64
	CPU                 stage.CPU
	// PeakMiB is the worker's largest resident memory.
	PeakMiB float64
	Sink    sink.Stats
	// Rows, Keys and Posted are what the tables hold of this run.
	Rows, Keys, Posted int64
	// Samples over time, of a sustained load.
	Samples []Sample `json:",omitempty"`
}

// Sample is one look at a sustained load.
type Sample struct {
	// Second since GO.
	Second float64
	// MiB is the worker's resident memory.
	MiB float64
	// Waiting is the events that were published and have not arrived.
	Waiting int64
	// OutboxKiB is the size of the table and its indexes; OutboxDead the dead
	// rows that Postgres counts in it.
	OutboxKiB, OutboxDead int64
	// P50MS and P99MS are of the events that were published since the sample
	// before.
	P50MS, P99MS float64
	// CPU used since the sample before, in seconds.
	CPU stage.CPU
}

// Append writes one record to the end of the file.
func Append(path string, r Record) (err error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("open results: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := json.NewEncoder(f).Encode(r); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// Read reads all records; a file that is not there has none. A last line that
// was cut short by a crash is left out.
func Read(path string) ([]Record, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open results: %w", err)
	}
	defer f.Close()
	var all []Record
	lines := bufio.NewReader(f)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read results: %w", err)
		}
		var r Record
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("read results, line %d: %w", n, err)
		}
		all = append(all, r)
	}
}

// Complete tells whether a part of a build is there as a whole.
func Complete(all []Record, build, part string) bool {
	for _, r := range all {
		if r.Done && !r.Partial && r.Build == build && r.Part == part {
			return true
		}
	}
	return false
}
