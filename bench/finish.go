package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"pointsledger/bench/report"
	"pointsledger/bench/sink"
)

// finish reads what is measured after the clock has stopped, and checks that
// the sink and the tables agree.
func (c *course) finish(ctx context.Context, r *report.Record, began time.Time) error {
	for _, p := range c.processes {
		_, peak, err := p.Memory()
		if err != nil {
			return err
		}
		r.PeakMiB = max(r.PeakMiB, peak)
	}
	if err := c.waitUntilAcked(ctx); err != nil {
		return err
	}
	var err error
	if r.Sink, err = c.stage.Sink.Stats(ctx); err != nil {
		return err
	}
	arrived, err := c.stage.Sink.Arrivals(ctx, "zhimai")
	if err != nil {
		return err
	}
	if err := c.database.Pool.QueryRow(ctx, c.books.made, c.newest).Scan(&r.Rows, &r.Keys, &r.Posted); err != nil {
		return fmt.Errorf("count rows: %w", err)
	}
	if err := c.check(r, arrived); err != nil {
		return err
	}
	c.rates(r, arrived, began)
	c.latencies(r, arrived)
	return nil
}

// check holds the run against what it must have done.
func (c *course) check(r *report.Record, arrived []int64) error {
	n := int64(c.events)
	rows, posted := n, n
	if c.kylin {
		rows *= 2
		posted *= 2
	}
	if c.kylinDown || c.behaviour.KylinHangs {
		posted = n
	}
	faulty := 0
	for i := range c.events {
		if class, _ := c.behaviour.ClassOf(i); class != sink.Good {
			faulty++
		}
	}
	z := r.Sink.Zhimai
	switch {
	case z.Distinct != n || z.Applied != n:
		return fmt.Errorf("check: the sink saw %d keys and applied %d, want %d", z.Distinct, z.Applied, n)
	case z.AppliedAgain != 0:
		return fmt.Errorf("check: %d calls came again for keys that were applied", z.AppliedAgain)
	case z.Calls < n || z.Calls > n+int64(faulty):
		return fmt.Errorf("check: %d calls for %d events, of which %d may be repeated once", z.Calls, n, faulty)
	case c.kylin && posted == 2*n && (r.Sink.Kylin.Distinct != n || r.Sink.Kylin.Calls != n):
		return fmt.Errorf("check: the second vendor saw %d keys in %d calls, want %d", r.Sink.Kylin.Distinct, r.Sink.Kylin.Calls, n)
	case r.Sink.Stray != 0:
		return fmt.Errorf("check: %d calls that nobody expected", r.Sink.Stray)
	case r.Rows != rows || r.Keys != rows || r.Posted != posted:
		return fmt.Errorf("check: the tables hold %d rows, %d keys, %d done, want %d, %d, %d", r.Rows, r.Keys, r.Posted, rows, rows, posted)
	case slices.Contains(arrived, 0) || len(arrived) != c.events:
		return fmt.Errorf("check: not every event has arrived")
	}
	return nil
}

// rates counts the good events until the last of them arrived: what faulty
// ones add at the end does not count.
func (c *course) rates(r *report.Record, arrived []int64, began time.Time) {
	good, last := 0, int64(0)
	for i, at := range arrived {
		if class, _ := c.behaviour.ClassOf(i); class == sink.Good {
			good, last = good+1, max(last, at)
		}
	}
	r.GoodPerSecond = float64(good) / (time.Duration(last-began.UnixNano()) + time.Duration(c.behaviour.DelayMS)*time.Millisecond).Seconds()
}

// latencies are those of all events, and of the events of each sample.
func (c *course) latencies(r *report.Record, arrived []int64) {
	if c.rate == 0 {
		return
	}
	all := make([]float64, len(arrived))
	for i, at := range arrived {
		all[i] = float64(at-c.published[i]) / 1e6
	}
	from := 0
	for i := range r.Samples {
		to := min(int(r.Samples[i].Second*float64(c.rate)), len(all))
		if to > from {
			r.Samples[i].P50MS, r.Samples[i].P99MS, _ = quantiles(all[from:to])
		}
		from = to
	}
	r.P50MS, r.P99MS, r.MaxMS = quantiles(all)
}

func quantiles(values []float64) (p50, p99, most float64) {
	sorted := slices.Sorted(slices.Values(values))
	at := func(share float64) float64 { return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))] }
	return at(0.50), at(0.99), sorted[len(sorted)-1]
}
