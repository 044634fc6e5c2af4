package ledger

// State of an outbox row. An operation without a row has ended; how, its
// posting says ([PostingKind]).
type State string

const (
	// Pending rows are due at a time.
	Pending State = "pending"
	// Sending rows are under a lease: a worker has them in hand.
	Sending State = "sending"
	// Parked rows wait for a person.
	Parked State = "parked"
)

// AllStates are the states that a row can have (outbox_state_known), in the
// order in which people read them.
func AllStates() []State { return []State{Pending, Sending, Parked} }
