package main

import (
	"testing"
	"time"

	"pointsledger/bench/report"
	"pointsledger/bench/sink"
)

// Every way in which a run can be wrong must be an error.
func TestCheckFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	good := func() (report.Record, []int64) {
		return report.Record{Sink: sink.Stats{Zhimai: sink.Count{Calls: 3, Distinct: 3, Applied: 3}}, Rows: 3, Keys: 3, Posted: 3}, []int64{1, 2, 3}
	}
	for name, spoil := range map[string]func(*report.Record, []int64){
		"nothing":        nil,
		"a lost event":   func(r *report.Record, _ []int64) { r.Sink.Zhimai.Distinct, r.Sink.Zhimai.Applied = 2, 2 },
		"a repeated key": func(r *report.Record, _ []int64) { r.Sink.Zhimai.AppliedAgain = 1 },
		"a second call":  func(r *report.Record, _ []int64) { r.Sink.Zhimai.Calls = 4 },
		"a stray call":   func(r *report.Record, _ []int64) { r.Sink.Stray = 1 },
		"a lost row":     func(r *report.Record, _ []int64) { r.Rows = 2 },
		"a double key":   func(r *report.Record, _ []int64) { r.Keys = 2 },
		"an open row":    func(r *report.Record, _ []int64) { r.Posted = 2 },
		"no arrival":     func(_ *report.Record, arrived []int64) { arrived[1] = 0 },
	} {
		r, arrived := good()
		if spoil != nil {
			spoil(&r, arrived)
		}
		c := &course{spec: spec{events: 3}}
		if err := c.check(&r, arrived); (err == nil) != (spoil == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Two rows for each event where there are two vendors; of one that is down
// only its rows stay open.
func TestCheckWithTwoVendors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		down   bool
		posted int64
		good   bool
	}{{false, 4, true}, {false, 2, false}, {true, 2, true}, {true, 4, false}} {
		r := report.Record{Sink: sink.Stats{Zhimai: sink.Count{Calls: 2, Distinct: 2, Applied: 2}}, Rows: 4, Keys: 4, Posted: c.posted}
		if !c.down {
			r.Sink.Kylin = sink.Count{Calls: 2, Distinct: 2, Applied: 2}
		}
		run := &course{spec: spec{events: 2, kylin: true, kylinDown: c.down}, warm: true}
		if err := run.check(&r, []int64{1, 2}); (err == nil) != c.good {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestRatesAndLatencies(t *testing.T) {
	t.Parallel()
	began := time.Unix(1000, 0)
	ms := int64(time.Millisecond)
	c := &course{spec: spec{events: 4, rate: 100}, published: []int64{0, 10 * ms, 20 * ms, 30 * ms}}
	arrived := make([]int64, 4)
	for i := range arrived {
		c.published[i] += began.UnixNano()
		arrived[i] = c.published[i] + int64(i+1)*ms
	}
	r := report.Record{Samples: []report.Sample{{Second: 0.02}, {Second: 0.04}}}
	c.rates(&r, arrived, began)
	c.latencies(&r, arrived)
	if r.GoodPerSecond < 117 || r.GoodPerSecond > 118 { // 4 in 34 ms
		t.Errorf("rate %v", r.GoodPerSecond)
	}
	if r.P50MS != 3 || r.P99MS != 4 || r.MaxMS != 4 || r.Samples[0].P99MS != 2 || r.Samples[1].P50MS != 4 {
		t.Errorf("%+v", r)
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	for args, good := range map[string]bool{
		"--only=backlog,light": true, "--only=other": false, "--peers=ours,bare": true, "--peers=mine": false,
		"--reps=-1": false, "--at-once=1024": true, "--at-once=1025": false, "extra": false, "--sustain=10ms": false,
	} {
		if _, err := parse("quick", []string{args}); (err == nil) != good {
			t.Errorf("%s: %v", args, err)
		}
	}
	whole, err := parse("full", []string{"--only=grown", "--results=x"})
	if err != nil || whole.changed {
		t.Errorf("picking parts leaves them whole: %+v, %v", whole, err)
	}
	if less, err := parse("full", []string{"--grown=5"}); err != nil || !less.changed {
		t.Errorf("a smaller table is not the whole part: %+v, %v", less, err)
	}
}
