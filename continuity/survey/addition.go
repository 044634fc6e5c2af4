package survey

import (
	"context"
	"time"

	"pointsledger/ledger"
)

// Addition is a part of the stream to be added, both ends included.
type Addition struct {
	From, To uint64
	// Delivered is how far the workers had read when the part was chosen: what
	// they had acknowledged may lie anywhere up to it.
	Delivered uint64
	// Created is the stream's creation time when the part was chosen.
	Created time.Time
	// Plan is the one that is carried out, made at PlanMade: nothing is changed
	// any more once it is cancelled. The added operations are noted under Act.
	Plan     Plan
	PlanMade time.Time
	Act      int64
	// Waiting hears that a worker, or another operator, has the lock. Progress
	// hears, after each batch, the last sequence that was read and the events
	// added so far. They are never called at once.
	Waiting  func()
	Progress func(seq uint64, added int64)
}

// Plan is what a person decided, which somebody may cancel at any time.
type Plan interface {
	ledger.Standing
	// Stands asks whether it may go on.
	Stands(ctx context.Context) error
	// Hold does something short while nobody can cancel the plan.
	Hold(ctx context.Context, do func() error) error
}

// Added is what became of the events of an Addition.
type Added struct {
	Read   int64 `json:"read"`
	Events int64 `json:"added"`
	// Referring of the events are about earlier ones; their operations, which the
	// ledger works out, are not counted below.
	Referring  int64                       `json:"referring"`
	Operations int64                       `json:"operations"`
	Queued     int64                       `json:"parked"`
	Points     ledger.Points               `json:"points"`
	There      int64                       `json:"there_already"`
	Rejects    map[ledger.RejectCode]int64 `json:"rejects"`
	Ignored    int64                       `json:"ignored"`
	// OpenInDoubt rows were open in a backup that lacks acknowledged events:
	// they were put in doubt, and what waited was parked.
	OpenInDoubt int64 `json:"open_rows_put_in_doubt"`
	// Rebuilt: the ledger had no identity, and now workers accept it.
	Rebuilt bool `json:"workers_may_go_on"`
	// Unfinished: the ledger had no identity, and events that are in the stream
	// are still missing, so workers go on refusing it.
	Unfinished bool `json:"workers_still_refuse"`
}

// Count counts entries and what recording said of them.
func (d *Added) Count(entries []ledger.Entry, verdicts []ledger.Verdict) {
	for i, v := range verdicts {
		switch {
		case v.Kind == ledger.Accepted:
			d.Events++
			if entries[i].Event.Refers != nil {
				d.Referring++
			}
			for _, o := range entries[i].Event.Operations {
				d.Operations++
				d.Points += o.Points
				if o.Points > 0 {
					d.Queued++
				}
			}
		case v.Kind == ledger.Rejected && v.Rejection != nil:
			d.Rejects[v.Rejection.Code]++
		default:
			d.There++
		}
	}
}
