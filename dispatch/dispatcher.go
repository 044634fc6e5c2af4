package dispatch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// Dispatcher serves one account. Make it with New; Run may be called once.
type Dispatcher struct {
	book     book
	account  Account
	policy   policy
	log      *zap.Logger
	observer Observer

	gate    *gate
	leases  *leases
	pace    *pace
	lanes   lanes
	sampler *sampler
	strikes authStrikes
	shape   shape
	shapes  shapes
	// queue holds claimed rows until a sender takes them. A claim and a handover
	// at the same time may each fill it up to maxHeld.
	queue    chan *held
	reserved reservations
	results  chan result
	// wakeup: there may be due rows. room: a sender took a row or ended a call.
	// gateNews: this worker's gate changed.
	wakeup   chan struct{}
	room     chan struct{}
	gateNews chan struct{}

	inFlight  atomic.Int64
	confirmed atomic.Bool // MarkAccountConfirmed is done
	aside     atomic.Int64
	clock     databaseClock
	lastError atomic.Pointer[error]
}

// result is a row with what is to become of it.
type result struct {
	row *held
	decision
}

// maxHeld bounds the claimed rows of one account in this process: queued, in
// flight and waiting to be settled. More would only lengthen the time until
// another worker gets the rows of a killed one.
const maxHeld = 3000

// New checks the account and makes its dispatcher.
func New(store Store, account Account, log *zap.Logger, observer Observer) (*Dispatcher, error) {
	account = account.withDefaults()
	if err := account.validate(); err != nil {
		return nil, err
	}
	d := &Dispatcher{
		book: openBook(store, observer), account: account, observer: observer,
		log:    log.With(zap.String("account", account.Name)),
		policy: account.policy(), shape: shapeOf(account.Vendor),
		gate: newGate(false, account.ProbeEvery), leases: newLeases(), pace: newPace(&account, store), lanes: lanes{fresh: account.freshShare()},
		queue: make(chan *held, 2*maxHeld), reserved: reservations{freed: make(chan struct{}, 1)}, results: make(chan result, maxHeld),
		wakeup: make(chan struct{}, 1), room: make(chan struct{}, 1), gateNews: make(chan struct{}, 1),
	}
	d.sampler = &sampler{store: store, account: account, token: newToken(), log: d.log, observer: observer,
		read: d.readSample, note: d.note, wake: make(chan struct{}, 1), untold: true}
	return d, nil
}

// Name is the account's name, as its operations have it.
func (d *Dispatcher) Name() string { return d.account.Name }

// Wake says that rows may be due. It never blocks.
func (d *Dispatcher) Wake() { signal(d.wakeup) }

// Status is a dispatcher as an operator sees it.
type Status struct {
	Account  string
	Gate     GateStatus
	InFlight int
	Held     int
	// SetAside counts the rows whose result the ledger could not write since the
	// start; they are parked (ledger.CauseSettlingRefused).
	SetAside int64
	// Senders is the most calls at once.
	Senders int
	// ClockStep says that the database's clock was set lately; empty is well.
	ClockStep string
	// StoreTrouble is the last error of the ledger's store, nil when its last
	// statement went well.
	StoreTrouble error
}

// Status says how the account is doing.
func (d *Dispatcher) Status() Status {
	s := Status{Account: d.account.Name, Gate: d.gate.Status(), InFlight: int(d.inFlight.Load()), Held: d.leases.count(), SetAside: d.aside.Load(),
		Senders: d.account.Concurrency, ClockStep: d.clock.trouble(time.Now())}
	if trouble := d.lastError.Load(); trouble != nil {
		s.StoreTrouble = *trouble
	}
	return s
}

// Run serves the account until accept ends: then it claims no more, hands
// unsent rows back, finishes the calls in flight and settles them. work bounds
// the calls in flight: when it ends too, they are cut off, their rows are in
// doubt, and the database has settleGrace left to hear of it.
func (d *Dispatcher) Run(accept, work context.Context) error {
	err := d.loadConfirmed(accept)
	if err == nil {
		err = retryStore(accept, d.note, func() error { return d.registerShape(accept) })
	}
	if err == nil {
		// What other workers, or this one before a restart, have learned comes
		// before the first call; the first call of a new process may be a probe,
		// because it may have been started with the mended configuration.
		err = retryStore(accept, d.note, func() error {
			return errors.Join(d.book.probe.ProbeNow(accept, d.account.Name), d.shareGate(accept))
		})
	}
	if err != nil {
		if accept.Err() != nil {
			return nil
		}
		return err
	}
	// What the database's clock does from the first call on is seen.
	d.watchClock(accept)
	// What was heard is kept until it is written, also when accept has ended.
	write, stopWriting := context.WithCancel(context.WithoutCancel(accept))
	defer stopWriting()
	stop := context.AfterFunc(work, func() { time.AfterFunc(settleGrace, stopWriting) })
	defer stop()

	var senders, keepers, beside sync.WaitGroup
	for range d.account.Concurrency {
		senders.Go(func() { d.sendLoop(accept, work) })
	}
	settled := make(chan error, 1)
	go func() { settled <- d.settleLoop(write) }()
	keepers.Go(func() { d.renewLoop(write) })
	keepers.Go(func() { d.sweepLoop(accept) })
	keepers.Go(func() { d.gateLoop(accept) })
	beside.Go(func() { d.sampler.run(accept) })
	beside.Go(func() { d.codesLoop(accept, work) })

	d.claimLoop(accept)
	d.reserved.close()
	close(d.queue)
	senders.Wait()
	close(d.results)
	err = <-settled
	beside.Wait()
	d.sampler.close(write)
	stopWriting()
	keepers.Wait()
	return err
}

// loadConfirmed waits for the ledger to say whether the account has ever
// confirmed a call.
func (d *Dispatcher) loadConfirmed(ctx context.Context) error {
	confirmed := false
	err := retryStore(ctx, d.note, func() (err error) {
		confirmed, err = d.book.account.AccountConfirmed(ctx, d.account.Name)
		return err
	})
	if err != nil {
		return fmt.Errorf("start dispatch for %s: %w", d.account.Name, err)
	}
	d.confirmed.Store(confirmed)
	d.gate.mu.Lock()
	d.gate.confirmed = confirmed
	d.gate.mu.Unlock()
	return nil
}

// note keeps the store's last error for Status, and logs a change.
func (d *Dispatcher) note(err error) {
	if err == nil {
		if d.lastError.Swap(nil) != nil {
			d.log.Info("ledger database answers again")
		}
		return
	}
	if errors.Is(err, context.Canceled) {
		return
	}
	if before := d.lastError.Swap(&err); before == nil {
		d.log.Warn("ledger database in trouble, trying again", zap.Error(err))
	}
}

// signal wakes whoever waits on a channel of capacity 1.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
