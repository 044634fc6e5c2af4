package consumers

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/internal/sabotage"
)

// intake fetches until accept ends.
func (r *Runner) intake(accept context.Context, s *source, batches chan<- *decodedBatch) {
	pauses := backoff.NewExponentialBackOff(backoff.WithInitialInterval(100*time.Millisecond),
		backoff.WithMaxInterval(5*time.Second), backoff.WithMaxElapsedTime(0))
	for r.mayFetch(accept) {
		err := r.fetchOnce(accept, s, batches)
		if err == nil {
			pauses.Reset()
			r.fetching.note("fetch", nil)
			continue
		}
		if accept.Err() != nil {
			return
		}
		r.fetching.note("fetch", err)
		pause(accept, pauses.NextBackOff())
		// A consumer or stream that was deleted is made again; one that is
		// there is left alone.
		if reopened, err := r.open(accept); err == nil {
			s = reopened
		}
	}
}

// mayFetch waits while the rules have ended, and tells whether accept still
// lasts.
func (r *Runner) mayFetch(accept context.Context) bool {
	for accept.Err() == nil {
		f, changed := r.rules.get()
		if f.allows(time.Now()) {
			return true
		}
		select {
		case <-accept.Done():
		case <-changed:
		}
	}
	return false
}

// fetchOnce asks for as many messages as make one batch, and hands on what
// arrives. It returns when all of it is handed on.
func (r *Runner) fetchOnce(accept context.Context, s *source, batches chan<- *decodedBatch) error {
	most := FetchBytes(int(r.JetStream.Conn().MaxPayload()))
	if s.fetchLimit > 0 {
		most = min(most, s.fetchLimit)
	}
	_, finish := r.denied.During(accept, "$JS.API.CONSUMER.MSG.NEXT."+r.config.Stream+"."+r.config.Durable)
	fetched, err := s.consumer.Fetch(r.config.Batch, jetstream.FetchMaxWait(fetchWait),
		jetstream.FetchHeartbeat(fetchHeartbeat), jetstream.FetchMaxBytes(most))
	if err != nil {
		return fmt.Errorf("fetch events: %w", finish(err))
	}
	r.handOn(accept, s, fetched.Messages(), batches)
	if err := finish(fetched.Error()); err != nil && accept.Err() == nil {
		return fmt.Errorf("fetch events: %w", err)
	}
	return nil
}

// handOn decodes messages as they arrive and hands them on in batches: at once
// while the recorder is free, and else as many as come until it is. No batch
// takes from two fetches, so that a fetch's limits are a batch's too. When
// accept ends, it gives back what it has not looked at.
func (r *Runner) handOn(accept context.Context, s *source, messages <-chan jetstream.Msg, batches chan<- *decodedBatch) {
	hold := time.NewTicker(r.holdEvery())
	defer hold.Stop()
	var giver sync.WaitGroup
	defer giver.Wait()
	stop := accept.Done()
	b := &decodedBatch{}
	for messages != nil || b.size() > 0 {
		free := batches
		if b.size() == 0 || len(messages) > 0 {
			free = nil // what is there comes first
		}
		select {
		case m, open := <-messages:
			if !open {
				messages = nil
				continue
			}
			if b.size() == 0 {
				sabotage.Crash(sabotage.AfterFetch)
			}
			f, _ := r.rules.get()
			if meta, err := m.Metadata(); err == nil && !f.allows(meta.Timestamp) {
				leaveToOthers(m)
				continue
			}
			b.add(f.rules, s.origin, m)
		case free <- b:
			b = &decodedBatch{}
		case <-hold.C:
			b.inProgress()
		case <-stop:
			if messages != nil {
				unread := messages
				giver.Go(func() { handBack(unread) })
			}
			messages, stop = nil, nil
		}
	}
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
