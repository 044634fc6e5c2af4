package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"pointsledger/dispatch"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/sim"
	"pointsledger/vendorapi/zhimai"
)

// heldCode makes an order one that is held for a week, by a member's code.
func heldCode(_ int, op *ledger.Operation) {
	op.MemberCode, op.MemberID = "UC"+op.MemberID, ""
	op.HeldUntil = time.Now().Add(7 * 24 * time.Hour)
}

// heldWithMember counts what is held and has its member, as the code says.
func (b *bench) heldWithMember() int {
	b.t.Helper()
	return b.count(`SELECT count(*) FROM operation_status s JOIN operations o USING (id) JOIN outbox x ON x.operation_id = o.id
		WHERE s.state = 'held' AND 'UC' || s.member_id = o.member_code AND x.attempts = 0 AND x.first_sent_at IS NULL AND x.code_due_at IS NULL`)
}

// endHolds lets what is held go now.
func (b *bench) endHolds() {
	b.t.Helper()
	if _, err := b.pool.Exec(b.t.Context(), `UPDATE outbox SET held_until = now(), next_attempt_at = now() WHERE state = 'pending'`); err != nil {
		b.t.Fatal(err)
	}
}

// confirmed is a bench whose account has confirmed calls before.
func (b *bench) confirmed() *bench {
	b.t.Helper()
	if err := b.store.MarkAccountConfirmed(b.t.Context(), "zhimai"); err != nil {
		b.t.Fatal(err)
	}
	return b
}

// Whose a code is, is asked soon, by two workers within the rate of such calls; each
// once, and the rows stay held. When the hold is over they are sent without asking.
func TestHeldCodesAreResolvedSoon(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{}).confirmed()
	seen := b.watchActions()
	b.accept(40, heldCode)
	b.accept(5, func(_ int, op *ledger.Operation) { op.HeldUntil = time.Now().Add(time.Hour) }) // named by an id: nothing to ask
	a := b.account()
	a.Rates = map[string]float64{dispatch.CallMember: 25}
	b.start(a)
	d, _ := b.start(a)
	testkit.Eventually(t, time.Minute, "all codes to be resolved", func() bool { return b.heldWithMember() == 40 })
	seen.keep(t, "communal.user.identity", 40, 25)
	b.endHolds()
	d.Wake()
	testkit.Eventually(t, time.Minute, "all operations to end", func() bool { return b.open() == 0 })
	if _, calls := seen.perSecond("communal.user.identity"); calls != 40 {
		t.Errorf("%d questions for 40 codes", calls)
	}
	b.agree(45)
}

// scanning is a vendor whose answers to codes a test has in its hand.
type scanning struct {
	*zhimai.Client
	resolve func(ctx context.Context, code string) (string, vendorapi.Reply)
}

func (v scanning) Resolve(ctx context.Context, code string) (string, vendorapi.Reply) {
	return v.resolve(ctx, code)
}

// A worker that is killed between the answer and the commit leaves no lease and no doubt:
// another one asks again, and a refund meanwhile would still have taken from the row.
func TestHeldCodeOfADeadWorker(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{}).confirmed()
	b.accept(1, heldCode)
	a := b.account()
	client := a.Vendor.(*zhimai.Client)
	answered, end := make(chan struct{}), make(chan struct{})
	a.Vendor = scanning{client, func(ctx context.Context, code string) (string, vendorapi.Reply) {
		client.Resolve(ctx, code)
		close(answered)
		<-end // it is dead
		return "", vendorapi.Reply{Outcome: vendorapi.Unknown, Err: errors.New("killed")}
	}}
	b.start(a)
	t.Cleanup(func() { close(end) })
	<-answered
	if n := b.count(`SELECT count(*) FROM outbox WHERE state = 'pending' AND lease_token IS NULL AND NOT in_doubt AND resolved_member_id IS NULL AND code_due_at > now()`); n != 1 {
		t.Fatal("the row is not as it was")
	}
	d, _ := b.start(b.account())
	testkit.Eventually(t, time.Minute, "the other worker to ask", func() bool { return b.heldWithMember() == 1 })
	b.endHolds()
	d.Wake()
	testkit.Eventually(t, 30*time.Second, "the operation to end", func() bool { return b.open() == 0 })
	b.agree(1)
}

// While the vendor is down its gate closes, and the codes are what probes it: nothing
// else is due for a week. Each is asked again, none is parked for it, no attempt is used.
func TestHeldCodesOutliveAnOutage(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{}).confirmed()
	b.accept(30, heldCode)
	a := b.account()
	client := a.Vendor.(*zhimai.Client)
	var down atomic.Bool
	down.Store(true)
	a.Vendor = scanning{client, func(ctx context.Context, code string) (string, vendorapi.Reply) {
		if down.Load() {
			return "", vendorapi.Reply{Outcome: vendorapi.NotSent, Err: errors.New("connection refused")}
		}
		return client.Resolve(ctx, code)
	}}
	d, _ := b.start(a)
	testkit.Eventually(t, 30*time.Second, "the gate to close", func() bool { return !d.Status().Gate.Open })
	down.Store(false)
	testkit.Eventually(t, 30*time.Second, "the gate to open", func() bool { return d.Status().Gate.Open })
	testkit.Eventually(t, time.Minute, "all codes to be resolved", func() bool { return b.heldWithMember() == 30 })
	if n := b.count(`SELECT count(DISTINCT operation_id) FROM attempts WHERE call = 'identity' AND outcome = 'not_sent'`); n < 20 {
		t.Errorf("%d codes have a look-up that failed in their history, want 20 or more", n)
	}
}

// What is to end soon ends soon, and not in a week: a code that no member fits, one that is
// too old, and one at a vendor that is not able to tell.
func TestHeldCodeOfNobodyParksSoon(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code   string
		maxAge time.Duration
		unable bool
		said   string
		asked  int64
	}{
		"nobody":      {"no such code", 0, false, "", 1},
		"too old":     {"UC77", time.Nanosecond, false, "the scanned member code is % old%", 0},
		"vendor mute": {"UC77", 0, true, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, sim.Config{}).confirmed()
			b.accept(1, func(i int, op *ledger.Operation) { heldCode(i, op); op.MemberCode = c.code })
			a := b.account()
			a.CodeMaxAge = c.maxAge
			if c.unable {
				a.Vendor = struct{ vendorapi.Sender }{a.Vendor}
			}
			b.start(a)
			parked := `SELECT count(*) FROM outbox WHERE state = 'parked' AND cause = 'member_unresolved' AND attempts = 0 AND NOT in_doubt AND first_sent_at IS NULL
				AND held_until > now() + interval '6 days'`
			testkit.Eventually(t, 30*time.Second, "the row to be parked", func() bool { return b.count(parked) == 1 })
			if n := b.count(`SELECT count(*) FROM attempts WHERE call = 'identity' AND COALESCE(error, '') LIKE $1 || '%'`, c.said); n != 1 {
				t.Errorf("%d attempts say why, want 1", n)
			}
			if reads := b.sim.Totals(sim.Zhimai).Reads; int64(reads) != c.asked {
				t.Errorf("the vendor was asked %d times, want %d", reads, c.asked)
			}
		})
	}
}

// A cancellation that comes before the question takes all of it: nobody is asked for, and
// nothing is sent.
func TestHeldCodeOfACancelledOrderIsNotAsked(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{}).confirmed()
	b.accept(1, heldCode)
	b.refund()
	b.accept(1, heldCode) // the one that shows that codes are asked for
	b.start(b.account())
	testkit.Eventually(t, 30*time.Second, "the other code to be resolved", func() bool { return b.heldWithMember() == 1 })
	if reads := b.sim.Totals(sim.Zhimai).Reads; reads != 1 {
		t.Errorf("the vendor was asked %d times, want once", reads)
	}
	if n := b.count(`SELECT count(*) FROM postings WHERE evidence = 'reversed'`); n != 1 {
		t.Errorf("%d grants were reversed before they were sent, want 1", n)
	}
}

// What is due goes first: while it drains, no held code is asked for.
func TestHeldCodesWaitForWhatIsDue(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{}).confirmed()
	b.accept(3, heldCode)
	b.accept(40, nil)
	a := b.account()
	a.RatePerSecond = 40
	client := a.Vendor.(*zhimai.Client)
	early := make(chan string, 3)
	a.Vendor = scanning{client, func(ctx context.Context, code string) (string, vendorapi.Reply) {
		if n := b.count(`SELECT count(*) FROM outbox WHERE state = 'pending' AND next_attempt_at <= now()`); n > 0 {
			early <- fmt.Sprintf("%s was asked for while %d rows were due", code, n)
		}
		return client.Resolve(ctx, code)
	}}
	b.start(a)
	testkit.Eventually(t, time.Minute, "all codes to be resolved", func() bool { return b.heldWithMember() == 3 })
	close(early)
	for words := range early {
		t.Error(words)
	}
	testkit.Eventually(t, 30*time.Second, "what was due", func() bool { return b.open() == 3 })
	b.agree(40)
}
