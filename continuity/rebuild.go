package continuity

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/consumers"
	"pointsledger/continuity/survey"
	"pointsledger/ledger"
	"pointsledger/rules"
)

// RebuildDeps are what a Rebuilder works with.
type RebuildDeps struct {
	JetStream jetstream.JetStream
	// Pool is one of database.OpenWorkerPool with three connections or more,
	// because the lock holds one; Store is on it.
	Pool  *pgxpool.Pool
	Store *ledger.Store
	Rules *rules.Rules
}

// RebuildConfig of a Rebuilder.
type RebuildConfig struct {
	Stream, Durable string
	// Rest is how long rows that were being sent are left alone in a backup that
	// lacks acknowledged events: longer than any worker's lease.
	Rest time.Duration
}

// Rebuilder reads the stream again for a person, through a consumer of its own
// that acknowledges nothing, and adds what the ledger lacks: parked and in
// doubt, because it may have been sent. Workers may run meanwhile.
type Rebuilder struct {
	RebuildDeps
	config RebuildConfig
}

// NewRebuilder checks the configuration.
func NewRebuilder(deps RebuildDeps, config RebuildConfig) (*Rebuilder, error) {
	if config.Stream == "" || config.Durable == "" || config.Rest <= 0 {
		return nil, fmt.Errorf("configure rebuild: want stream, durable and a rest above zero, got %+v", config)
	}
	return &Rebuilder{RebuildDeps: deps, config: config}, nil
}

// State asks the broker, and looks at the ledger.
func (r *Rebuilder) State(ctx context.Context) (survey.State, error) {
	state, _, err := r.state(ctx)
	if err != nil {
		return state, err
	}
	if state.Unknown, err = r.unknown(ctx); err != nil {
		return state, err
	}
	state.OldestAt, err = readOldest(ctx, r.Pool)
	return state, err
}

func (r *Rebuilder) state(ctx context.Context) (survey.State, *consumers.Position, error) {
	at, err := consumers.ReadPosition(ctx, r.JetStream, r.config.Stream, r.config.Durable)
	if err != nil {
		return survey.State{}, nil, err
	}
	state, err := stateOf(&at, r.config.Stream)
	return state, &at, err
}

// stateOf is what a position says of what there is to read.
func stateOf(at *consumers.Position, stream string) (survey.State, error) {
	if !at.Found {
		return survey.State{}, fmt.Errorf("look at stream %s: %w", stream, ErrNoStream)
	}
	state := survey.State{Created: at.Created, First: at.First, FirstAt: at.FirstAt, Last: at.Last,
		ConsumerFound: at.DurableFound, Acked: at.Acked, AckedAny: at.AnyAcked, Delivered: at.Delivered}
	if at.Messages == 0 {
		state.First, state.FirstAt = at.Last+1, time.Time{}
	}
	return state, nil
}

// unknown tells that workers refuse this ledger, or have never used it.
func (r *Rebuilder) unknown(ctx context.Context) (bool, error) {
	session, err := OpenSession(ctx, r.Pool)
	if err != nil {
		return false, err
	}
	defer session.Close()
	remembered, found, err := session.Remembered(ctx)
	return !found || remembered.Rebuilding(), err
}

// SeqSince is the sequence of the first event that the broker stored at a time
// or later; 0 when there is none.
func (r *Rebuilder) SeqSince(ctx context.Context, since time.Time) (uint64, error) {
	consumer, err := r.JetStream.OrderedConsumer(ctx, r.config.Stream, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{consumers.SubjectPrefix + ">"}, InactiveThreshold: time.Minute,
		DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since})
	if err != nil {
		return 0, fmt.Errorf("find the first event since %s: %w", since.Format(time.RFC3339), err)
	}
	info, err := consumer.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("find the first event since %s: %w", since.Format(time.RFC3339), err)
	}
	if info.NumPending == 0 {
		return 0, nil
	}
	m, err := consumer.Next(jetstream.FetchMaxWait(rereadPatience))
	if err != nil {
		return 0, fmt.Errorf("find the first event since %s: %w", since.Format(time.RFC3339), err)
	}
	meta, err := m.Metadata()
	if err != nil {
		return 0, fmt.Errorf("find the first event since %s: %w", since.Format(time.RFC3339), err)
	}
	return meta.Sequence.Stream, nil
}

// Survey reads a part of the stream, both ends included, and says what adding
// it would do. It changes nothing. progress hears the last sequence that was
// read, after each batch.
func (r *Rebuilder) Survey(ctx context.Context, from, to uint64, progress func(seq uint64)) (survey.Found, error) {
	at, err := consumers.ReadPosition(ctx, r.JetStream, r.config.Stream, r.config.Durable)
	if err != nil {
		return survey.Found{}, err
	}
	surveyor := survey.New()
	var events int64
	read, err := r.reader(&at).each(ctx, stretch{from: from, to: to}, func(entries []ledger.Entry) error {
		verdicts, err := r.Store.Known(ctx, entries)
		if err != nil {
			return err
		}
		surveyor.Add(entries, verdicts)
		events += int64(len(entries))
		progress(entries[len(entries)-1].Message.Seq)
		return nil
	})
	if err != nil {
		return survey.Found{}, err
	}
	found := surveyor.Found()
	found.Read, found.Ignored = int64(read), int64(read)-events
	return found, nil
}

func (r *Rebuilder) reader(at *consumers.Position) *reader {
	return &reader{js: r.JetStream, store: r.Store, rules: r.Rules, of: consumers.Origin{Stream: r.config.Stream, Created: at.Created}}
}
