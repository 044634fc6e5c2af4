package continuity

import (
	"time"

	"pointsledger/consumers"
)

// refusal is a state that only a person can end: one of the types below. What is
// safe to do then is said by whoever knows the commands.
type refusal interface {
	error
	refuses()
}

func (*NotTheLedgerError) refuses() {}
func (*SupersededError) refuses()   {}
func (*RebuildingError) refuses()   {}
func (*FirstStartError) refuses()   {}

func (k *Keeper) notTheLedger(what string, at *consumers.Position) error {
	return &NotTheLedgerError{What: what, Stream: k.config.Stream, Durable: k.config.Durable, Acked: at.Acked, Delivered: at.Delivered, FirstAt: at.FirstAt}
}

func (k *Keeper) superseded(what string, f *facts) error {
	e := &SupersededError{What: what, Bucket: WitnessBucket(k.config.Stream), Key: WitnessKey(k.config.Durable)}
	w := f.witness
	if w == nil {
		w = f.elder
	}
	if f.found {
		e.Used, e.LedgerID, e.Beat = true, f.remembered.LedgerID, max(w.Beat, f.remembered.Beat)+1
	}
	return e
}

// firstStartOf is how a stream is named by its creation time.
func firstStartOf(created time.Time) time.Time { return created.Truncate(time.Second) }

func (k *Keeper) needsFirstStart(at *consumers.Position) error {
	return &FirstStartError{Stream: k.config.Stream, Durable: k.config.Durable, Messages: at.Messages, Last: at.Last, FirstAt: at.FirstAt,
		FirstStart: firstStartOf(at.Created)}
}
