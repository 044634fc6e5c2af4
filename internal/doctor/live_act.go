package doctor

import (
	"context"
	"fmt"

	"pointsledger/internal/advice"
	"pointsledger/ledger"
)

const (
	// actName is the name of a live check in ops_actions. Its points have
	// no operation, so these rows are what explains them to finance.
	actName   = "doctor"
	actReason = "live check of a vendor account: does it honour bizId, and what do its records show"
	// grants is how many grants a live check makes, with one bizId.
	grants = 2
)

// act is the live check as ops_actions keeps it. The member's id stands
// there as it does in operations: finance must find the member.
func (t *trial) act(result string) ledger.Act {
	return ledger.Act{Actor: t.options.Operator, Name: actName,
		Filter: fmt.Sprintf("account=%s member=%s bizId=%s reference=%s", t.Account, t.Member, t.BizID, t.Reference),
		Reason: actReason, SetSize: grants, Result: result}
}

// announce records that points are about to be granted. Without that record
// nothing is granted.
func (t *trial) announce(ctx context.Context) bool {
	id, err := t.ledger.store.RecordAct(ctx, t.act(fmt.Sprintf("begun: %d point granted %d times with one bizId; 0 to %d points, see the next record",
		livePoints, grants, livePoints*grants)))
	if err != nil {
		t.wrong("live", "nothing was granted: it cannot be recorded: "+advice.Words(err), "run doctor as a role that may insert into ops_actions")
		return false
	}
	t.ok("live", fmt.Sprintf("recorded as action %d in ops_actions, by %s", id, t.options.Operator))
	return true
}

// conclude records what the check did. It also runs when the check was
// interrupted: the grants were made all the same.
func (t *trial) conclude(ctx context.Context) {
	result := fmt.Sprintf("ended: first grant answered %s; second %s; points granted: ", orNotSent(t.First), orNotSent(t.Second))
	if t.Granted != nil {
		result += fmt.Sprint(*t.Granted)
	} else {
		result += fmt.Sprintf("not known, at most %d", livePoints*grants)
	}
	err := within(context.WithoutCancel(ctx), func(ctx context.Context) error {
		_, err := t.ledger.store.RecordAct(ctx, t.act(result))
		return err
	})
	if err != nil {
		t.wrong("live", "what it did is not recorded: "+advice.Words(err), "keep this report for finance")
	}
}

func orNotSent(answer string) string {
	if answer == "" {
		return "not made"
	}
	return answer
}
