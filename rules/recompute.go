package rules

import "pointsledger/ledger"

// Recompute maps an event that is in the ledger once more, from its envelope and its
// declared fields in structured form. Whether an account is on, which subject the message
// had and what the ledger knows does not matter: those were asked when it was recorded.
// It has no side effects, and is safe for concurrent use. Exactly one of event and
// rejection is not nil, or both are for a type that is ignored.
func (r *Rules) Recompute(m ledger.Message) (*ledger.Event, *ledger.Rejection) {
	x := r.readings.Get().(*reading)
	defer x.release()
	x.again, x.explaining = true, true
	m.Subject = ""
	return x.read(r, &m, nil)
}
