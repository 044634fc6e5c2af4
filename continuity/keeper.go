package continuity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"pointsledger/consumers"
	"pointsledger/ledger"
	"pointsledger/rules"
)

// KeeperDeps are what a Keeper works with.
type KeeperDeps struct {
	JetStream jetstream.JetStream
	// Pool is the keeper's own, which Guard does not watch, and Store is on it.
	Pool  *pgxpool.Pool
	Store *ledger.Store
	// Guard watches the worker's pool; Reset makes that pool give up the
	// connections that it has.
	Guard *Guard
	Reset func()
	// Rules are those to begin with; Reconfigure brings others.
	Rules *rules.Rules
	// Restore puts back, before events are read again into a ledger that lost
	// commits, what the ledger must know to refuse rules that have ended; nil is
	// nothing.
	Restore func(ctx context.Context) error
	Log     *zap.Logger
}

// KeeperConfig of a Keeper.
type KeeperConfig struct {
	Stream, Durable string
	// Every is the time between two looks. Low: a write of one row more often;
	// high: more of the stream is compared after a crash.
	Every time.Duration
	// Rest is how long rows are left alone after a database took over: longer
	// than any worker's lease.
	Rest time.Duration
	// FirstStart is the creation time, to the second, of the stream that a ledger
	// which was never used may begin with although it holds events and has no
	// durable; zero is none. It names one stream, so one that is left set lets in
	// no other, nor the same one for a ledger that has been used.
	FirstStart time.Time
	// Called is what the configuration calls the stream, in warnings.
	Called consumers.Called
}

// Keeper makes sure that the ledger is in the database that it was in, and
// mends it from the stream when that database has lost its newest commits. As
// long as it is not sure, the guard of the worker's pool is shut: nothing is
// recorded, claimed or sent. Make it with NewKeeper; Run may be called once.
type Keeper struct {
	KeeperDeps
	config  KeeperConfig
	sure    chan struct{}
	denied  *consumers.Denied
	witness *witness
	// witnessLost is when a witness was found missing that had been there.
	witnessLost time.Time
	// last is what was seen when the guard was open last, nil before that.
	last *Identity

	mu      sync.Mutex
	rules   *rules.Rules
	problem error
	warning []string
}

// Reconfigure reads events again by other rules from now on, and leaves rows
// alone for another time (KeeperConfig.Rest).
func (k *Keeper) Reconfigure(rules *rules.Rules, rest time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rules, k.config.Rest = rules, rest
}

// rest is KeeperConfig.Rest.
func (k *Keeper) rest() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.config.Rest
}

// NewKeeper checks the configuration.
func NewKeeper(deps KeeperDeps, config KeeperConfig) (*Keeper, error) {
	if config.Stream == "" || config.Durable == "" || config.Every <= 0 || config.Rest <= 0 {
		return nil, fmt.Errorf("configure keeper: want stream, durable, and times above zero, got %+v", config)
	}
	denied := consumers.WatchDenied(deps.JetStream.Conn())
	return &Keeper{KeeperDeps: deps, config: config, rules: deps.Rules, sure: make(chan struct{}), problem: errors.New("database: not looked at yet"), denied: denied,
		witness: &witness{js: deps.JetStream, denied: denied, stream: config.Stream, durable: config.Durable}}, nil
}

// Sure is closed when the keeper was sure of the database for the first time:
// the worker may begin.
func (k *Keeper) Sure() <-chan struct{} { return k.sure }

// Problem is why nothing is recorded or sent, and says whether the database or the
// broker is the matter; nil when the keeper is sure. Where only a person can end
// it, it wraps one of the types in errors.go.
func (k *Keeper) Problem() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.problem
}

// Warnings are what somebody should look at; work goes on.
func (k *Keeper) Warnings() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.warning
}

// lookTime bounds a look that finds nothing to mend, and askTime each of the two
// questions to the broker in it: one that does not answer leaves the time to
// write the row, without which no new connection is let in.
const (
	lookTime = 15 * time.Second
	askTime  = 4 * time.Second
)

// doubtedPause is how soon a database that could not be reached is looked at
// again while connections wait for it.
const doubtedPause = 500 * time.Millisecond

// Run looks at once, then again and again until accept ends.
func (k *Keeper) Run(accept, _ context.Context) error {
	for accept.Err() == nil {
		err := k.look(accept)
		if accept.Err() != nil {
			return nil
		}
		k.note(err)
		timer := time.NewTimer(k.config.Every)
		select {
		case <-accept.Done():
		case <-timer.C:
		case <-k.Guard.Suspicion():
			// It is known: do not spin.
			if _, open := k.Guard.Seen(); !open {
				idle(accept, k.config.Every)
			} else if !k.Guard.Fresh() {
				idle(accept, min(k.config.Every, doubtedPause))
			}
		}
		timer.Stop()
	}
	return nil
}

// idle waits, at most until ctx ends.
func idle(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// Beat looks once more at the end, so that the next start has nothing to
// compare.
func (k *Keeper) Beat(ctx context.Context) {
	if _, open := k.Guard.Seen(); open {
		if err := k.look(ctx); err != nil {
			k.Log.Info("last look at the database", zap.Error(err))
		}
	}
}

// brokerError is a fault of the broker or of what it lets us do, and none of the
// database's.
type brokerError struct{ error }

func (e *brokerError) Unwrap() error { return e.error }

// note keeps the result of a look for readiness, and logs when it changes.
func (k *Keeper) note(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	before := k.problem
	_, open := k.Guard.Seen()
	line := "the database cannot be compared with the stream"
	refused, broker := refusal(nil), (*brokerError)(nil)
	switch {
	case errors.As(err, &refused):
		line, k.problem = "another database", fmt.Errorf("database: %w", refused)
	case errors.As(err, &broker) && !k.Guard.Fresh():
		line = "the broker cannot be asked"
		k.problem = fmt.Errorf("NATS: nothing is recorded or sent until the database is compared with the stream: %w", err)
	case open || err == nil:
		// An error while the guard is open is an outage that others report.
		k.problem = nil
	default:
		k.problem = fmt.Errorf("database: nothing is recorded or sent until the database is compared with the stream: %w", err)
	}
	if k.problem != nil && (before == nil || before.Error() != k.problem.Error()) {
		k.Log.Error(line, zap.NamedError("problem", k.problem))
	}
	if k.problem == nil && before != nil {
		select {
		case <-k.sure:
			k.Log.Info("the database is known again")
		default:
			close(k.sure)
		}
	}
}

// warn keeps warnings for readiness, and logs those that are new.
func (k *Keeper) warn(warnings ...string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var now []string
	for _, text := range warnings {
		if text == "" {
			continue
		}
		now = append(now, text)
	}
	for _, text := range now {
		if !slices.Contains(k.warning, text) {
			k.Log.Warn("database and stream", zap.String("warning", text))
		}
	}
	k.warning = now
}

// look compares the database with what is remembered, and either notes that
// all is well or decides what to do. A look that failed lets new connections wait
// for the next one: while this worker was cut off others may have gone on, and
// the database may have been rolled back since.
func (k *Keeper) look(ctx context.Context) error {
	err := k.lookOnce(ctx)
	if broker := (*brokerError)(nil); err != nil && !errors.As(err, &broker) {
		k.Guard.Doubt()
	}
	return err
}

// lookOnce is a look. All of it is on one connection, made before the witness is
// read: a database that is rolled back meanwhile ends it.
func (k *Keeper) lookOnce(ctx context.Context) error {
	short, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	session, err := OpenSession(short, k.Pool)
	if err != nil {
		k.warnLate(ctx)
		return err
	}
	defer session.Close()
	now, err := session.Now(short)
	if err != nil {
		return err
	}
	// The position is read after the connection is made and before the row is
	// written on it: what was acknowledged by then is committed on this server.
	ask, answered := context.WithTimeout(short, askTime)
	at, positionErr := consumers.AskPosition(ask, k.JetStream, k.denied, k.config.Stream, k.config.Durable)
	answered()
	if positionErr != nil {
		positionErr = &brokerError{positionErr}
	}
	// The witness is read before the row, which is written before the witness:
	// a row that is lower has lost commits, and is not just behind in a race.
	ask, answered = context.WithTimeout(short, askTime)
	seenBy, witnessErr := k.readWitness(ask, k.config.Durable, positionErr)
	answered()
	remembered, found, err := session.Remembered(short)
	if err != nil {
		return err
	}
	seen, open := k.Guard.Seen()
	f := facts{now: now, at: &at, remembered: remembered, found: found, last: k.last, witness: seenBy}
	if open && found && sameDatabase(seen, remembered, now) && f.witnessAgrees() {
		if !k.Guard.Fresh() && witnessErr != nil && !isNoWitness(witnessErr) {
			return witnessErr // after a reconnect it is waited for
		}
		if positionErr != nil {
			return k.beatAlone(short, session, &f, positionErr)
		}
		if !streamChanged(remembered, k.config.Stream, &at) {
			return k.beat(short, session, &f, witnessErr)
		}
	}
	k.Guard.Shut()
	k.Reset()
	if positionErr != nil {
		return positionErr
	}
	if witnessErr != nil && !isNoWitness(witnessErr) {
		return witnessErr
	}
	if err := session.Locked(ctx, func() error { return k.decide(ctx, session, now, &at) }); err != nil {
		return err
	}
	if remembered, _, err = session.Remembered(ctx); err != nil {
		return err
	}
	if remembered, witnessErr, err = k.testifyFirst(ctx, session, remembered, now, &at); err != nil {
		return err
	}
	k.admit(remembered)
	k.warnAbout(now, &at, witnessErr)
	return nil
}

// beat writes the row of a ledger that is as it was, and then the witness.
func (k *Keeper) beat(ctx context.Context, session *Session, f *facts, witnessErr error) error {
	beat, written, err := session.Beat(ctx, f.remembered, f.at.Created, f.at.Acked)
	if err != nil {
		return err
	}
	if !written {
		return fmt.Errorf("write ledger identity: %w", ErrAnotherDatabase)
	}
	f.remembered.Beat = beat
	k.admit(f.remembered)
	if witnessErr == nil {
		witnessErr = k.testify(ctx, testimonyOf(f.remembered, f.now, f.at), nil)
	}
	k.warnAbout(f.now, f.at, witnessErr)
	return nil
}

// beatAlone writes the row while the broker cannot be asked, so that this worker
// notices a database that is rolled back meanwhile. What was acknowledged stays
// as it was noted.
func (k *Keeper) beatAlone(ctx context.Context, session *Session, f *facts, positionErr error) error {
	beat, written, err := session.Beat(ctx, f.remembered, f.remembered.StreamCreated, 0)
	if err == nil && written {
		f.remembered.Beat = beat
		k.admit(f.remembered)
	}
	k.warn(append([]string{hiddenWarning(f.now)}, k.denied.Warnings(time.Now())...)...)
	return positionErr
}

// warnLate looks at the broker alone: a database that is away for long is just
// when events grow old in the stream.
func (k *Keeper) warnLate(ctx context.Context) {
	short, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	if at, err := consumers.ReadPosition(short, k.JetStream, k.config.Stream, k.config.Durable); err == nil {
		k.warn(lateWarning(&at, time.Now()))
	}
}

// admit opens the guard for a state of the ledger.
func (k *Keeper) admit(seen Identity) {
	k.last = &seen
	k.Guard.Admit(seen)
}
