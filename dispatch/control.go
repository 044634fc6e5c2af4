package dispatch

import (
	"context"
	"time"

	"go.uber.org/zap"

	"pointsledger/evidence"
	"pointsledger/ledger"
)

// waitStore is what the sweep needs of the ledger to end waits for a control.
type waitStore interface {
	WaitingForControl(ctx context.Context, account string, lacks []string) (ledger.ControlWait, error)
	HastenDoubt(ctx context.Context, account string, lacks []string, later, idle ledger.QuietWindow) (int, error)
}

// awaited are what sampling may bring without anybody's doing.
var awaited = []string{string(evidence.LackCurrent), string(evidence.LackReferences)}

// hastenDoubt makes rows due that wait for a control which is there by now, and
// asks for a sample as long as it is not. Nothing is read of the vendor for it.
func (d *Dispatcher) hastenDoubt(ctx context.Context) error {
	wait, err := d.book.waiting.WaitingForControl(ctx, d.account.Name, awaited)
	if err != nil || wait.Rows == 0 {
		return err
	}
	k, err := d.book.doubts.Knowledge(ctx, d.account.Name, d.account.Endpoint())
	if err != nil {
		return err
	}
	known := d.knowledge(k)
	later := ledger.QuietWindow{Before: known.LaterThan(k.Now)}
	var idle ledger.QuietWindow
	idle.From, idle.Before = known.IdleSince(k.Now)
	// Where nothing is posted any more, an older posting stands for a later one only
	// after a while: until then no reading helps.
	tooSoon := !known.LastSentAt.After(wait.Latest) && k.Now.Before(known.QuietFrom(wait.Latest))
	if !later.Before.After(wait.Latest) && !tooSoon {
		d.sampler.want(wait.Latest)
	}
	n, err := d.book.waiting.HastenDoubt(ctx, d.account.Name, awaited, later, idle)
	if n > 0 {
		d.log.Info("rows in doubt are looked up again: later postings show that the records are current", zap.Int("rows", n))
		d.Wake()
	}
	return err
}

// mustWait tells that a reading could prove nothing yet, so that it is not made:
// the account has traffic, and no sample shows yet what was called since. It
// waits once, for a sample; after that it is read as the schedule says.
func mustWait(row *ledger.Claimed, known evidence.Knowledge, now time.Time) bool {
	return row.Lack == "" && known.References == evidence.ReferencesShown && known.LastSentAt.After(row.FirstSentAt) &&
		!known.CurrentAt(row.QuietSince, now)
}

// controlWait is how long a row waits at most for its first reading.
const controlWait = 10 * time.Second

// awaitControl gives a row back unread.
func awaitControl(row *ledger.Claimed) decision {
	c := giveBack(row)
	c.Cause, c.Lack, c.Delay = ledger.CauseNoControl, string(evidence.LackCurrent), controlWait
	return decision{change: c}
}

// withoutControl waits for another reading, or for a person: the schedule is
// over, or the vendor is known not to show what is looked for, seen twice.
func withoutControl(row *ledger.Claimed, lack evidence.Lack, hidden bool, p policy, random float64) decision {
	c := giveBack(row)
	again(c, row, p, random)
	if lack == evidence.LackEmptyTwice && row.Lack != string(lack) {
		c.State, c.Delay = ledger.Pending, max(c.Delay, p.emptyAgain) // one more reading, whatever was used up
	}
	if hidden && row.Lack != "" {
		c.State, c.Delay = ledger.Parked, 0
	}
	c.Cause, c.Lack = ledger.CauseNoControl, string(lack)
	c.Attempt = &ledger.Attempt{Call: ledger.CallRecords, Outcome: outcomeNotKnown,
		Error: "verification: not in the records, which proves nothing: " + lack.Words()}
	return decision{change: c}
}

// mayRepeat tells whether a row in doubt may be sent again that no records tell of:
// only the vendor's word on keys allows it. Otherwise the
// decision says what becomes of the row.
func (d *Dispatcher) mayRepeat(ctx context.Context, row *held) (_ decision, ok bool) {
	if !row.InDoubt || row.NeverSent || d.looksUp(row) || d.account.KeysHonoured {
		return decision{}, true
	}
	k, err := d.book.doubts.Knowledge(ctx, d.account.Name, d.account.Endpoint())
	d.note(err)
	switch {
	case err != nil:
		return returnUnsent(&row.Claimed), false
	case d.honoured(k, row):
		return decision{}, true
	}
	c := giveBack(&row.Claimed)
	c.State, c.Cause, c.UseAttempt = ledger.Parked, ledger.CauseNoControl, true
	why := "there are no records to look at"
	if d.account.Verify {
		why = "records are looked at for grants alone"
	}
	c.Attempt = &ledger.Attempt{Outcome: outcomeNotKnown,
		Error: "not sent again: " + why + ", and the vendor is not known to honour repeated keys"}
	return decision{change: c}, false
}
