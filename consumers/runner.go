package consumers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"pointsledger/internal/sabotage"
	"pointsledger/ledger"
)

// Recorder is what the runner needs of the ledger.
type Recorder interface {
	// Record writes a batch in one transaction; see ledger.Store.Record.
	Record(ctx context.Context, entries []ledger.Entry) ([]ledger.Verdict, error)
}

// Observer hears what the runner does, for metrics. It is called from several
// goroutines and must not block.
type Observer interface {
	// Fetched: so many events came from the broker.
	Fetched(n int)
	// BatchRecorded: a batch was recorded and acknowledged. size counts its
	// messages, took is the time of decoding and recording.
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
	// BatchesInFlight is how many batches are fetched and recorded at once.
	BatchesInFlight int
	// AckWait is how long the broker waits before it delivers again; it must
	// exceed BatchTime.
	AckWait time.Duration
	// BatchTime bounds one try to record a batch.
	BatchTime time.Duration
}

// maxFetchBytes bounds one fetch, and so one transaction: large events make
// small batches. Parsed headers take some 20 times their bytes, so this is what
// bounds the memory (TestAbusiveEvents).
const maxFetchBytes = 4 << 20

// fetchRoom is what the broker counts beside a message's header and payload:
// its subjects.
const fetchRoom = 64 << 10

// fetchBytes is the most bytes of one fetch. A message that does not fit into
// it would stand in the way for ever: the broker ends the fetch before it and
// the client keeps that to itself. So a broker whose max_payload is larger gets
// larger fetches (TestRunnerMessageLargerThanFetch).
func fetchBytes(payload int) int {
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
	Rules     *Rules
	Log       *zap.Logger
	Observer  Observer
}

// Runner fetches, records and acknowledges. It is the only place that
// acknowledges. Make it with NewRunner; Run may be called once.
type Runner struct {
	Deps
	config  Config
	trouble atomic.Pointer[string]
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
	return &Runner{Deps: deps, config: config}, nil
}

// Trouble says what keeps the runner from working, empty when nothing does.
func (r *Runner) Trouble() string {
	if text := r.trouble.Load(); text != nil {
		return *text
	}
	return ""
}

// Run consumes until accept ends; a batch in hand is finished within work.
// An error is one that trying again cannot mend.
func (r *Runner) Run(accept, work context.Context) error {
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
	fetchLimit    int
	stream        string
	streamCreated time.Time
}

// open opens stream and consumer, trying again while the broker is away.
func (r *Runner) open(ctx context.Context) (*source, error) {
	var s *source
	err := r.retry(ctx, "open stream", func() error {
		call, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		stream, weak, err := ensureStream(call, r.JetStream, r.config.Stream)
		if err != nil {
			return err
		}
		consumer, different, err := ensureConsumer(call, stream, r.config, int(r.JetStream.Conn().MaxPayload()))
		if errors.Is(err, ErrUnusableConsumer) {
			return backoff.Permanent(err)
		}
		if err != nil {
			return err
		}
		for _, text := range weak {
			r.Log.Warn("stream setting is weaker than it should be", zap.String("stream", r.config.Stream), zap.String("setting", text))
		}
		for _, text := range different {
			r.Log.Warn("consumer setting differs", zap.String("durable", r.config.Durable), zap.String("setting", text))
		}
		s = &source{consumer: consumer, fetchLimit: consumer.CachedInfo().Config.MaxRequestMaxBytes, stream: r.config.Stream, streamCreated: stream.CachedInfo().Created}
		return nil
	})
	return s, err
}

// loop fetches and records until accept ends.
func (r *Runner) loop(accept, work context.Context, s *source) {
	pauses := backoff.NewExponentialBackOff(backoff.WithInitialInterval(100*time.Millisecond),
		backoff.WithMaxInterval(5*time.Second), backoff.WithMaxElapsedTime(0))
	for accept.Err() == nil {
		err := r.fetchOnce(accept, work, s)
		if err == nil {
			pauses.Reset()
			r.note("fetch", nil)
			continue
		}
		if accept.Err() != nil {
			return
		}
		r.note("fetch", err)
		pause(accept, pauses.NextBackOff())
		// A consumer or stream that was deleted is made again; one that is
		// there is left alone.
		if reopened, err := r.open(accept); err == nil {
			s = reopened
		}
	}
}

// fetchOnce asks for one batch and records what arrives as it arrives: at once
// when the load is light, in large batches when messages come faster than they
// are recorded.
func (r *Runner) fetchOnce(accept, work context.Context, s *source) error {
	most := fetchBytes(int(r.JetStream.Conn().MaxPayload()))
	if s.fetchLimit > 0 {
		most = min(most, s.fetchLimit)
	}
	fetched, err := s.consumer.Fetch(r.config.Batch, jetstream.FetchMaxWait(fetchWait),
		jetstream.FetchHeartbeat(fetchHeartbeat), jetstream.FetchMaxBytes(most))
	if err != nil {
		return fmt.Errorf("fetch events: %w", err)
	}
	messages := fetched.Messages()
	for {
		batch, open := gather(accept, messages, r.config.Batch)
		if len(batch) > 0 {
			r.process(work, s, batch)
		}
		if !open {
			break
		}
		if accept.Err() != nil {
			handBack(messages)
			return nil
		}
	}
	if err := fetched.Error(); err != nil {
		return fmt.Errorf("fetch events: %w", err)
	}
	return nil
}

// gather waits for the first message and takes what else is there, up to most.
// open is false when no more will come.
func gather(ctx context.Context, messages <-chan jetstream.Msg, most int) (batch []jetstream.Msg, open bool) {
	select {
	case m, ok := <-messages:
		if !ok {
			return nil, false
		}
		batch = append(batch, m)
	case <-ctx.Done():
		return nil, true
	}
	for len(batch) < most {
		select {
		case m, ok := <-messages:
			if !ok {
				return batch, false
			}
			batch = append(batch, m)
		default:
			return batch, true
		}
	}
	return batch, true
}

// handBackIdle is how long a stopping runner waits for a further message that
// is on its way to it.
const handBackIdle = 200 * time.Millisecond

// handBack gives messages that were delivered but not looked at back to the
// broker, so that another worker need not wait for the ack wait. It takes what
// is still on its way, because an open request cannot be taken back.
func handBack(messages <-chan jetstream.Msg) {
	idle := time.NewTimer(handBackIdle)
	defer idle.Stop()
	for {
		select {
		case m, ok := <-messages:
			if !ok {
				return
			}
			_ = m.Nak() // the broker would deliver it again anyway, later
			idle.Reset(handBackIdle)
		case <-idle.C:
			return
		}
	}
}

// process decodes and records a batch, then acknowledges it. While the
// database is away it holds the batch and tells the broker so. Only when work
// ends does it give the batch back.
func (r *Runner) process(work context.Context, s *source, batch []jetstream.Msg) {
	started := time.Now()
	r.Observer.Fetched(len(batch))
	sabotage.Crash(sabotage.AfterFetch)
	b := r.decode(s, batch)
	stopHolding := r.hold(work, b.messages)
	var verdicts []ledger.Verdict
	sabotage.Crash(sabotage.BeforeCommit)
	err := r.retry(work, "record events", func() (err error) {
		call, cancel := context.WithTimeout(work, r.config.BatchTime)
		defer cancel()
		verdicts, err = r.Recorder.Record(call, b.entries)
		return err
	})
	stopHolding()
	if err != nil {
		for _, m := range batch {
			_ = m.Nak() // not recorded: to be delivered again
		}
		return
	}
	recorded := time.Now()
	sabotage.Crash(sabotage.AfterCommit)
	r.acknowledge(b, verdicts)
	sabotage.Crash(sabotage.AfterAck)
	r.Observer.BatchRecorded(b.tally(verdicts, recorded), len(batch), time.Since(started))
}

// hold tells the broker, until the returned function is called, that the
// messages are being worked on, so that they are not delivered again while the
// database is away.
func (r *Runner) hold(ctx context.Context, messages []jetstream.Msg) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		for pause(ctx, r.config.AckWait/3) {
			for _, m := range messages {
				_ = m.InProgress() // when it is lost, the message comes twice: harmless
			}
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

// retry tries until f works or ctx ends, with growing pauses.
func (r *Runner) retry(ctx context.Context, what string, f func() error) error {
	pauses := backoff.NewExponentialBackOff(backoff.WithInitialInterval(100*time.Millisecond),
		backoff.WithMaxInterval(5*time.Second), backoff.WithMaxElapsedTime(0)) // ctx ends it
	return backoff.Retry(func() error {
		err := f()
		r.note(what, err)
		return err
	}, backoff.WithContext(pauses, ctx))
}

// note keeps what is in the way for Trouble, and logs when that changes.
func (r *Runner) note(what string, err error) {
	if err == nil {
		if r.trouble.Swap(nil) != nil {
			r.Log.Info("intake works again")
		}
		return
	}
	if errors.Is(err, context.Canceled) {
		return
	}
	text := what + ": " + err.Error()
	if before := r.trouble.Swap(&text); before == nil {
		r.Log.Warn("intake in trouble, trying again", zap.String("action", what), zap.Error(err))
	}
}

// pause waits and tells whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
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
