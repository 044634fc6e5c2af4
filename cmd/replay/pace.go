package main

import (
	"fmt"
	"io"
	"math"
	"time"

	"pointsledger/internal/command"
	"pointsledger/ledger"
)

// pace is how fast an account's operations go, and what is known of it.
type pace struct {
	// PerSecond are the postings of the last minute; 0 when there was none.
	PerSecond float64 `json:"posted_per_second"`
	// DrainsInMs is how long what waits takes at this pace; nil when it does
	// not go at all, or nothing waits.
	DrainsInMs *int64 `json:"drains_in_ms"`
	// ConfirmedAt is when the account first confirmed a call, nil: never.
	ConfirmedAt *time.Time `json:"first_confirmed_at"`
	// ReferencesSeenAt is when its records were first seen to show our
	// references, nil: never.
	ReferencesSeenAt *time.Time `json:"references_seen_at"`
}

// learn adds the pace and what is known of an account.
func (a *accountReport) learn(perSecond float64, facts []ledger.AccountFact) {
	a.PerSecond = math.Round(perSecond*1000) / 1000
	if backlog := a.Waiting + a.Sending; backlog > 0 && perSecond > 0 && a.Gate == nil {
		ms := int64(float64(backlog) / perSecond * 1000)
		a.DrainsInMs = &ms
	}
	for _, f := range facts {
		if f.Account == a.Account {
			a.ConfirmedAt, a.ReferencesSeenAt = &f.ConfirmedAt, f.ReferencesSeenAt
		}
	}
}

// rateWords is a pace for a person: by the second, or by the minute when it is
// slow.
func (p *pace) rateWords() string {
	switch {
	case p.PerSecond == 0:
		return "0"
	case p.PerSecond >= 10:
		return command.Count(int64(math.Round(p.PerSecond))) + "/s"
	case p.PerSecond >= 1:
		return fmt.Sprintf("%.1f/s", p.PerSecond)
	}
	return fmt.Sprintf("%.0f/min", math.Max(p.PerSecond*60, 1))
}

// drainWords is how long what waits takes.
func (a *accountReport) drainWords() string {
	switch {
	case a.Waiting+a.Sending == 0:
		return "-"
	case a.Gate != nil:
		return "closed"
	case a.DrainsInMs == nil:
		return "unknown"
	case *a.DrainsInMs > int64(maxDrain/time.Millisecond):
		return "> " + short(maxDrain)
	}
	return short(time.Duration(*a.DrainsInMs) * time.Millisecond)
}

// maxDrain is the longest time that is worth a number.
const maxDrain = 99 * 24 * time.Hour

// printKnown says what was learned about the accounts.
func (r *statusReport) printKnown(out io.Writer) {
	fmt.Fprintln(out, "\nWhat is known of the accounts")
	for i := range r.Accounts {
		a := &r.Accounts[i]
		printLine(out, a.Account, a.knownWords())
	}
}

func (a *accountReport) knownWords() string {
	words := "has never confirmed a call: one at a time until it does"
	if a.ConfirmedAt != nil {
		words = "confirmed its first call " + moment(*a.ConfirmedAt)
	}
	switch {
	case a.ReferencesSeenAt != nil:
		return words + "; its records show our references: what is not found there was not applied"
	case a.verify:
		return words + "; not known whether its records show our references: what is not found there may have been applied"
	}
	return words
}
