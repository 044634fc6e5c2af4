package continuity

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/consumers"
	"pointsledger/continuity/survey"
	"pointsledger/ledger"
	"pointsledger/rules"
)

// StreamReader reads the stream and says what the ledger has of it. It changes neither.
type StreamReader struct {
	js              jetstream.JetStream
	store           *ledger.Store
	rules           *rules.Rules
	stream, durable string
}

// NewStreamReader reads a stream by the rules for a ledger of which workers keep the
// place by a durable.
func NewStreamReader(js jetstream.JetStream, store *ledger.Store, rules *rules.Rules, stream, durable string) *StreamReader {
	return &StreamReader{js, store, rules, stream, durable}
}

// Reach is what there is to read. ErrNoStream when there is no such stream.
func (r *StreamReader) Reach(ctx context.Context) (survey.State, error) {
	at, err := consumers.ReadPosition(ctx, r.js, r.stream, r.durable)
	if err != nil {
		return survey.State{}, err
	}
	return stateOf(&at, r.stream)
}

// Read hands over the messages of a stretch, both ends included, in batches and in their
// order, through a consumer of its own that acknowledges nothing and vanishes.
func (r *StreamReader) Read(ctx context.Context, from, to uint64, f func([]survey.Message) error) error {
	at, err := consumers.ReadPosition(ctx, r.js, r.stream, r.durable)
	if err != nil {
		return err
	}
	reading := reader{js: r.js, store: r.store, rules: r.rules, of: consumers.Origin{Stream: r.stream, Created: at.Created}}
	_, err = reading.eachBatch(ctx, stretch{from: from, to: to}, func(batch []jetstream.Msg) error {
		messages, err := reading.compare(ctx, batch)
		if err != nil {
			return err
		}
		return f(messages)
	})
	return err
}

// compare asks what the ledger knows of a batch.
func (r *reader) compare(ctx context.Context, batch []jetstream.Msg) ([]survey.Message, error) {
	messages := make([]survey.Message, len(batch))
	var entries []ledger.Entry
	var places []int
	for i, m := range batch {
		messages[i].Entry, messages[i].Ignored = r.of.Entry(r.rules, m)
		if messages[i].Ignored {
			meta, err := m.Metadata()
			if err != nil {
				return nil, fmt.Errorf("read stream again: %w", err)
			}
			messages[i].Entry.Message.Seq = meta.Sequence.Stream
			continue
		}
		entries, places = append(entries, messages[i].Entry), append(places, i)
	}
	verdicts, err := r.store.Known(ctx, entries)
	if err != nil {
		return nil, err
	}
	for i, place := range places {
		messages[place].Verdict = verdicts[i]
	}
	return messages, nil
}
