package desk

import "pointsledger/ledger"

// StepKind says what a person can do next about an operation.
type StepKind string

// The steps. Each is looked at first and done afterwards.
const (
	// StepShow looks at it.
	StepShow StepKind = "show"
	// StepPutBack puts it back into the queue.
	StepPutBack StepKind = "put_back"
	// StepSettle takes it for applied, on the vendor's word.
	StepSettle StepKind = "settle"
	// StepResolve names its member.
	StepResolve StepKind = "resolve"
	// StepGiveUp voids it.
	StepGiveUp StepKind = "give_up"
)

// Step is something that a person can do about one operation. A terminal words it
// as a command, a page as a button.
type Step struct {
	Do        StepKind
	Operation ledger.OperationID
	BizID     ledger.BizID
	// Reference names an operation that the ledger does not know by an id; then the
	// two above are empty.
	Reference string
	// InDoubt: the vendor may have applied it, and whoever does this takes that on.
	InDoubt bool
	// Evidence is what shows that the vendor applied it, for StepSettle; empty when
	// the person has to say.
	Evidence string
}
