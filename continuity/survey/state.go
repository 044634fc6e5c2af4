package survey

import "time"

// State is what there is to read again, and what the ledger has of it.
type State struct {
	Created time.Time
	// First and FirstAt are of the oldest event that is left, Last is the newest.
	// In a stream with no events left First is Last+1, and FirstAt is zero.
	First, Last uint64
	FirstAt     time.Time
	// ConsumerFound tells whether the durable is there; without it nothing tells
	// what workers have recorded.
	ConsumerFound bool
	// Acked: every event up to it was acknowledged. AckedAny is false when none
	// was, and Acked means that earlier ones had left the stream.
	Acked    uint64
	AckedAny bool
	// Delivered: a worker may have recorded events up to it, and no later ones.
	Delivered uint64
	// Unknown: workers refuse this ledger, or have never used it: it has no
	// identity, or is being rebuilt.
	Unknown bool
	// OldestAt is the broker's time of the ledger's oldest operation by id; zero
	// when it holds none.
	OldestAt time.Time
}
