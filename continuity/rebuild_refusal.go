package continuity

import (
	"fmt"

	"pointsledger/consumers"
)

// unfinishedText says that a rebuild stopped before all was added.
func (k *Keeper) unfinishedText(at *consumers.Position) string {
	return fmt.Sprintf("the ledger is being rebuilt from stream %s and does not hold all of its acknowledged events (up to %d) yet: nothing is recorded or sent, "+
		"because an event that is published again would be taken for a new one. While `replay stream` runs, wait for it. "+
		"If it was stopped, or added a part, `replay stream --from-seq 1` shows the rest and prints the command that adds it; then this worker goes on by itself",
		k.config.Stream, at.Acked)
}
