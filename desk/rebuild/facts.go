package rebuild

import (
	"fmt"
	"maps"
	"slices"

	"pointsledger/desk/wording"
)

// seqWords writes a sequence of the stream.
func seqWords(seq uint64) string { return wording.Count(int64(seq)) }

// Part says what the stream has and which part of it is meant; rulesFrom says where
// the rules come from.
func (p *Report) Part(rulesFrom string) (facts wording.Facts) {
	reaches := "no events are left"
	if !p.FirstAt.IsZero() {
		reaches = fmt.Sprintf("events %s to %s, from %s on", seqWords(p.First), seqWords(p.Last), wording.Moment(p.FirstAt))
	}
	facts.Add("stream", p.Stream+": "+reaches)
	switch {
	case p.From > p.To:
		facts.Add("to be read", fmt.Sprintf("nothing: it would begin with %s, and workers have read up to %s", seqWords(p.From), seqWords(p.To)))
	case p.To != p.Delivered:
		facts.Add("to be read", fmt.Sprintf("%s to %s (as asked for)", seqWords(p.From), seqWords(p.To)))
	default:
		facts.Add("to be read", fmt.Sprintf("%s to %s (as far as workers have read; later events they record as usual)", seqWords(p.From), seqWords(p.To)))
	}
	facts.Add("rules", p.Rules+", "+rulesFrom+", each event by those in force at its broker time")
	if p.Unknown {
		facts.Add("workers", "none has used this ledger: they wait until all that was acknowledged is added")
	}
	return facts
}

// Found says what was found in the part.
func (p *Report) Found() (facts wording.Facts) {
	n := &p.Counts
	facts.Count("there already", n.There, "left as they are")
	facts.Count("ignored", n.Ignored, "of types that the rules ignore")
	facts.Count("repeats", n.Repeats, "the same event published again; the first counts")
	facts.Count("conflicts", n.Conflicts, "a key that is there with other content; added as rejects")
	for _, code := range slices.Sorted(maps.Keys(n.Rejects)) {
		facts.Count("rejects", n.Rejects[code], string(code)+"; added as rejects")
	}
	added := "no event"
	if n.Added > 0 {
		added = fmt.Sprintf("%s: %s, stored from %s to %s", wording.Plural(n.Added, "event"), wording.Plural(n.Operations(), "operation"), wording.Moment(n.Oldest), wording.Moment(n.Newest))
	}
	facts.Add("to be added", added)
	return facts
}
