package consumers

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

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

// reread reads a stretch in order, through a consumer of its own that
// acknowledges nothing and vanishes, and hands each batch to each. Events of
// ignored types are left out. read counts all events.
func reread(ctx context.Context, js jetstream.JetStream, rules *rules.Rules, s *source, part stretch,
	each func([]ledger.Entry) error) (read int, err error) {
	config := jetstream.OrderedConsumerConfig{FilterSubjects: []string{SubjectPrefix + ">"}, InactiveThreshold: time.Minute,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(part.from, 1)}
	if !part.since.IsZero() {
		config.DeliverPolicy, config.OptStartSeq, config.OptStartTime = jetstream.DeliverByStartTimePolicy, 0, &part.since
	}
	consumer, err := js.OrderedConsumer(ctx, s.stream, config)
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
	limit := fetchBytes(int(js.Conn().MaxPayload()))
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
		if entries := decodeBatch(rules, s, batch).entries; len(entries) > 0 {
			if err := each(entries); err != nil {
				return read, err
			}
		}
	}
	return read, nil
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
