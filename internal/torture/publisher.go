package torture

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/internal/rehearsal"
)

// messageHeader names the plan's message, so that the judge knows every stored
// copy of it.
const messageHeader = "Torture-Message"

const (
	// publishBatch is how many messages are on their way at once.
	publishBatch = 64
	// publishPatience is how long an answer of the broker may take before the
	// message is published again.
	publishPatience = 1500 * time.Millisecond
)

// publisher publishes the plan as a shop would: again and again until the
// broker says that a message is stored. A lost answer makes a second copy.
//
// A message that contradicts an earlier one waits until the earlier one is
// acknowledged by a worker: which of two contents is first is decided by the
// commit, and after a lost batch that is not the order of the stream.
type publisher struct {
	rig     *rig
	plan    *rehearsal.Plan
	monitor *monitor
	// window is how many messages it may be ahead of the progress.
	window int

	// turn is held while it publishes, and by a fault that needs a quiet stream.
	turn sync.Mutex

	published, retried atomic.Int64
	// stored is the stream sequence of each message that was confirmed.
	stored map[int]uint64

	mu sync.Mutex
	// rejected are the sequences of confirmed messages that must be rejects,
	// and that the watch over acknowledgements has not looked at.
	rejected map[uint64]int
}

func newPublisher(r *rig, plan *rehearsal.Plan, m *monitor) *publisher {
	return &publisher{rig: r, plan: plan, monitor: m, stored: map[int]uint64{}, rejected: map[uint64]int{},
		window: min(max(len(plan.Messages)/10, 400), 2000)}
}

// run publishes everything.
func (p *publisher) run(ctx context.Context) error {
	conn, err := nats.Connect(p.rig.natsURL(p.rig.toNATS.address()), nats.Name("torture publisher"), nats.IgnoreAuthErrorAbort(), nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond), nats.Timeout(time.Second))
	if err != nil {
		return fmt.Errorf("connect publisher: %w", err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncTimeout(publishPatience))
	if err != nil {
		return fmt.Errorf("open jetstream: %w", err)
	}
	if err := until(ctx, patience, "the workers to make the stream", func(ctx context.Context) bool {
		_, err := p.rig.js.Stream(ctx, streamName)
		return err == nil
	}); err != nil {
		return err
	}
	var held []int
	for next := 0; next < len(p.plan.Messages) || len(held) > 0; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var batch []int
		batch, held = p.released(ctx, held)
		for next < len(p.plan.Messages) && len(batch) < publishBatch && next < p.allowed() {
			if contradicts(p.plan.Messages[next]) {
				held = append(held, next)
			} else {
				batch = append(batch, next)
			}
			next++
		}
		if len(batch) == 0 {
			pause(ctx, pollEvery) // until the workers have caught up
		}
		p.turn.Lock()
		err := p.publish(ctx, js, batch)
		p.turn.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

func contradicts(m rehearsal.Message) bool {
	return m.Expect.Verdict == rehearsal.Rejected && m.Expect.Of >= 0 || m.Expect.Differs
}

// allowed is how far it may publish: faults must meet work under way on both
// sides, so the publisher does not run away from the workers.
func (p *publisher) allowed() int {
	return int(p.monitor.progress()*float64(len(p.plan.Messages))) + p.window
}

// released takes out of held what may be published now.
func (p *publisher) released(ctx context.Context, held []int) (batch, still []int) {
	if len(held) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	consumer, err := p.rig.js.Consumer(ctx, streamName, durableName)
	if err != nil {
		return nil, held // the broker is away
	}
	floor := consumer.CachedInfo().AckFloor.Stream
	for _, i := range held {
		sequence, known := p.stored[p.plan.Messages[i].Expect.Of]
		if known && sequence <= floor && len(batch) < publishBatch {
			batch = append(batch, i)
		} else {
			still = append(still, i)
		}
	}
	return batch, still
}

// publish publishes a batch, and again what was not confirmed.
func (p *publisher) publish(ctx context.Context, js jetstream.JetStream, batch []int) error {
	for tries := 0; len(batch) > 0; tries++ {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if tries > 0 {
			p.retried.Add(int64(len(batch)))
			pause(ctx, pollEvery)
		}
		batch = p.publishOnce(ctx, js, batch)
	}
	return nil
}

// publishOnce returns what the broker did not confirm.
func (p *publisher) publishOnce(ctx context.Context, js jetstream.JetStream, batch []int) (again []int) {
	futures := make([]jetstream.PubAckFuture, len(batch))
	for at, i := range batch {
		m := p.plan.Messages[i]
		header := nats.Header(maps.Clone(m.Header))
		if header == nil {
			header = nats.Header{}
		}
		header.Set(messageHeader, strconv.Itoa(i))
		future, err := js.PublishMsgAsync(&nats.Msg{Subject: m.Subject, Header: header, Data: m.Payload})
		if err != nil {
			continue // not connected: again later
		}
		futures[at] = future
	}
	for at, i := range batch {
		err := errors.New("not sent")
		if futures[at] != nil {
			select {
			case ack := <-futures[at].Ok():
				p.confirmed(i, ack.Sequence)
				err = nil
			case err = <-futures[at].Err():
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		if err != nil {
			again = append(again, i)
		}
	}
	return again
}

// confirmed keeps where the broker stored a message.
func (p *publisher) confirmed(index int, sequence uint64) {
	p.stored[index] = sequence
	p.published.Add(1)
	if p.plan.Messages[index].Expect.Verdict == rehearsal.Rejected {
		p.mu.Lock()
		p.rejected[sequence] = index
		p.mu.Unlock()
	}
}

// takeRejected takes the messages up to a sequence that must be rejects.
func (p *publisher) takeRejected(upTo uint64) map[int64]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := map[int64]int{}
	for sequence, index := range p.rejected {
		if sequence <= upTo {
			taken[int64(sequence)] = index
			delete(p.rejected, sequence)
		}
	}
	return taken
}
