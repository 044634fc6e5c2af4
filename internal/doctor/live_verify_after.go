package doctor

import (
	"fmt"
	"time"

	"pointsledger/internal/config"
)

// longestVerifyAfter is what verify_after may be at most.
const longestVerifyAfter = 10 * time.Minute

// VerifyAfterFor is what verify_after should be at least when a record took the
// given time to show: twice that, in whole seconds, for one look is not the
// slowest.
func VerifyAfterFor(measured time.Duration) time.Duration {
	return max(time.Second, (2*measured + time.Second - 1).Truncate(time.Second))
}

// reportVerifyAfter compares the time until the grant showed with the account's
// verify_after. One counts from the answer, the other from the call's deadline,
// which is never earlier: what is enough here is enough there.
func (t *trial) reportVerifyAfter() {
	const check = "live verify_after"
	if t.VisibleAfterMS == nil {
		return // the line about the records says what to do
	}
	measured, now := time.Duration(*t.VisibleAfterMS)*time.Millisecond, t.account.VerifyAfter
	want := VerifyAfterFor(measured)
	found := fmt.Sprintf("the record showed %s after the answer, verify_after is %s", measured, now)
	switch {
	case measured > longestVerifyAfter:
		t.wrong(check, found+": later than verify_after can wait", "set in_doubt: "+config.InDoubtResend+", if bizId is honoured")
		return
	case t.account.InDoubt != config.InDoubtVerify:
		t.ok(check, found+"; it does not matter with in_doubt: "+t.account.InDoubt)
	case measured > now:
		t.wrong(check, found+": too short, what shows later is missed and granted twice", "set verify_after: "+yamlDuration(min(want, longestVerifyAfter)))
	case want > now:
		t.note(check, found+": little room for a slower day", "set verify_after: "+yamlDuration(min(want, longestVerifyAfter)))
	default:
		t.ok(check, found+": enough")
		t.Advice = append(t.Advice, fmt.Sprintf("verify_after: %s  # as now; measured %s", yamlDuration(now), measured))
		return
	}
	t.Advice = append(t.Advice, fmt.Sprintf("verify_after: %s  # was %s; measured %s", yamlDuration(min(want, longestVerifyAfter)), yamlDuration(now), measured))
}
