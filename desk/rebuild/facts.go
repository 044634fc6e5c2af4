package rebuild

import (
	"fmt"
	"maps"
	"slices"

	"pointsledger/desk"
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
	facts.Count("about earlier", n.Referring, referringWords)
	return facts
}

// referringWords say what becomes of events that are about earlier ones.
const referringWords = "what each takes back, or makes spent, the ledger works out as it adds it, on top of these operations"

// NotInStream says what a rebuilt ledger lacks, whatever the stream holds.
func NotInStream(names wording.Names) []string {
	return []string{
		"People's decisions: voids, settlements by hand, resolved members, retried and dismissed rejects, pauses. What was voided is added again " +
			"like all else: do not put it back before you know. What the rules still refuse is an open reject again; retried, it is parked in doubt, as it may have been retried before.",
		"How operations ended. Each is added parked and in doubt, also one that was posted; when " + names.PutBack + " puts it back, it is looked up " +
			"first where the account's records show our references; elsewhere the same key goes again while the vendor remembers it.",
	}
}

// Facts say what was added, by whom and why.
func (d *Result) Facts(stream string, who desk.Decision, names wording.Names) (facts wording.Facts) {
	facts.Count("parked", d.Queued, "in doubt, cause rebuilt; nothing is sent before a "+names.PutBack)
	facts.Count("nothing to send", d.Operations-d.Queued, "recorded with 0 points")
	facts.Count("about earlier", d.Referring, referringWords)
	facts.Count("there already", d.There, "left as they are")
	facts.Count("ignored", d.Ignored, "of types that the rules ignore")
	for _, code := range slices.Sorted(maps.Keys(d.Rejects)) {
		facts.Count("rejects", d.Rejects[code], string(code))
	}
	facts.Count("put in doubt", d.OpenInDoubt, "open before: this ledger lacked events that had been acknowledged, so these may have been sent since")
	facts.Add("recorded", fmt.Sprintf("as action %d in ops_actions: %s, %q", d.Act, who.Actor, who.Reason))
	switch {
	case d.Rebuilt:
		facts.Add("workers", "those that wait for this ledger go on by themselves within seconds")
	case d.Unfinished:
		facts.Add("workers", "they go on waiting: events of stream "+stream+" are still missing")
	}
	return facts
}
