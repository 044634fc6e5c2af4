package wording

import (
	"fmt"
	"strings"
	"time"

	"pointsledger/ledger/knowledge"
)

// Known says for a person what sampling has learned of an account at an
// endpoint, with times in the zone of the view that they stand in.
func Known(k knowledge.EndpointKnowledge, zone *time.Location) string {
	if k.FirstUsedAt.IsZero() {
		return "nothing is known of this endpoint yet: samples of the next postings tell"
	}
	at := func(t time.Time) string { return t.In(zone).Format("2006-01-02 15:04 -07:00") }
	var words []string
	say := func(format string, args ...any) { words = append(words, fmt.Sprintf(format, args...)) }
	switch k.References {
	case knowledge.ReferencesShown:
		say("its records show our references, since %s", at(k.ShownSince))
	case knowledge.ReferencesHidden:
		say("its records do not show our references: a doubt is left to a person")
	default:
		say("not known yet whether its records show our references")
	}
	if k.Ended == 0 {
		say("no sample yet")
	} else {
		say("%d of the last %d samples shown, the last one taken %s", k.Ended-k.Missed, k.Ended, at(k.SampledAt))
	}
	if k.MaxLag > 0 {
		say("records take up to %s", k.MaxLag.Round(time.Millisecond))
	}
	switch {
	case k.ZoneKnown && k.ZoneOffset == 0:
		say("record times are China's")
	case k.ZoneKnown:
		say("record times are UTC%s", offsetWords(8*time.Hour-k.ZoneOffset))
	case k.Ended > 0:
		say("the zone of record times is not known yet")
	}
	if !k.KeysSeenAt.IsZero() {
		say("a repeated key was seen honoured, last %s", at(k.KeysSeenAt))
	}
	return strings.Join(words, "; ")
}

// offsetWords is an offset from UTC as +08:00; empty for UTC itself.
func offsetWords(d time.Duration) string {
	sign := "+"
	switch {
	case d == 0:
		return ""
	case d < 0:
		sign, d = "-", -d
	}
	return fmt.Sprintf("%s%02d:%02d", sign, int(d.Hours()), int(d.Minutes())%60)
}
