package continuity

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/consumers"
	"pointsledger/ledger"
	"pointsledger/rules"
)

// RebuildDeps are what a Rebuilder works with.
type RebuildDeps struct {
	JetStream jetstream.JetStream
	// Pool is one of ledger.OpenWorkerPool with three connections or more,
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

// StreamState is what there is to read again.
type StreamState struct {
	Created time.Time
	// First and FirstAt are of the oldest event that is left, Last is the newest.
	// In a stream with no events left First is Last+1, and FirstAt is zero.
	First, Last uint64
	FirstAt     time.Time
	// ConsumerFound tells whether the durable is there; without it nothing tells
	// what workers have recorded.
	ConsumerFound bool
	// Acked: every event up to it was acknowledged. AckedAny is false when none
	// was, and Acked means that earlier ones had left the stream.
	Acked    uint64
	AckedAny bool
	// Delivered: a worker may have recorded events up to it, and no later ones.
	Delivered uint64
}

// State asks the broker.
func (r *Rebuilder) State(ctx context.Context) (StreamState, error) {
	state, _, err := r.state(ctx)
	return state, err
}

func (r *Rebuilder) state(ctx context.Context) (StreamState, *consumers.Position, error) {
	at, err := consumers.ReadPosition(ctx, r.JetStream, r.config.Stream, r.config.Durable)
	if err != nil {
		return StreamState{}, nil, err
	}
	if !at.Found {
		return StreamState{}, nil, fmt.Errorf("look at stream %s: %w", r.config.Stream, ErrNoStream)
	}
	state := StreamState{Created: at.Created, First: at.First, FirstAt: at.FirstAt, Last: at.Last,
		ConsumerFound: at.DurableFound, Acked: at.Acked, AckedAny: at.AnyAcked, Delivered: at.Delivered}
	if at.Messages == 0 {
		state.First, state.FirstAt = at.Last+1, time.Time{}
	}
	return state, &at, nil
}

// Unknown tells that workers refuse this ledger, or have never used it: it has
// no identity, or is being rebuilt.
func (r *Rebuilder) Unknown(ctx context.Context) (bool, error) {
	session, err := OpenSession(ctx, r.Pool)
	if err != nil {
		return false, err
	}
	defer session.Close()
	remembered, found, err := session.Remembered(ctx)
	return !found || remembered.Rebuilding(), err
}

// Holdings reads what the ledger holds.
func (r *Rebuilder) Holdings(ctx context.Context) (Holdings, error) {
	return readHoldings(ctx, r.Pool)
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

// Surveyed is what Survey found.
type Surveyed struct {
	Survey
	// Read counts all messages, Ignored those of them whose type is ignored.
	Read    int64 `json:"read"`
	Ignored int64 `json:"ignored"`
}

// Survey reads a part of the stream, both ends included, and says what adding
// it would do. It changes nothing. progress hears the last sequence that was
// read, after each batch.
func (r *Rebuilder) Survey(ctx context.Context, from, to uint64, progress func(seq uint64)) (Surveyed, error) {
	at, err := consumers.ReadPosition(ctx, r.JetStream, r.config.Stream, r.config.Durable)
	if err != nil {
		return Surveyed{}, err
	}
	surveyor := newSurveyor()
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
		return Surveyed{}, err
	}
	return Surveyed{Survey: surveyor.Survey(), Read: int64(read), Ignored: int64(read) - events}, nil
}

func (r *Rebuilder) reader(at *consumers.Position) *reader {
	return &reader{js: r.JetStream, store: r.Store, rules: r.Rules, of: consumers.Origin{Stream: r.config.Stream, Created: at.Created}}
}
