package overview

import (
	"fmt"
	"math"
	"time"

	"pointsledger/desk/wording"
	"pointsledger/ledger/knowledge"
)

// Words are a pace for a person: by the second, or by the minute when it is slow.
func (p *Pace) Words() string {
	switch perSecond := p.PerSecond; {
	case perSecond == 0:
		return "0"
	case perSecond >= 10:
		return wording.Count(int64(math.Round(perSecond))) + "/s"
	case perSecond >= 1:
		return fmt.Sprintf("%.1f/s", perSecond)
	default:
		return fmt.Sprintf("%.0f/min", math.Max(perSecond*60, 1))
	}
}

// maxDrain is the longest time that is worth a number.
const maxDrain = 99 * 24 * time.Hour

// DrainWords say how long what waits takes.
func (a *Account) DrainWords() string {
	switch {
	case a.backlog() == 0:
		return "-"
	case a.Gate != nil:
		return "closed"
	case a.DrainsInMs == nil && a.AtLeastMs == 0:
		return "unknown"
	case a.AtLeastMs > int64(maxDrain/time.Millisecond):
		return "> " + wording.Short(maxDrain)
	case a.DrainsInMs == nil:
		return "> " + wording.Short(time.Duration(a.AtLeastMs)*time.Millisecond)
	}
	return wording.Short(time.Duration(*a.DrainsInMs) * time.Millisecond)
}

// KnownWords say what was learned about the account.
func (a *Account) KnownWords() string {
	words := "has never confirmed a call: one at a time until it does"
	if a.ConfirmedAt != nil {
		words = "confirmed its first call " + wording.Moment(*a.ConfirmedAt)
	}
	switch {
	case a.Known != nil && a.Verifies:
		return words + "; " + a.Known.Words
	case a.Verifies:
		return words + "; " + wording.Known(knowledge.EndpointKnowledge{}, time.Local)
	}
	return words
}
