package steps

import (
	"fmt"

	"pointsledger/internal/command"
	"pointsledger/reconcile/match"
)

// ItemFacts are what the proposal for an item of a comparison names.
type ItemFacts struct {
	// Item is how the item is named to `reconcile`.
	Item string
	// Operation is 0 for none.
	Operation int64
	BizID     string
	// Reference is that of a record; empty for none.
	Reference string
	// MemberID is shown as it is.
	MemberID     string
	LedgerPoints int64
	VendorPoints int64
}

// Proposal says what can be done about an item, with the command for it. Each command
// shows what it would do before it does it.
func Proposal(step match.Step, f ItemFacts) string {
	show := ""
	if f.Operation != 0 {
		show = fmt.Sprintf("`replay show %d`", f.Operation)
	}
	explain := fmt.Sprintf("`%s`", command.Shell("reconcile", "explain", f.Item, "--why", command.ReasonToFill))
	switch step {
	case match.StepSettle:
		return fmt.Sprintf("`%s`: the records show it", command.Shell("replay", "settle", f.BizID, "--evidence", command.ReasonToFill))
	case match.StepSend:
		return fmt.Sprintf("`%s` puts it back, or `%s` gives it up", command.Shell("replay", "run", "--biz-id", f.BizID), command.Shell("replay", "void", "--biz-id", f.BizID))
	case match.StepByHand:
		return "a person does it in the vendor's back office: `replay workitems export` writes it out, `replay workitems settle` reads the result"
	case match.StepWait:
		return "nothing: it goes on by itself, and a later run finds it"
	case match.StepTakeBack:
		return fmt.Sprintf("take %d points back from member %s at the vendor (%s shows the calls); or %s", f.VendorPoints-f.LedgerPoints, f.MemberID, show, explain)
	case match.StepMove:
		return fmt.Sprintf("have the vendor move %d points from member %s to the member of %s; or %s", f.VendorPoints, f.MemberID, show, explain)
	case match.StepShow:
		return fmt.Sprintf("%s: if this record is it, %s", show, explain)
	}
	if f.Operation == 0 && f.Reference != "" {
		return fmt.Sprintf("ask the vendor whose call this was (a live check of `worker doctor` has references of its own: `replay log` lists those); then %s", explain)
	}
	if f.Operation == 0 {
		return fmt.Sprintf("ask the vendor who did this; then %s", explain)
	}
	return fmt.Sprintf("ask the vendor what became of bizId %s (%s shows the calls); then %s", f.BizID, show, explain)
}
