package consumers

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/ledger"
	"pointsledger/rules"
	"pointsledger/rules/cloudevent"
)

// Origin is the stream that messages come from.
type Origin struct {
	Stream string
	// Created tells it from a stream of the same name that was made anew.
	Created time.Time
}

// Entry maps a message by the rules to what the ledger records of it. ignored:
// its type needs no record, and the entry is empty.
func (o Origin) Entry(by *rules.Rules, m jetstream.Msg) (entry ledger.Entry, ignored bool) {
	message := ledger.Message{Stream: o.Stream, StreamCreated: o.Created, Subject: m.Subject(), Payload: m.Data()}
	if meta, err := m.Metadata(); err == nil { // always there on a consumer's message
		message.Seq, message.BrokerTime = meta.Sequence.Stream, meta.Timestamp
	}
	decoded := by.Decode(message, m.Headers())
	if decoded.Ignored {
		return ledger.Entry{}, true
	}
	entry = ledger.Entry{Message: message, Event: decoded.Event, Rejection: decoded.Rejection,
		Source: decoded.Source, ID: decoded.ID, Type: decoded.Type, RulesVersion: by.Version(), Mask: cloudevent.Mask}
	// Also an event that we understood may end as a reject (a conflict).
	entry.Message.Header = cloudevent.HeaderLines(m.Headers())
	if decoded.Redact {
		entry.Message.Payload = decoded.RedactedPayload
	}
	return entry, false
}
