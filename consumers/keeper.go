package consumers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"pointsledger/ledger"
)

// KeeperDeps are what a Keeper works with.
type KeeperDeps struct {
	JetStream jetstream.JetStream
	// Store is on a pool of the keeper's own, which Guard does not watch.
	Store *ledger.Store
	// Guard watches the worker's pool; Reset makes that pool give up the
	// connections that it has.
	Guard *ledger.Guard
	Reset func()
	// Rules are those to begin with; SetRules brings others.
	Rules *Rules
	Log   *zap.Logger
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
}

// Keeper makes sure that the ledger is in the database that it was in, and
// mends it from the stream when that database has lost its newest commits. As
// long as it is not sure, the guard of the worker's pool is shut: nothing is
// recorded, claimed or sent. Make it with NewKeeper; Run may be called once.
type Keeper struct {
	KeeperDeps
	config KeeperConfig
	sure   chan struct{}
	// last is what was seen when the guard was open last, nil before that.
	last *ledger.Identity

	mu      sync.Mutex
	rules   *Rules
	problem string
	warning []string
}

// SetRules reads events again by other rules from now on.
func (k *Keeper) SetRules(rules *Rules) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rules = rules
}

// mapping is what events are read again by.
func (k *Keeper) mapping() *Rules {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.rules == nil { // a keeper that only reads, see Rebuild
		return k.Rules
	}
	return k.rules
}

// NewKeeper checks the configuration.
func NewKeeper(deps KeeperDeps, config KeeperConfig) (*Keeper, error) {
	if config.Stream == "" || config.Durable == "" || config.Every <= 0 || config.Rest <= 0 {
		return nil, fmt.Errorf("configure keeper: want stream, durable, and times above zero, got %+v", config)
	}
	return &Keeper{KeeperDeps: deps, config: config, sure: make(chan struct{}), problem: "not looked at yet"}, nil
}

// Sure is closed when the keeper was sure of the database for the first time:
// the worker may begin.
func (k *Keeper) Sure() <-chan struct{} { return k.sure }

// Problem says why nothing is recorded or sent, empty when the keeper is sure.
func (k *Keeper) Problem() string {
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

// lookTime bounds a look that finds nothing to mend.
const lookTime = 15 * time.Second

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
			if _, open := k.Guard.Seen(); !open {
				// It is known: do not spin.
				pause(accept, k.config.Every)
			}
		}
		timer.Stop()
	}
	return nil
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

// refusal is a state that only a person can end.
type refusal struct{ text string }

func (r *refusal) Error() string { return r.text }

// note keeps the result of a look for readiness, and logs when it changes.
func (k *Keeper) note(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	before := k.problem
	_, open := k.Guard.Seen()
	switch refused := (*refusal)(nil); {
	case errors.As(err, &refused):
		k.problem = refused.text
	case open || err == nil:
		// An error while the guard is open is an outage that others report.
		k.problem = ""
	default:
		k.problem = "nothing is recorded or sent until the database is compared with the stream: " + err.Error()
	}
	if k.problem != before && k.problem != "" {
		k.Log.Error("another database", zap.String("problem", k.problem))
	}
	if k.problem == "" && before != "" {
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
	if len(now) > len(k.warning) {
		for _, text := range now {
			k.Log.Warn("database and stream", zap.String("warning", text))
		}
	}
	k.warning = now
}

// look compares the database with what is remembered, and either notes that
// all is well or decides what to do. All of it is on one connection.
func (k *Keeper) look(ctx context.Context) error {
	short, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	session, err := k.Store.OpenIdentity(short)
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
	at, positionErr := readPosition(short, k.JetStream, k.config.Stream, k.config.Durable)
	remembered, found, err := session.Remembered(short)
	if err != nil {
		return err
	}
	seen, open := k.Guard.Seen()
	same := open && found && ledger.SameDatabase(seen, remembered, now)
	if same && positionErr != nil {
		return positionErr
	}
	if same && !streamChanged(remembered, k.config.Stream, &at) {
		k.admit(remembered)
		k.warn(hiddenWarning(now), at.lateWarning(time.Now()))
		written, err := session.Beat(short, remembered, at.created, at.acked)
		if err == nil && !written {
			err = fmt.Errorf("write ledger identity: %w", ledger.ErrAnotherDatabase)
		}
		return err
	}
	k.Guard.Shut()
	k.Reset()
	if positionErr != nil {
		return positionErr
	}
	if err := session.Locked(ctx, func() error { return k.decide(ctx, session, now, &at) }); err != nil {
		return err
	}
	if remembered, _, err = session.Remembered(ctx); err != nil {
		return err
	}
	k.admit(remembered)
	k.warn(hiddenWarning(now), at.lateWarning(time.Now()))
	return nil
}

// warnLate looks at the broker alone: a database that is away for long is just
// when events grow old in the stream.
func (k *Keeper) warnLate(ctx context.Context) {
	short, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	if at, err := readPosition(short, k.JetStream, k.config.Stream, k.config.Durable); err == nil {
		k.warn(at.lateWarning(time.Now()))
	}
}

// admit opens the guard for a state of the ledger.
func (k *Keeper) admit(seen ledger.Identity) {
	k.last = &seen
	k.Guard.Admit(seen)
}

func hiddenWarning(now ledger.Database) string {
	if now.Hidden == "" {
		return ""
	}
	return "a failover may go unnoticed, because this role may not read " + now.Hidden
}
