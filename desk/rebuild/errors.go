package rebuild

import "fmt"

// NoConsumerError is returned by Preview when no end of the part was given, and
// the durable is not there to tell what workers have recorded.
type NoConsumerError struct {
	// Last is the stream's last sequence.
	Last uint64
}

func (e *NoConsumerError) Error() string {
	return fmt.Sprintf("nothing tells what workers have recorded of the stream, whose last event is %d", e.Last)
}

// BeyondError is returned by Preview for a part that ends behind what may be added.
type BeyondError struct {
	To uint64
	// Delivered is how far the workers have read; 0 without their durable, and then
	// the stream ends at Last.
	Delivered, Last uint64
	ConsumerFound   bool
}

func (e *BeyondError) Error() string {
	return fmt.Sprintf("the part ends at %d; workers have read up to %d of %d", e.To, e.Delivered, e.Last)
}

// UnreadError is returned by Preview when the part could not be read. Nothing was
// changed.
type UnreadError struct{ Err error }

func (e *UnreadError) Error() string { return e.Err.Error() }

func (e *UnreadError) Unwrap() error { return e.Err }

// SizeError is returned by Preview when other operations would be added than the
// person expects, or too many that nobody has looked at. Nothing was stored.
type SizeError struct {
	Found int64
	// Expected is nil when no number was given.
	Expected *int64
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("%d operations would be added, which is not what was expected", e.Found)
}

// PlanMeansError is returned by ReadPlan when the plan would mean something else
// here than when it was made. At most the first difference of stream, rules and
// accounts counts.
type PlanMeansError struct {
	// Plan is as it was made; Now is what it would be made of here.
	Plan *Plan
	Now  Details
}

func (e *PlanMeansError) Error() string {
	return fmt.Sprintf("plan %s was made of another stream, by other rules or for other accounts", e.Plan.Name)
}
