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
	// StepList lists the operations of an account, a cause and, unless empty, a code;
	// StepPutBack does the like when it names no operation.
	StepList StepKind = "list"
	// StepResume lets an account go on that was paused.
	StepResume StepKind = "resume"
	// StepWorkItems lists what a person does in a vendor's back office.
	StepWorkItems StepKind = "work_items"
	// StepRejects lists what was rejected.
	StepRejects StepKind = "rejects"
)

// Step is something that a person can do about one operation, or several. A terminal words it
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
	// Account, Cause and Code choose several.
	Account string
	Cause   ledger.Cause
	Code    string
}
