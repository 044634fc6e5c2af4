package continuity

import (
	"fmt"
	"time"

	"pointsledger/consumers"
)

// warnAbout keeps what a look found that somebody should see.
func (k *Keeper) warnAbout(now Database, at *consumers.Position, witnessErr error) {
	moment := time.Now()
	warnings := []string{hiddenWarning(now), lateWarning(at, moment), pausedWarning(k.config.Stream, k.config.Durable, at.PausedUntil),
		k.witness.weak, k.lostWitnessWarning(moment)}
	if at.Uncovered != nil {
		warnings = append(warnings, fmt.Sprintf("stream %s: %s", k.config.Stream, consumers.SubjectsWarning(at.Uncovered, k.config.Called)))
	}
	if witnessErr != nil {
		warnings = append(warnings, witnessErr.Error())
	}
	k.warn(append(warnings, k.denied.Warnings(moment)...)...)
}

// lostWitnessFor is how long readiness shows that a witness was missing.
const lostWitnessFor = 15 * time.Minute

func (k *Keeper) lostWitnessWarning(now time.Time) string {
	if k.witnessLost.IsZero() || now.Sub(k.witnessLost) > lostWitnessFor {
		return ""
	}
	return fmt.Sprintf("the bucket %s had no entry %s: the ledger's witness was deleted, or is new. It was made at %s; a database that was rolled back "+
		"before that, and had shown no other sign, was not noticed", WitnessBucket(k.config.Stream), WitnessKey(k.config.Durable),
		k.witnessLost.UTC().Format(time.RFC3339))
}

func hiddenWarning(now Database) string {
	if now.Hidden == "" {
		return ""
	}
	return "a failover may go unnoticed, because this role may not read " + now.Hidden
}

// pausedWarning says that the broker holds the events back.
func pausedWarning(stream, durable string, until time.Time) string {
	if until.IsZero() {
		return ""
	}
	return fmt.Sprintf("the durable %s is paused until %s: the broker hands out no event until then; if that is not meant, run `nats consumer resume %s %s`",
		durable, until.UTC().Format(time.RFC3339), stream, durable)
}

// lateWarning says that events may age out of the stream before they are
// recorded; empty when none is that old.
func lateWarning(at *consumers.Position, now time.Time) string {
	age := now.Sub(at.OldestUnacked)
	if at.MaxAge <= 0 || at.OldestUnacked.IsZero() || age <= at.MaxAge/2 {
		return ""
	}
	return fmt.Sprintf("the oldest event that is not recorded is %v old, and the stream drops events after %v: raise its max age, or get the intake to work",
		age.Round(time.Second), at.MaxAge)
}
