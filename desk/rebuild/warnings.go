package rebuild

import (
	"fmt"
	"strings"

	"pointsledger/continuity/survey"
	"pointsledger/desk/wording"
)

// warnings are what a person must know before adding anything.
func (r *Room) warnings(p *Report, state *survey.State) []string {
	found := []string{}
	warn := func(is bool, text string, args ...any) {
		if is {
			found = append(found, fmt.Sprintf(text, args...))
		}
	}
	gone, left, first := int64(state.First)-1, !state.FirstAt.IsZero(), max(state.First, 1)
	warn(gone > 0 && !left, "The stream holds no event any more: %s have left it. What was recorded of them cannot be rebuilt from here; restore a backup first if there is one", wording.Plural(gone, "event"))
	warn(gone > 0 && left, "%s have left the stream, which begins with sequence %s at %s. What was recorded of them cannot be rebuilt from here; restore a backup first if there is one",
		wording.Plural(gone, "event"), seqWords(state.First), wording.Moment(state.FirstAt))
	warn(!state.OldestAt.IsZero() && left && state.OldestAt.Before(state.FirstAt),
		"The ledger's history began before the stream's: its first operation is of %s. What it lacks from before %s stays missing", wording.Moment(state.OldestAt), wording.Moment(state.FirstAt))
	warn(p.Unknown && p.From > first, "Workers wait until the ledger knows all that the stream has. This part begins at %s, the stream at %s: they would go on waiting, because an event from before that is published again would count as new",
		seqWords(p.From), seqWords(first))
	warn(p.Unknown && state.AckedAny && p.To < state.Delivered, "Workers wait until the ledger knows all that may have been acknowledged. This part ends at %s, what they have read at %s: they would go on waiting",
		seqWords(p.To), seqWords(state.Delivered))
	warn(!p.Unknown && state.Delivered > state.Acked && p.To > state.Acked, "Of the last events some are being recorded by workers this moment, or were by one that died (sequences %s to %s). If workers are at work, wait a minute and look again, or they are parked for nothing",
		seqWords(state.Acked+1), seqWords(state.Delivered))
	warn(r.rules.Assumed, "No vendor account has credentials here, so all of them count as on (%s). If the workers had one off, its events were rejects there, and are operations here", strings.Join(r.rules.On, ", "))
	warn(len(r.rules.Off) > 0, "Taken for off: %s. Events that need it become rejects. If the workers had it on, its events can be paid twice later", strings.Join(r.rules.Off, ", "))
	warn(r.rules.Note != "", "%s", r.rules.Note)
	return found
}
