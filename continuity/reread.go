package continuity

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/consumers"
	"pointsledger/ledger"
	"pointsledger/rules"
)

// Bounds of one batch of a re-read.
const (
	rereadEvents = 1000
	// rereadPatience is how long the next event may take before the re-read is
	// given up; it is begun anew later.
	rereadPatience = 30 * time.Second
)

// stretch is a part of the stream to read again: from an event or a time on,
// whichever is set, up to and with an event.
type stretch struct {
	from  uint64
	since time.Time
	to    uint64
}

// reader reads a stream again, and compares it with the ledger.
type reader struct {
	js    jetstream.JetStream
	store *ledger.Store
	rules *rules.Rules
	of    consumers.Origin
}

// each reads a stretch in order, through a consumer of its own that
// acknowledges nothing and vanishes, and hands each batch to f. Events of
// ignored types are left out. read counts all events.
func (r *reader) each(ctx context.Context, part stretch, f func([]ledger.Entry) error) (read int, err error) {
	return r.eachBatch(ctx, part, func(batch []jetstream.Msg) error {
		if entries := r.entries(batch); len(entries) > 0 {
			return f(entries)
		}
		return nil
	})
}

// eachBatch is each for messages as they come, those of ignored types too.
func (r *reader) eachBatch(ctx context.Context, part stretch, f func([]jetstream.Msg) error) (read int, err error) {
	config := jetstream.OrderedConsumerConfig{FilterSubjects: []string{consumers.SubjectPrefix + ">"}, InactiveThreshold: time.Minute,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(part.from, 1)}
	if !part.since.IsZero() {
		config.DeliverPolicy, config.OptStartSeq, config.OptStartTime = jetstream.DeliverByStartTimePolicy, 0, &part.since
	}
	consumer, err := r.js.OrderedConsumer(ctx, r.of.Stream, config)
	if err != nil {
		return 0, fmt.Errorf("read stream again: %w", err)
	}
	info, err := consumer.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("read stream again: %w", err)
	}
	if info.NumPending == 0 {
		return 0, nil
	}
	limit := consumers.FetchBytes(int(r.js.Conn().MaxPayload()))
	messages, err := consumer.Messages(jetstream.PullMaxBytes(limit))
	if err != nil {
		return 0, fmt.Errorf("read stream again: %w", err)
	}
	defer messages.Stop()
	for last := false; !last; {
		var batch []jetstream.Msg
		if batch, last, err = rereadBatch(ctx, messages, part.to, limit); err != nil {
			return read, err
		}
		read += len(batch)
		if err := f(batch); err != nil {
			return read, err
		}
	}
	return read, nil
}

// entries are what the ledger records of a batch.
func (r *reader) entries(batch []jetstream.Msg) []ledger.Entry {
	entries := make([]ledger.Entry, 0, len(batch))
	for _, m := range batch {
		if entry, ignored := r.of.Entry(r.rules, m); !ignored {
			entries = append(entries, entry)
		}
	}
	return entries
}

// missing counts events of a stretch that the ledger does not have, and those
// that it has.
func (r *reader) missing(ctx context.Context, part stretch) (missing, there int, err error) {
	_, err = r.each(ctx, part, func(entries []ledger.Entry) error {
		verdicts, err := r.store.Known(ctx, entries)
		for _, v := range verdicts {
			switch {
			case v.Kind == ledger.Accepted:
				missing++
			case v.Redelivered || v.Kind == ledger.Duplicate || v.Rejection.Code == ledger.Conflict: // its fact or its reject is there
				there++
			}
		}
		return err
	})
	return missing, there, err
}

// rereadBatch reads on until a batch is full (limit is in bytes, headers
// included) or the stretch ends.
func rereadBatch(ctx context.Context, messages jetstream.MessagesContext, to uint64, limit int) (batch []jetstream.Msg, last bool, err error) {
	for size := 0; len(batch) < rereadEvents && size < limit; {
		call, cancel := context.WithTimeout(ctx, rereadPatience)
		m, err := messages.Next(jetstream.NextContext(call))
		cancel()
		if err != nil {
			return nil, false, fmt.Errorf("read stream again: %w", err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return nil, false, fmt.Errorf("read stream again: %w", err)
		}
		if meta.Sequence.Stream > to {
			return batch, true, nil
		}
		batch, size = append(batch, m), size+len(m.Data())+headerBytes(m.Headers())
		if meta.Sequence.Stream == to || meta.NumPending == 0 {
			return batch, true, nil
		}
	}
	return batch, false, nil
}

// headerBytes is the length of a header's names and values.
func headerBytes(header map[string][]string) int {
	size := 0
	for name, values := range header {
		for _, value := range values {
			size += len(name) + len(value)
		}
	}
	return size
}
