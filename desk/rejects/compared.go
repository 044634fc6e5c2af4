package rejects

import (
	"pointsledger/desk"
	"pointsledger/ledger"
)

// Outcome is what becomes of so many events, by the rules in use and by the
// registered ones; 0 by those where they are the same.
type Outcome struct {
	Words              string
	Events, Registered int64
}

// Outcomes are what becomes of the events, the main ones also when there is none.
func (p *Forecast) Outcomes() (shown []Outcome) {
	var other desk.RetryTally
	if p.Registered != nil {
		other = *p.Registered
	}
	for _, o := range []struct {
		Outcome
		always bool
	}{
		{Outcome{"accepted", p.Accepted, other.Accepted}, true},
		{Outcome{"in the ledger already (duplicates)", p.Duplicates, other.Duplicates}, true},
		{Outcome{"of a type that is ignored now", p.Ignored, other.Ignored}, false},
		{Outcome{"still fail, stay open", p.Failing, other.Failing}, true},
		{Outcome{"refunded or cancelled since, stay open", p.Refunded, other.Refunded}, false},
		{Outcome{"decided about already", p.Skipped, other.Skipped}, false},
	} {
		if o.always || o.Events+o.Registered > 0 {
			shown = append(shown, o.Outcome)
		}
	}
	return shown
}

// Comparison is what would go to an account by one call, and what would by the
// registered rules; nothing by those where they are the same.
type Comparison struct {
	desk.RetryAccount
	Registered desk.RetryAccount
}

// Compared are the accounts and calls of both, those of the rules in use first.
func (p *Forecast) Compared() (all []Comparison) {
	type place struct {
		account string
		kind    ledger.Kind
	}
	at := map[place]int{}
	for _, a := range p.Accounts {
		at[place{a.Account, a.Kind}] = len(all)
		all = append(all, Comparison{RetryAccount: a})
	}
	if p.Registered == nil {
		return all
	}
	for _, b := range p.Registered.Accounts {
		i, there := at[place{b.Account, b.Kind}]
		if !there {
			i = len(all)
			all = append(all, Comparison{RetryAccount: desk.RetryAccount{Account: b.Account, Kind: b.Kind}})
		}
		all[i].Registered = b
	}
	return all
}
