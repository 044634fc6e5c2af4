package rejects

import (
	"context"
	"fmt"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/ledger"
)

// Forecast is what retry shows without --yes.
type Forecast struct {
	// Plan is empty when nothing would come of it.
	Plan            string `json:"plan"`
	RulesVersion    string `json:"rules_version"`
	RulesFrom       string `json:"rules_from"`
	RegisteredRules string `json:"registered_rules_version"`
	desk.RetryTally
	// KnownByNow counts those whose fact is in the ledger by now, because it was
	// published again and accepted: nothing is owed for them.
	KnownByNow int64 `json:"in_ledger_by_now"`
	// Registered is what the registered rules make of the same rejects; null
	// when they are the rules in use.
	Registered *desk.RetryTally `json:"by_registered_rules"`
	// PointsDiffer and KeysDiffer count events that both accept differently.
	PointsDiffer int64           `json:"events_with_other_points"`
	KeysDiffer   int64           `json:"events_with_other_keys"`
	Example      ledger.RejectID `json:"example_of_difference"`
	// Warnings are what to think of before.
	Warnings []string `json:"warnings"`
	// Command does it, as a terminal words it: whoever has one fills it in. Empty
	// without a plan.
	Command string `json:"command"`
}

// masked is the tally without mobile numbers, its lists never nil.
func masked(t desk.RetryTally) desk.RetryTally {
	t.Codes = maskedCodes(t.Codes)
	t.Accounts = append([]desk.RetryAccount{}, t.Accounts...)
	return t
}

// ask asks what would become of rejects. progress may be nil.
func ask(ctx context.Context, d *desk.Desk, ids []ledger.RejectID, by *desk.RejectRules, progress func(done, found int)) (*Forecast, error) {
	found, err := d.ForecastRejects(ctx, ids, by, progress)
	if err != nil {
		return nil, err
	}
	p := &Forecast{RulesVersion: by.Version, RulesFrom: wording.RulesFrom(&by.ChosenRules), RegisteredRules: by.RegisteredVersion,
		RetryTally: masked(found.With), KnownByNow: found.Known, PointsDiffer: found.PointsDiffer, KeysDiffer: found.KeysDiffer, Example: found.Example,
		Warnings: []string{}}
	if found.Other != nil {
		other := masked(*found.Other)
		p.Registered = &other
	}
	if p.KnownByNow > 0 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("of %s the fact is in the ledger by now: it was published again and accepted, so nothing is owed for it. "+
			"A worker closes such rejects within a minute", wording.Plural(p.KnownByNow, "event")))
	}
	if p.Refunded > 0 {
		p.Warnings = append(p.Warnings, wording.Plural(p.Refunded, "event")+" refunded or cancelled before they could be recorded: nobody is owed them; dismiss them")
	}
	if p.KeysDiffer > 0 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("%s get other dedup keys than by the registered rules: sent again by the publisher, they would count a second time", wording.Plural(p.KeysDiffer, "event")))
	}
	if by.Binding && p.Accepted > 0 {
		p.Warnings = append(p.Warnings, "once something is accepted by this file, its rule sets count as in use: a worker that starts without them refuses to, and one that runs without them fetches nothing. Give the workers the same file, they take it over while they run")
	}
	return p, nil
}

// Settles tells whether carrying it out would resolve anything.
func (p *Forecast) Settles() bool { return p.Accepted+p.Duplicates+p.Ignored > 0 }

// maskedCodes is the list without mobile numbers, never nil.
func maskedCodes(codes []desk.RetryCode) []desk.RetryCode {
	shown := make([]desk.RetryCode, len(codes))
	for i, c := range codes {
		c.Reason = privacy.Mobiles(c.Reason)
		shown[i] = c
	}
	return shown
}
