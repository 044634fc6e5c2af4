package rules

import "pointsledger/ledger"

// builtIn declares an event type that needs no fields in the rule file.
type builtIn struct {
	about string
	// fields in the order in which their problems are reported.
	fields []field
	member memberRule
	// dateField names the field that gives the business date.
	dateField string
	key       []string
	// programme: keys are unique in the programme, not in the event's source.
	programme bool
	// repeatIsDuplicate: the key alone decides.
	repeatIsDuplicate bool
	// refers: the declaration holds for a rule with reverses or consumes. A rule with
	// operations declares a type of its own of this name, as it had to before.
	refers bool
	// reasons are the texts the member sees when the rule has none.
	reasons map[ledger.Kind]string
}

// builtIns are the types that are declared in Go, each in a file of its own.
func builtIns() map[string]builtIn {
	return map[string]builtIn{
		"order.paid":        orderPaid(),
		"member.checked_in": memberCheckedIn(),
		"review.posted":     reviewPosted(),
		"order.refunded":    orderRefunded(),
		"order.cancelled":   orderCancelled(),
		"order.completed":   orderCompleted(),
	}
}
