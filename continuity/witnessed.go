package continuity

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/consumers"
)

// Witnessed is what the witness beside the stream has seen of a ledger.
type Witnessed struct {
	// Bucket and Key are where it is kept.
	Bucket, Key string
	// Found is false while no worker has written it.
	Found    bool
	LedgerID string
	// Timeline is of the database that showed the counter Beat; 0: not readable.
	Timeline, Beat int64
	// At is the broker's time of the last write.
	At time.Time

	seen *testimony
}

// InspectWitness reads the witness of a durable and makes nothing. The error says
// why it cannot be read, the missing right too.
func InspectWitness(ctx context.Context, js jetstream.JetStream, stream, durable string) (Witnessed, error) {
	found := Witnessed{Bucket: WitnessBucket(stream), Key: WitnessKey(durable)}
	w := witness{js: js, denied: consumers.WatchDenied(js.Conn()), stream: stream, durable: durable, lookOnly: true}
	seen, err := w.read(ctx, durable)
	if err != nil || seen == nil {
		return found, err
	}
	found.Found, found.LedgerID, found.Timeline, found.Beat, found.At, found.seen = true, seen.LedgerID, seen.Timeline, seen.Beat, seen.at, seen
	return found, nil
}

// Against says what speaks against a state of the ledger that was read after the
// witness: stops tells that workers refuse it, otherwise they mend it. The text
// is empty when nothing does. used is false for a ledger that was never used.
func (w Witnessed) Against(remembered Identity, used bool, now Database) (what string, stops bool) {
	f := facts{now: now, remembered: remembered, found: used, witness: w.seen}
	if what := f.superseded(); what != "" {
		return what, true
	}
	return f.lostCause(), false
}
