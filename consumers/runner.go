package consumers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"pointsledger/internal/sabotage"
	"pointsledger/ledger"
	"pointsledger/rules"
)

// Recorder is what the runner needs of the ledger.
type Recorder interface {
	// Record writes a batch in one transaction; see ledger.Store.Record.
	Record(ctx context.Context, entries []ledger.Entry) ([]ledger.Verdict, error)
}

// Observer hears what the runner does, for metrics. It is called from several
// goroutines and must not block.
type Observer interface {
	// Fetched: a batch of so many events came from the broker and is about to
	// be recorded.
	Fetched(n int)
	// BatchRecorded: a batch was recorded and acknowledged. size counts its
	// messages, took is the time of decoding, recording and acknowledging.
	BatchRecorded(tally Tally, size int, took time.Duration)
}

// Tally counts what became of messages.
type Tally struct {
	Accepted, Duplicates, Redelivered, Ignored, Operations int
	Rejected                                               map[ledger.RejectCode]int
	// Waited holds, for each accepted event, the time from the broker's storing
	// it until it was recorded.
	Waited []time.Duration
}

// Config of a Runner.
type Config struct {
	// Stream and Durable name the stream and its durable pull consumer.
	Stream, Durable string
	// Batch is the most messages in one transaction. Low: many commits; high:
	// a batch takes longer, and a bad event longer to single out.
	Batch int
	// BatchesInFlight is how many batches are recorded at once. For each, one
	// more is fetched and decoded meanwhile.
	BatchesInFlight int
	// AckWait is how long the broker waits before it delivers again; it must
	// exceed BatchTime.
	AckWait time.Duration
	// BatchTime bounds one try to record a batch.
	BatchTime time.Duration
	// Called is what the worker's configuration calls the settings above.
	Called Called
}

// Called names settings in the words of whoever is told to change them: they
// end messages that a person reads in the log, at /readyz and on a terminal.
// Empty is said in words of our own.
type Called struct{ Stream, Durable, Batch string }

// Changes of a setting, for a person.
func (c Called) anotherStream() string  { return "correct " + cmp.Or(c.Stream, "the stream's name") }
func (c Called) anotherDurable() string { return "choose another " + cmp.Or(c.Durable, "durable") }
func (c Called) lowerBatch() string     { return "lower " + cmp.Or(c.Batch, "the batch") }

// maxFetchBytes bounds one fetch, and so one transaction: large events make
// small batches; 1,000 events of 2 kB still make one. Parsed headers take some 20
// times their bytes, and one fetch is recorded while one more waits, so this is
// what bounds the memory (TestAbusiveEvents).
const maxFetchBytes = 2 << 20

// fetchRoom is what the broker counts beside a message's header and payload:
// its subjects.
const fetchRoom = 64 << 10

// FetchBytes is the most bytes of one fetch. A message that does not fit into
// it would stand in the way for ever: the broker ends the fetch before it and
// the client keeps that to itself. So a broker whose max_payload is larger gets
// larger fetches (TestRunnerMessageLargerThanFetch).
func FetchBytes(payload int) int {
	return max(maxFetchBytes, payload+fetchRoom)
}

// fetchWait is how long a fetch waits for messages, and fetchHeartbeat how
// often the broker says meanwhile that it has not forgotten it.
const (
	fetchWait      = 5 * time.Second
	fetchHeartbeat = time.Second
)

// Deps are what a Runner works with.
type Deps struct {
	JetStream jetstream.JetStream
	Recorder  Recorder
	// Rules are those to begin with; SetRules brings others.
	Rules    *rules.Rules
	Log      *zap.Logger
	Observer Observer
	// RulesRefused is called when the ledger refused a batch because its rules
	// have ended, which this worker did not know. It must not block. nil is none.
	RulesRefused func()
}

// Runner fetches, records and acknowledges. It is the only place that
// acknowledges. Make it with NewRunner; Run may be called once.
type Runner struct {
	Deps
	config Config
	rules  *rulesInForce
	denied *Denied
	// fetching and recording go wrong, and mend, independently.
	fetching, recording trouble
}

// NewRunner checks the configuration.
func NewRunner(deps Deps, config Config) (*Runner, error) {
	var errs []error
	if config.Stream == "" || config.Durable == "" {
		errs = append(errs, errors.New("stream and durable: want names"))
	}
	if config.Batch < 1 || config.Batch > 1000 {
		errs = append(errs, fmt.Errorf("batch: want 1 to 1000, got %d", config.Batch))
	}
	if config.BatchesInFlight < 1 || config.BatchesInFlight > 16 {
		errs = append(errs, fmt.Errorf("batches in flight: want 1 to 16, got %d", config.BatchesInFlight))
	}
	if config.BatchTime <= 0 || config.AckWait <= config.BatchTime {
		errs = append(errs, fmt.Errorf("ack wait %v: want more than the batch time %v", config.AckWait, config.BatchTime))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("configure consumer: %w", err)
	}
	return &Runner{Deps: deps, config: config, rules: newRulesInForce(deps.Rules), fetching: trouble{log: deps.Log}, recording: trouble{log: deps.Log}}, nil
}

// Trouble is what keeps the runner from working, nil when nothing does. What
// keeps it from recording comes first: while that lasts, fetching stands still.
// Rules that have ended come before both, because only a person ends that.
func (r *Runner) Trouble() error {
	if why := r.RulesEnded(); why != "" {
		return errors.New(why)
	}
	if trouble := r.recording.is.Load(); trouble != nil {
		return *trouble
	}
	if trouble := r.fetching.is.Load(); trouble != nil {
		return *trouble
	}
	return nil
}

// Run consumes until accept ends; batches in hand are finished within work.
// An error is one that trying again cannot mend.
func (r *Runner) Run(accept, work context.Context) error {
	r.denied = WatchDenied(r.JetStream.Conn())
	source, err := r.open(accept)
	if err != nil {
		if accept.Err() != nil {
			return nil
		}
		return err
	}
	var group sync.WaitGroup
	for range r.config.BatchesInFlight {
		group.Go(func() { r.loop(accept, work, source) })
	}
	group.Wait()
	return nil
}

// source is the opened stream and consumer.
type source struct {
	consumer jetstream.Consumer
	// fetchLimit is the durable's own limit on the bytes of a fetch, 0 for none.
	fetchLimit int
	origin     Origin
}

// open opens stream and consumer, trying again while the broker is away.
func (r *Runner) open(ctx context.Context) (*source, error) {
	var s *source
	err := retry(ctx, &r.fetching, "open stream", func() error {
		call, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		call, finish := r.denied.During(call, opensOf(r.config.Stream, r.config.Durable)...)
		stream, weak, err := ensureStream(call, r.JetStream, r.config.Stream, r.config.Called)
		if err != nil {
			return inBrokersWords(finish(err), r.JetStream)
		}
		consumer, different, err := ensureConsumer(call, stream, r.config, int(r.JetStream.Conn().MaxPayload()))
		if errors.Is(err, ErrUnusableConsumer) {
			return backoff.Permanent(err)
		}
		if err = finish(err); err != nil {
			return err
		}
		for _, text := range weak {
			r.Log.Warn("stream setting is weaker than it should be", zap.String("stream", r.config.Stream), zap.String("setting", text))
		}
		for _, text := range different {
			r.Log.Warn("consumer setting differs", zap.String("durable", r.config.Durable), zap.String("setting", text))
		}
		s = &source{consumer: consumer, fetchLimit: consumer.CachedInfo().Config.MaxRequestMaxBytes,
			origin: Origin{Stream: r.config.Stream, Created: stream.CachedInfo().Created}}
		return nil
	})
	return s, err
}

// loop fetches and records until accept ends, at once: while one batch is
// recorded, the next is fetched and decoded. There is one recorder, and it takes
// the batches as they were fetched, so the order of the stream is kept.
func (r *Runner) loop(accept, work context.Context, s *source) {
	batches := make(chan *decodedBatch) // no room: at most one batch waits, in intake
	var recorder sync.WaitGroup
	recorder.Go(func() {
		for b := range batches {
			r.record(work, b)
		}
	})
	r.intake(accept, s, batches)
	close(batches)
	recorder.Wait()
}

// record records a batch, then acknowledges it. While the database is away it
// holds the batch and tells the broker so. Only when work ends does it give the
// batch back.
func (r *Runner) record(work context.Context, b *decodedBatch) {
	started := time.Now()
	r.Observer.Fetched(b.size())
	stopHolding := r.hold(work, b)
	var verdicts []ledger.Verdict
	sabotage.Crash(sabotage.BeforeCommit)
	var ended error
	err := retry(work, &r.recording, "record events", func() (err error) {
		if f, _ := r.rules.get(); !b.allowedBy(&f) {
			ended = ledger.ErrRulesEnded
			return nil
		}
		call, cancel := context.WithTimeout(work, r.config.BatchTime)
		defer cancel()
		if verdicts, err = r.Recorder.Record(call, b.entries); errors.Is(err, ledger.ErrRulesEnded) {
			ended, err = err, nil // the ledger works; trying again cannot help
		}
		return err
	})
	stopHolding()
	if ended != nil {
		r.rulesRefused(b, ended)
		return
	}
	if err != nil {
		b.giveBack()
		return
	}
	recorded := time.Now()
	sabotage.Crash(sabotage.AfterCommit)
	r.acknowledge(b, verdicts)
	sabotage.Crash(sabotage.AfterAck)
	r.Observer.BatchRecorded(b.tally(verdicts, recorded), b.size(), b.decoding+time.Since(started))
}

// holdEvery is how often the broker hears that messages are worked on. A batch
// that changes hands waits for up to two such times, half the ack wait.
func (r *Runner) holdEvery() time.Duration {
	return max(r.config.AckWait/4, time.Millisecond)
}

// hold tells the broker, until the returned function is called, that the batch
// is being worked on, so that it is not delivered again while the database is
// away.
func (r *Runner) hold(ctx context.Context, b *decodedBatch) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		for pause(ctx, r.holdEvery()) {
			b.inProgress()
		}
	})
	return func() { cancel(); done.Wait() }
}

// acknowledge tells the broker what is recorded. It must only be called after
// the commit. A lost acknowledgement brings the message again, and the ledger
// knows it.
func (r *Runner) acknowledge(b *decodedBatch, verdicts []ledger.Verdict) {
	for i, m := range b.messages {
		var err error
		if v := verdicts[i]; v.Kind == ledger.Rejected {
			err = m.TermWithReason(string(v.Rejection.Code) + ": " + oneLine(v.Rejection.Reason))
			source, id := saysOfItself(&b.entries[i])
			r.Log.Info("event rejected", zap.Uint64("stream_seq", b.entries[i].Message.Seq),
				zap.String("subject", b.entries[i].Message.Subject), zap.String("event_source", source), zap.String("event_id", id),
				zap.String("reason_code", string(v.Rejection.Code)), zap.String("reason", v.Rejection.Reason))
		} else {
			err = m.Ack()
		}
		if err != nil {
			r.Log.Debug("acknowledgement lost; the event will come again", zap.Error(err))
		}
		sabotage.Crash(sabotage.AmidAcks)
	}
	for _, m := range b.ignored {
		if err := m.Ack(); err != nil {
			r.Log.Debug("acknowledgement lost; the event will come again", zap.Error(err))
		}
	}
}

// saysOfItself is how a message names itself, as far as it could be read. One
// that was decoded and then rejected, for a conflict, has an event.
func saysOfItself(e *ledger.Entry) (source, id string) {
	if e.Event != nil {
		return e.Event.Source, e.Event.ID
	}
	return e.Source, e.ID
}
