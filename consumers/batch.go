package consumers

import (
	"iter"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/ledger"
	"pointsledger/rules"
)

// decodedBatch is a fetched batch after decoding: entries[i] is what became of
// messages[i]; ignored messages are apart, they need no record.
type decodedBatch struct {
	messages []jetstream.Msg
	entries  []ledger.Entry
	ignored  []jetstream.Msg
	// decoding is the time that decoding took.
	decoding time.Duration
}

// size counts the messages.
func (b *decodedBatch) size() int { return len(b.messages) + len(b.ignored) }

// add decodes one more message.
func (b *decodedBatch) add(by *rules.Rules, of Origin, m jetstream.Msg) {
	began := time.Now()
	entry, ignored := of.Entry(by, m)
	if ignored {
		b.ignored = append(b.ignored, m)
	} else {
		b.messages = append(b.messages, m)
		b.entries = append(b.entries, entry)
	}
	b.decoding += time.Since(began)
}

// inProgress tells the broker that the batch is being worked on. A call that is
// lost brings its message twice, which does no harm.
func (b *decodedBatch) inProgress() {
	for m := range b.all() {
		_ = m.InProgress()
	}
}

// giveBack asks the broker to deliver the batch again.
func (b *decodedBatch) giveBack() {
	for m := range b.all() {
		_ = m.Nak() // the broker would deliver it again anyway, later
	}
}

// all goes through the messages, ignored ones last.
func (b *decodedBatch) all() iter.Seq[jetstream.Msg] {
	return func(yield func(jetstream.Msg) bool) {
		for _, messages := range [][]jetstream.Msg{b.messages, b.ignored} {
			for _, m := range messages {
				if !yield(m) {
					return
				}
			}
		}
	}
}

// tally counts what became of the batch, which was recorded at the given time.
func (b *decodedBatch) tally(verdicts []ledger.Verdict, recorded time.Time) Tally {
	t := Tally{Ignored: len(b.ignored), Rejected: map[ledger.RejectCode]int{}, Waited: make([]time.Duration, 0, len(verdicts))}
	for i, v := range verdicts {
		switch {
		case v.Kind == ledger.Accepted:
			t.Accepted++
			t.Waited = append(t.Waited, recorded.Sub(b.entries[i].Message.BrokerTime))
			t.Operations += len(b.entries[i].Event.Operations)
		case v.Kind == ledger.Rejected:
			t.Rejected[v.Rejection.Code]++
		case v.Redelivered:
			t.Redelivered++
		default:
			t.Duplicates++
		}
	}
	return t
}

// oneLine makes a text fit for a protocol line.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
}
