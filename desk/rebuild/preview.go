package rebuild

import (
	"context"
	"strconv"
	"strings"
	"time"

	"pointsledger/continuity/survey"
	"pointsledger/desk"
)

// Order says which part of the stream is to be looked at, and for whom.
type Order struct {
	// Plan is looked at again; nil: a plan is made of the part that From or Since
	// begins. To is 0 for all that workers have read.
	Plan     *Plan
	From, To uint64
	Since    time.Time
	// Expected is how many operations must be found; nil: any number. AtOnce: it is
	// carried out then, and nobody looks before.
	Expected *int64
	AtOnce   bool
	// Actor makes the plan, FilterText says what of: {from} and {to} stand in it for
	// the ends of the part.
	Actor, FilterText string
}

// Report is what a person sees before anything is added.
type Report struct {
	Details
	// First and FirstAt are of the oldest event that is left in the stream.
	First   uint64    `json:"stream_first_seq"`
	FirstAt time.Time `json:"stream_first_at"`
	// Warnings are what should be read before anything is added.
	Warnings []string `json:"warnings"`
	Unknown  bool     `json:"workers_wait_for_the_ledger"`
	// Plan is empty when there is nothing to add.
	Plan string `json:"plan"`

	// Last is the stream's newest sequence.
	Last uint64 `json:"-"`
	// Stored is the plan; its ID is 0 when there is nothing to add.
	Stored desk.Plan `json:"-"`
}

// Preview says what adding a part would do, and stores it as a plan. The errors are
// a *NoConsumerError, a *BeyondError, an *UnreadError, a *SizeError, and those of
// the stream and the database.
func (r *Room) Preview(ctx context.Context, o Order) (*Report, error) {
	state, err := r.Stream.State(ctx)
	if err != nil {
		return nil, err
	}
	p := &Report{Details: r.details(), First: state.First, FirstAt: state.FirstAt, Last: state.Last, Unknown: state.Unknown}
	p.Created, p.Delivered = state.Created, state.Delivered
	if p.From, p.To, err = r.part(ctx, &o, &state); err != nil {
		return nil, err
	}
	p.Warnings = r.warnings(p, &state)
	r.Watch.Chosen(p)
	p.Counts, err = r.Stream.Survey(ctx, p.From, p.To, func(seq uint64) { r.Watch.Reads(seq, p.To) })
	if err != nil {
		return nil, &UnreadError{err}
	}
	if err := o.checkFound(p.Counts.Operations()); err != nil || !p.worthAPlan() {
		return p, err
	}
	if o.Plan != nil {
		p.Stored, err = r.Desk.ReadPlan(ctx, o.Plan.Name)
	} else {
		ends := strings.NewReplacer("{from}", strconv.FormatUint(p.From, 10), "{to}", strconv.FormatUint(p.To, 10))
		p.Stored, err = r.makePlan(ctx, &p.Details, o.Actor, ends.Replace(o.FilterText))
	}
	p.Plan = p.Stored.Name
	return p, err
}

// part is which part of the stream is meant.
func (r *Room) part(ctx context.Context, o *Order, state *survey.State) (from, to uint64, err error) {
	from, to = o.From, o.To
	if o.Plan != nil {
		from, to = o.Plan.Details.From, o.Plan.Details.To
	}
	if !o.Since.IsZero() {
		if from, err = r.Stream.SeqSince(ctx, o.Since); err != nil {
			return 0, 0, err
		}
		if from == 0 {
			from = state.Last + 1
		}
	}
	switch {
	case !state.ConsumerFound && to == 0:
		return 0, 0, &NoConsumerError{Last: state.Last}
	case !state.ConsumerFound && to > state.Last, state.ConsumerFound && to > state.Delivered:
		return 0, 0, &BeyondError{To: to, Delivered: state.Delivered, Last: state.Last, ConsumerFound: state.ConsumerFound}
	case to == 0:
		to = state.Delivered
	}
	return from, to, nil
}

// checkFound compares what would be added with what the person expects.
func (o *Order) checkFound(found int64) error {
	if o.Expected != nil && found != *o.Expected || o.AtOnce && o.Expected == nil && found > desk.MaxUnexpected {
		return &SizeError{Found: found, Expected: o.Expected}
	}
	return nil
}

// worthAPlan tells whether carrying it out would change anything: a ledger that
// workers wait for is accepted by them afterwards, also with nothing added.
func (p *Report) worthAPlan() bool {
	return p.Counts.Added > 0 || p.Counts.RejectCount() > 0 || p.Unknown
}

// Chosen is the plan as Add takes it; nil when there is nothing to add.
func (p *Report) Chosen() *Plan {
	if p.Stored.ID == 0 {
		return nil
	}
	return &Plan{Plan: p.Stored, Details: p.Details}
}
