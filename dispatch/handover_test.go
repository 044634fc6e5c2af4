package dispatch_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"pointsledger/dispatch"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/ledger/gates"
	"pointsledger/ledger/knowledge"
	"pointsledger/vendorapi/sim"
)

// watched counts what an observer hears.
type watched struct {
	counts
	claimed, lost, expired atomic.Int64
}

func (w *watched) Claimed(_ string, rows int, _ time.Duration) { w.claimed.Add(int64(rows)) }
func (w *watched) LeasesLost(_ string, n int)                  { w.lost.Add(int64(n)) }
func (w *watched) LeasesExpired(_ string, n int)               { w.expired.Add(int64(n)) }
func (w *watched) Sampled(string, knowledge.Sighting)          {}

// recorder is a store that keeps what it was asked to lease, and may answer
// otherwise than it did.
type recorder struct {
	*ledger.Store
	// answer, when set, makes the answer out of the true one, after the commit.
	answer func(leased []ledger.Claimed, err error) ([]ledger.Claimed, error)

	mu sync.Mutex
	// asked is the number of accounts to lease for, one for each call; leased is
	// the number of rows that were.
	asked  []int
	leased int
}

func (r *recorder) RecordLeased(ctx context.Context, entries []ledger.Entry, leases []ledger.RecordLease) ([]ledger.Verdict, []ledger.Claimed, error) {
	verdicts, leased, err := r.Store.RecordLeased(ctx, entries, leases)
	r.mu.Lock()
	r.asked, r.leased = append(r.asked, len(leases)), r.leased+len(leased)
	r.mu.Unlock()
	if r.answer != nil {
		leased, err = r.answer(leased, err)
	}
	return verdicts, leased, err
}

// handover is a confirmed account that has caught up, with its recorder.
func (b *bench) handover(a dispatch.Account) (*dispatch.Handover, *dispatch.Dispatcher, *recorder, *watched, func()) {
	b.t.Helper()
	b.confirm()
	w, r := &watched{}, &recorder{Store: b.store}
	d, stop := b.startWatched(a, w)
	testkit.Eventually(b.t, 30*time.Second, "the dispatcher to catch up", d.CaughtUp)
	return dispatch.NewHandover(r, []*dispatch.Dispatcher{d}), d, r, w, stop
}

func (b *bench) confirm() {
	b.t.Helper()
	if err := b.store.MarkAccountConfirmed(b.t.Context(), "zhimai"); err != nil {
		b.t.Fatal(err)
	}
}

// record records as the intake does: again and again until it is done.
func (b *bench) record(h *dispatch.Handover, entries []ledger.Entry) {
	b.t.Helper()
	for try := 0; ; try++ {
		verdicts, err := h.Record(b.t.Context(), entries)
		if err == nil {
			if len(verdicts) != len(entries) {
				b.t.Errorf("%d verdicts for %d entries", len(verdicts), len(entries))
			}
			return
		}
		if try == 20 {
			b.t.Errorf("record: %v", err)
			return
		}
	}
}

func (b *bench) drained() bool { return b.open() == 0 }

// patient polls so seldom that only a wake lets a test end in time.
func patient(a dispatch.Account) dispatch.Account {
	a.PollEvery = 5 * time.Minute
	return a
}

func TestHandoverSavesTheClaim(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{})
	h, _, r, w, _ := b.handover(b.account())
	for range 10 {
		b.record(h, b.orders(10, func(i int, op *ledger.Operation) {
			if i%3 == 0 {
				op.MemberCode, op.MemberID = "UC"+op.MemberID, ""
			}
		}))
	}
	testkit.Eventually(t, 30*time.Second, "all operations to end", b.drained)
	b.agree(100)
	if n := w.claimed.Load(); n != 0 || r.leased != 100 {
		t.Errorf("%d rows were claimed and %d handed over, want 0 and 100", n, r.leased)
	}
}

// Handing over survives faults: retries come back through the claim.
func TestHandoverUnderHeavyFaults(t *testing.T) {
	t.Parallel()
	faults, err := sim.FaultsPreset("heavy")
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, sim.Config{Seed: 7, Zhimai: sim.ZhimaiConfig{Faults: faults}})
	h, _, r, w, _ := b.handover(b.account())
	for range 20 {
		b.record(h, b.orders(20, nil))
	}
	testkit.Eventually(t, time.Minute, "all operations to end", b.drained)
	b.agree(400)
	if r.leased == 0 || w.claimed.Load() == 0 {
		t.Errorf("%d rows handed over, %d claimed: want some of both", r.leased, w.claimed.Load())
	}
}

// Where rows cannot be handed over they wait in the outbox, and the dispatcher
// is woken: it polls far too seldom here.
func TestHandoverElsewhereWakes(t *testing.T) {
	t.Parallel()
	t.Run("not confirmed", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, sim.Config{})
		w, r := &watched{}, &recorder{Store: b.store}
		d, _ := b.startWatched(patient(b.account()), w)
		testkit.Eventually(t, 30*time.Second, "the dispatcher to catch up", d.CaughtUp)
		h := dispatch.NewHandover(r, []*dispatch.Dispatcher{d})
		b.record(h, b.orders(30, nil))
		b.claimedAll(30, r, w)
		b.record(h, b.orders(1, nil))
		testkit.Eventually(t, 30*time.Second, "the next to end", b.drained)
	})
	t.Run("more than there is ever room for", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, sim.Config{})
		h, d, r, w, _ := b.handover(patient(b.account()))
		b.record(h, b.orders(513, nil)) // the queue is filled by claims of 256
		b.claimedAll(513, r, w)
		testkit.Eventually(t, 30*time.Second, "the dispatcher to catch up again", d.CaughtUp)
		b.record(h, b.orders(512, nil))
		testkit.Eventually(t, 30*time.Second, "all operations to end", b.drained)
		if r.leased != 512 {
			t.Errorf("%d rows were handed over, want 512", r.leased)
		}
	})
	t.Run("stopped", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, sim.Config{})
		h, _, r, _, stop := b.handover(patient(b.account()))
		stop()
		b.record(h, b.orders(10, nil))
		if n := b.count(`SELECT count(*) FROM outbox WHERE state = 'pending' AND first_sent_at IS NULL`); n != 10 || r.leased > 0 {
			t.Errorf("%d rows wait and %d were leased, want 10 and 0", n, r.leased)
		}
	})
	t.Run("never started, and another account", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, sim.Config{})
		d, err := dispatch.New(dispatch.NewLedger(b.store, b.pool), b.account(), zap.NewNop(), &counts{})
		if err != nil {
			t.Fatal(err)
		}
		r := &recorder{Store: b.store}
		b.record(dispatch.NewHandover(r, []*dispatch.Dispatcher{d}), b.orders(10, nil))
		b.record(dispatch.NewHandover(r, nil), b.orders(10, nil))
		if n := b.count(`SELECT count(*) FROM outbox WHERE state = 'pending'`); n != 20 || r.leased > 0 {
			t.Errorf("%d rows wait and %d were leased, want 20 and 0", n, r.leased)
		}
	})
}

// claimedAll waits until n rows, none of which was handed over, are posted.
func (b *bench) claimedAll(n int, r *recorder, w *watched) {
	b.t.Helper()
	testkit.Eventually(b.t, 30*time.Second, "all operations to end", b.drained)
	b.agree(n)
	if r.leased > 0 || w.claimed.Load() < int64(n) {
		b.t.Errorf("%d rows were handed over, %d claimed: want 0 and %d", r.leased, w.claimed.Load(), n)
	}
}

// While the gate is closed rows wait as if never sent, and drain when it opens.
func TestHandoverBehindAClosedGate(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{})
	h, d, r, _, _ := b.handover(patient(b.account()))
	if err := gates.New(b.pool).CloseGate(t.Context(), "zhimai", "throttled", "slow down", time.Hour, 1); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 30*time.Second, "the gate to close", func() bool { return !d.Status().Gate.Open })
	b.record(h, b.orders(20, nil))
	if n := b.count(`SELECT count(*) FROM outbox WHERE state = 'pending' AND first_sent_at IS NULL`); n != 20 || r.leased > 0 {
		t.Errorf("%d rows wait and %d were leased, want 20 and 0", n, r.leased)
	}
	if err := gates.New(b.pool).OpenGate(t.Context(), "zhimai"); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 30*time.Second, "all operations to end", b.drained)
	testkit.Eventually(t, 30*time.Second, "the dispatcher to catch up", d.CaughtUp)
	b.record(h, b.orders(20, nil))
	testkit.Eventually(t, 30*time.Second, "the next to end", b.drained)
	b.agree(40)
	if r.leased != 20 {
		t.Errorf("%d rows were handed over, want 20", r.leased)
	}
}

// Rows that are due in the outbox are served while new ones come without end.
func TestHandoverDoesNotStarveTheOutbox(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{Latency: 5 * time.Millisecond})
	a := b.account()
	a.Concurrency = 4
	h, d, r, w, _ := b.handover(a)
	waiting := b.orders(100, nil)
	streaming, stopStream := context.WithCancel(t.Context())
	defer stopStream()
	var stream sync.WaitGroup
	stream.Go(func() { // always more than the senders take at once, and always room
		for streaming.Err() == nil {
			testkit.Eventually(t, 30*time.Second, "rows to leave", func() bool { return d.Queued() < 60 && b.count(`SELECT count(*) FROM outbox`) < 300 })
			b.record(h, b.orders(20, nil))
		}
	})
	testkit.Eventually(t, 30*time.Second, "rows to be handed over", func() bool { return d.Queued() > 0 })
	if _, err := b.store.Record(t.Context(), waiting); err != nil { // another worker's, or a person's replay
		t.Fatal(err)
	}
	testkit.Eventually(t, 30*time.Second, "the waiting rows to end", func() bool {
		return b.count(`SELECT count(*) FROM postings p JOIN operations o ON o.id = p.operation_id WHERE o.stream_seq <= 100`) == 100
	})
	stopStream()
	stream.Wait()
	testkit.Eventually(t, time.Minute, "all operations to end", b.drained)
	b.agree(b.seq)
	t.Logf("%d rows, %d handed over, %d claimed", b.seq, r.leased, w.claimed.Load())
}

// The dispatcher stops while rows that it has promised room for are being
// recorded: it waits for them and hands them back, as if never sent.
func TestHandoverAtTheStop(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{})
	h, d, r, _, stop := b.handover(b.account())
	committed, release := make(chan struct{}), make(chan struct{})
	r.answer = func(leased []ledger.Claimed, err error) ([]ledger.Claimed, error) {
		close(committed)
		<-release
		return leased, err
	}
	recorded, stopped := make(chan struct{}), make(chan struct{})
	entries := b.orders(20, nil)
	go func() { defer close(recorded); b.record(h, entries) }()
	<-committed
	if n := d.Reserved(); n != 20 {
		t.Errorf("%d rows are promised room, want 20", n)
	}
	go func() { defer close(stopped); stop() }()
	testkit.Eventually(t, 30*time.Second, "the dispatcher to take no more", d.Closing)
	select {
	case <-stopped:
		t.Error("the dispatcher ended while it owed room to rows that are recorded")
	default:
	}
	close(release)
	<-recorded
	<-stopped
	if n := b.count(`SELECT count(*) FROM outbox WHERE state = 'pending' AND NOT in_doubt AND first_sent_at IS NULL AND attempts = 0`); n != 20 {
		t.Errorf("%d rows are as if never sent, want 20", n)
	}
	b.agree(0)
	r.answer = nil
	b.record(h, b.orders(5, nil))
	b.start(b.account())
	testkit.Eventually(t, 30*time.Second, "all operations to end", b.drained)
	b.agree(25)
	if d.Reserved() != 0 || d.Status().Held != 0 {
		t.Errorf("%d rows are promised room and %d held by a dispatcher that has ended", d.Reserved(), d.Status().Held)
	}
}

// Several batches at a time to two workers, which are stopped and followed by
// others all the while: every operation ends posted once.
func TestHandoverFromManyBatchesAndRestarts(t *testing.T) {
	t.Parallel()
	faults, err := sim.FaultsPreset("heavy")
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, sim.Config{Seed: 3, Zhimai: sim.ZhimaiConfig{Faults: faults}})
	b.confirm()
	const workers, recorders, batches, size = 2, 3, 12, 15
	r := &recorder{Store: b.store}
	var handovers [workers]atomic.Pointer[dispatch.Handover]
	var stops [workers]func()
	restart := func(i int) {
		if stops[i] != nil {
			stops[i]()
		}
		d, stop := b.start(b.account())
		stops[i] = stop
		handovers[i].Store(dispatch.NewHandover(r, []*dispatch.Dispatcher{d}))
	}
	var all [][]ledger.Entry
	for range workers * recorders * batches {
		all = append(all, b.orders(size, nil))
	}
	for i := range workers {
		restart(i)
	}
	var group sync.WaitGroup
	for g := range workers * recorders {
		group.Go(func() {
			mine := all[g*batches : (g+1)*batches]
			for i, entries := range mine {
				if i%4 == 3 { // some come twice, as after a lost acknowledgement
					entries = slices.Concat(entries, mine[i-1])
				}
				testkit.Eventually(t, time.Minute, "the workers to keep up", func() bool { return b.open() < 100 })
				b.record(handovers[g%workers].Load(), entries)
			}
		})
	}
	recorded := make(chan struct{})
	go func() { group.Wait(); close(recorded) }()
	restarts := 0
	for done := false; !done; restarts++ {
		before := b.count(`SELECT count(*) FROM postings`)
		testkit.Eventually(t, 30*time.Second, "progress", func() bool {
			select {
			case <-recorded:
				done = true
			default:
			}
			return done || b.count(`SELECT count(*) FROM postings`) >= before+50
		})
		if !done {
			restart(restarts % workers)
		}
	}
	testkit.Eventually(t, time.Minute, "all operations to end", b.drained)
	b.agree(b.seq)
	t.Logf("%d restarts, %d of %d rows handed over", restarts, r.leased, b.seq)
	if r.leased == 0 {
		t.Error("nothing was handed over")
	}
}

var errLost = errors.New("the connection was lost")

// The answer to a commit is lost: nobody holds its rows. They are taken back in
// doubt when their lease ends, and posted once.
func TestHandoverWithALostAnswer(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{})
	h, d, r, w, _ := b.handover(b.account())
	first := true
	r.answer = func(leased []ledger.Claimed, err error) ([]ledger.Claimed, error) {
		if first {
			first = false
			return nil, errLost
		}
		return leased, err
	}
	b.record(h, b.orders(20, nil))
	if n := b.count(`SELECT count(*) FROM outbox WHERE state = 'sending' AND lease_until > now()`); n != 20 || d.Status().Held != 0 || d.Reserved() != 0 {
		t.Errorf("%d rows are leased, %d held and %d promised, want 20, 0 and 0", n, d.Status().Held, d.Reserved())
	}
	b.agree(0)
	if _, err := b.pool.Exec(t.Context(), `UPDATE outbox SET lease_until = now()`); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 30*time.Second, "all operations to end", b.drained)
	b.agree(20)
	if n := b.count(`SELECT count(*) FROM attempts WHERE outcome = 'lease_expired'`); n != 20 || w.expired.Load() != 20 {
		t.Errorf("%d attempts ended with their lease, %d were observed, want 20", n, w.expired.Load())
	}
}

// A batch that was recorded in part hands that part over, and fails.
func TestHandoverOfAPartialBatch(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{})
	h, _, r, w, _ := b.handover(b.account())
	r.answer = func(leased []ledger.Claimed, _ error) ([]ledger.Claimed, error) { return leased, errLost }
	if _, err := h.Record(t.Context(), b.orders(20, nil)); !errors.Is(err, errLost) {
		t.Errorf("got %v, want the store's error", err)
	}
	testkit.Eventually(t, 30*time.Second, "all operations to end", b.drained)
	b.agree(20)
	if w.claimed.Load() != 0 || w.expired.Load() != 0 {
		t.Errorf("%d rows were claimed, %d leases ended, want none", w.claimed.Load(), w.expired.Load())
	}
}

// The answer comes after the lease has ended and another worker has sent the
// rows: they are not sent again, and nothing is changed.
func TestHandoverAfterTheLease(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{})
	a := b.account()
	a.Timeout, a.Lease = 100*time.Millisecond, 100*time.Millisecond+dispatch.SettleAllowance+200*time.Millisecond
	h, _, r, w, _ := b.handover(a)
	b.start(a) // the other worker
	r.answer = func(leased []ledger.Claimed, err error) ([]ledger.Claimed, error) {
		testkit.Eventually(t, 30*time.Second, "another worker to post all", b.drained)
		return leased, err
	}
	b.record(h, b.orders(20, nil))
	testkit.Eventually(t, 30*time.Second, "the late rows to be given up", func() bool { return w.lost.Load() == 20 })
	b.agree(20)
	for _, e := range b.sim.Book() {
		if e.Received != 1 {
			t.Errorf("%s was sent %d times", e.Key, e.Received)
		}
	}
}
