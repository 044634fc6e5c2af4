package main

import (
	"context"
	"fmt"

	"pointsledger/internal/advice"
	"pointsledger/ledger"
)

const (
	// doctorAction is the action of a live check in ops_actions. Its points have
	// no operation, so these rows are what explains them to finance.
	doctorAction = "doctor"
	doctorWhy    = "live check of a vendor account: does it honour bizId, and what do its records show"
	// doctorGrants is how many grants a live check makes, with one bizId.
	doctorGrants = 2
)

// action is the live check as ops_actions keeps it. The member's id stands
// there as it does in operations: finance must find the member.
func (t *trial) action(result string) ledger.Act {
	return ledger.Act{Actor: t.operator, Name: doctorAction,
		Filter: fmt.Sprintf("account=%s member=%s bizId=%s reference=%s", t.Account, t.Member, t.BizID, t.Reference),
		Reason: doctorWhy, SetSize: doctorGrants, Result: result}
}

// announce records that points are about to be granted. Without that record
// nothing is granted.
func (t *trial) announce(ctx context.Context) bool {
	id, err := t.ledger.store.RecordAct(ctx, t.action(fmt.Sprintf("begun: %d point granted %d times with one bizId; 0 to %d points, see the next record",
		doctorPoints, doctorGrants, doctorPoints*doctorGrants)))
	if err != nil {
		t.wrong("live", "nothing was granted: it cannot be recorded: "+advice.Words(err), "run doctor as a role that may insert into ops_actions")
		return false
	}
	t.ok("live", fmt.Sprintf("recorded as action %d in ops_actions, by %s", id, t.operator))
	return true
}

// conclude records what the check did. It also runs when the check was
// interrupted: the grants were made all the same.
func (t *trial) conclude(ctx context.Context) {
	result := fmt.Sprintf("ended: first grant answered %s; second %s; points granted: ", orNotSent(t.First), orNotSent(t.Second))
	if t.Granted != nil {
		result += fmt.Sprint(*t.Granted)
	} else {
		result += fmt.Sprintf("not known, at most %d", doctorPoints*doctorGrants)
	}
	err := within(context.WithoutCancel(ctx), func(ctx context.Context) error {
		_, err := t.ledger.store.RecordAct(ctx, t.action(result))
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
