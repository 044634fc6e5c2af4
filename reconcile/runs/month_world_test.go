package runs_test

import (
	"context"
	"iter"
	"slices"
	"time"

	"pointsledger/evidence"
	"pointsledger/internal/testkit/months"
	"pointsledger/reconcile/runs"
	"pointsledger/vendorapi"
)

// export is a month's records as a file has them: in the order of their times, written in a
// zone that has an hour twice.
func export(m *months.Month, zone *time.Location) iter.Seq2[runs.Record, error] {
	return func(yield func(runs.Record, error) bool) {
		for _, r := range m.InOrder() {
			at, err := time.ParseInLocation(time.DateTime, r.At.In(zone).Format(time.DateTime), zone)
			if !yield(runs.Record{MemberID: r.Member, Points: r.Points, Text: r.Text, At: at}, err) {
				return
			}
		}
	}
}

// shop is a vendor that has a month's records.
type shop struct {
	of map[string][]months.Record
	// utc: it writes its times in UTC, which are read as China's. since is how far its records
	// go back.
	utc   bool
	since time.Time
}

func newShop(m *months.Month) *shop {
	s := &shop{of: map[string][]months.Record{}}
	for _, r := range m.InOrder() {
		s.of[r.Member] = append(s.of[r.Member], r)
	}
	return s
}

func (s *shop) Endpoint() string { return "shop" }

func (s *shop) ReadRecords(_ context.Context, member string) (evidence.Reading, vendorapi.Reply) {
	reading := evidence.Reading{Complete: true}
	var balance int64
	for _, r := range s.of[member] {
		record := evidence.Record{Award: r.Points > 0, Points: max(r.Points, -r.Points), Text: r.Text, At: r.At, Before: balance, Tells: true}
		balance += r.Points
		if s.utc {
			record.At = record.At.Add(-8 * time.Hour)
		}
		if !r.At.Before(s.since) {
			reading.Records = append(reading.Records, record)
		}
	}
	slices.Reverse(reading.Records)
	return reading, vendorapi.Reply{Outcome: vendorapi.Applied}
}

func (s *shop) ReadBalance(_ context.Context, member string) (*int64, vendorapi.Reply) {
	var balance int64
	for _, r := range s.of[member] {
		balance += r.Points
	}
	return &balance, vendorapi.Reply{Outcome: vendorapi.Applied}
}
