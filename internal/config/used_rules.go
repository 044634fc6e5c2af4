package config

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"pointsledger/rules"
)

// CheckUsedRules compares the rule part of a file that was in use with the one
// that is about to be used, and answers an *Error when what was in use has been
// edited: a rule set in force before now, or what every set inherits and keys or
// contents are made of: the programme, its time zone, and the channel aliases. A
// re-sent or re-read event must meet the rules it met at first; new rules go into
// a further set with a later from.
//
// The zone makes the date in the key of a check-in, and an alias the channel in
// the content that a re-sent event is compared by. Both would change for an event
// that is sent again after a set has begun, so no set may bring its own.
func CheckUsedRules(used, next []byte, now time.Time) error {
	var ignored, p problems
	before, after := parseFile("rules used before", used, &ignored), parseFile("rules", next, &p)
	if before.broken || after.broken {
		// What an older program wrote may not be readable by this one; what is
		// about to be used, Load has checked.
		return p.err()
	}
	checkShared(&before.rules, &after.rules, &p)
	sets := map[time.Time]rules.RuleSetFile{}
	for _, set := range after.rules.Rules {
		sets[set.From.UTC()] = set
	}
	for i, set := range before.rules.Rules {
		if i > 0 && set.From.After(now) { // the first one is in force for all that is older
			continue
		}
		place := fmt.Sprintf("rules[%d] (from %s)", i, set.From.Format(time.RFC3339))
		next, kept := sets[set.From.UTC()]
		if !kept {
			p.addf(place, "this rule set was in use and is gone: put it back, and add new rules as a further set with a later from")
			continue
		}
		if !sameSet(set, next) {
			p.addf(place, "this rule set was in use and has been edited: put it back, and add new rules as a further set with a later from")
		}
	}
	if len(before.rules.Rules) > 0 && len(after.rules.Rules) > 0 && after.rules.Rules[0].From.Before(before.rules.Rules[0].From) {
		p.addf("rules[0]", "begins before %s, which was the first: it would hold for events of before, which were recorded by that one; give it a later from",
			before.rules.Rules[0].From.Format(time.RFC3339))
	}
	return p.err()
}

// checkShared compares what all sets share.
func checkShared(before, after *rules.RulesFile, p *problems) {
	if before.Programme != after.Programme {
		p.addf("programme", "want %q, which is part of the keys in the ledger, got %q: the same check-in would count again",
			before.Programme, after.Programme)
	}
	if was, is := zoneOf(before), zoneOf(after); was != is {
		p.addf("timezone", "want %s, by which the dates in the ledger's keys were made, got %s: a check-in near midnight would have another day, and count again when it is re-sent. Put it back; a programme keeps its zone for ever",
			was, is)
	}
	for _, alias := range slices.Sorted(maps.Keys(before.ChannelAliases)) {
		was := before.ChannelAliases[alias]
		is, kept := after.ChannelAliases[alias]
		switch {
		case !kept:
			p.addf("channel_aliases."+alias, "it was in use for %s and is gone: a re-sent event with it would be rejected instead of known. Put it back", was)
		case was != is:
			p.addf("channel_aliases."+alias, "it was in use for %s and is now %s: a re-sent event with it would contradict the recorded one. Put it back, and have publishers send a further name for %s", was, is, is)
		}
	}
}

// defaultZone is what a file without a timezone means (rules.Compile).
const defaultZone = "Asia/Shanghai"

func zoneOf(f *rules.RulesFile) string { return cmp.Or(f.Timezone, defaultZone) }

// sameSet compares what two sets say, whenever they begin. By which clock they
// begin is part of it.
func sameSet(a, b rules.RuleSetFile) bool {
	a.From, b.From = time.Time{}, time.Time{}
	a.By, b.By = cmp.Or(a.By, "broker"), cmp.Or(b.By, "broker")
	return reflect.DeepEqual(a, b)
}

// Divergence is the earliest broker's time of an event that two files would map
// by different rules; differ is false when there is none. Zero with differ: from
// the beginning of time on, as when one of them cannot be read by this program.
// An event that was stored before it meets the same rules in both, also where sets
// go by the events' own time (TestEventsBeforeTheDivergence).
// What only accepts or refuses beside the sets (ignore, no_vendor_call, limits,
// a further alias) is not a difference here; see OtherDifferences.
func Divergence(a, b []byte) (from time.Time, differ bool) {
	var ignored problems
	one, other := parseFile("rules", a, &ignored), parseFile("rules", b, &ignored)
	if unreadable(&one) || unreadable(&other) {
		return time.Time{}, string(a) != string(b)
	}
	if one.rules.Programme != other.rules.Programme || zoneOf(&one.rules) != zoneOf(&other.rules) ||
		contradict(one.rules.ChannelAliases, other.rules.ChannelAliases) {
		return time.Time{}, true
	}
	froms := []time.Time{{}}
	for _, f := range []*parsedFile{&one, &other} {
		for i, set := range f.rules.Rules {
			if i > 0 { // the first one has no beginning
				froms = append(froms, set.From)
			}
		}
	}
	slices.SortFunc(froms, time.Time.Compare)
	for _, at := range froms {
		if !sameSet(setAt(one.rules.Rules, at), setAt(other.rules.Rules, at)) {
			return at, true
		}
	}
	return time.Time{}, false
}

// contradict tells that two files take an alias for different channels. Where
// only one of them knows it, the other rejects its events, and maps none
// otherwise.
func contradict(a, b map[string]string) bool {
	for alias, channel := range a {
		if other, known := b[alias]; known && other != channel {
			return true
		}
	}
	return false
}

// unreadable tells that a file's sets may say what this program does not know.
func unreadable(f *parsedFile) bool {
	if f.broken || len(f.rules.Rules) == 0 {
		return true
	}
	for path := range f.reported {
		if strings.HasPrefix(path, "rules") {
			return true
		}
	}
	return false
}

// setAt is the last set that has begun at a broker's time. One that goes by the
// events' own time begins for an event there or later, never before.
func setAt(sets []rules.RuleSetFile, at time.Time) rules.RuleSetFile {
	for i := len(sets) - 1; i > 0; i-- {
		if !sets[i].From.After(at) {
			return sets[i]
		}
	}
	return sets[0]
}

// OtherDifferences names what two files say differently beside the sets:
// ignore, no_vendor_call, limits, channel_aliases. An event may be accepted by
// one and refused by the other; none is mapped otherwise.
func OtherDifferences(a, b []byte) []string {
	var ignored problems
	one, other := parseFile("rules", a, &ignored), parseFile("rules", b, &ignored)
	if one.broken || other.broken {
		return nil
	}
	var names []string
	for _, part := range []struct {
		name string
		same bool
	}{
		{"ignore", sameSorted(one.rules.Ignore, other.rules.Ignore)},
		{"no_vendor_call", maps.Equal(one.rules.NoVendorCall, other.rules.NoVendorCall)},
		{"sources", maps.Equal(one.rules.Sources, other.rules.Sources)},
		{"limits", one.rules.Limits == other.rules.Limits},
		{"channel_aliases", maps.Equal(one.rules.ChannelAliases, other.rules.ChannelAliases)},
		{"periods", sameBlocks(one.periods.Blocks, other.periods.Blocks)},
		{"approvals", one.approvals == other.approvals},
	} {
		if !part.same {
			names = append(names, part.name)
		}
	}
	return names
}

// sameBlocks: none named is not the same as an empty list.
func sameBlocks(a, b []string) bool { return (a == nil) == (b == nil) && sameSorted(a, b) }

func sameSorted(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
