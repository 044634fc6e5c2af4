package main

import (
	"fmt"
	"io"
	"math"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/wording"
	"pointsledger/ledger"
)

// pace is how fast an account's operations go, and what is known of it.
type pace struct {
	// PerSecond are the postings of the last minute; 0 when there was none.
	PerSecond float64 `json:"posted_per_second"`
	// DrainsInMs is how long what waits takes at this pace; nil when it does
	// not go at all, nothing waits, or some of it waits for another attempt or to
	// be looked up: then it takes longer than the pace says, and nobody knows how
	// long.
	DrainsInMs *int64 `json:"drains_in_ms"`
	// atLeastMs is what it takes at the least.
	atLeastMs int64
	// ConfirmedAt is when the account first confirmed a call, nil: never.
	ConfirmedAt *time.Time `json:"first_confirmed_at"`
	// Known is what sampling has learned at the endpoint that the configuration
	// names, or, for an account that is not in it, at the one used last; nil: no
	// worker has called it.
	Known *knownReport `json:"known"`
}

// knownReport is what is known of an account at its endpoint.
type knownReport struct {
	Endpoint string `json:"endpoint"`
	// References is unknown, shown or hidden.
	References      ledger.ReferenceState `json:"references"`
	ShownSince      *time.Time            `json:"references_shown_since"`
	Samples         int                   `json:"samples"`
	SamplesMissed   int                   `json:"samples_missed"`
	LastSampleAt    *time.Time            `json:"last_sample_at"`
	MaxLagMs        int64                 `json:"max_lag_ms"`
	ZoneOffsetMins  *int64                `json:"zone_offset_minutes"`
	KeysHonouredAt  *time.Time            `json:"keys_seen_honoured_at"`
	EndpointSinceAt time.Time             `json:"first_used_at"`

	words string
}

func newKnownReport(k ledger.KnownEndpoint) *knownReport {
	r := &knownReport{Endpoint: k.Endpoint, References: k.References, ShownSince: timeOrNil(k.ShownSince), Samples: k.Ended, SamplesMissed: k.Missed,
		LastSampleAt: timeOrNil(k.SampledAt), MaxLagMs: k.MaxLag.Milliseconds(), KeysHonouredAt: timeOrNil(k.KeysSeenAt),
		EndpointSinceAt: k.FirstUsedAt, words: wording.Known(k.EndpointKnowledge, time.Local)}
	if k.ZoneKnown {
		minutes := int64(k.ZoneOffset / time.Minute)
		r.ZoneOffsetMins = &minutes
	}
	return r
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// learn adds the pace and what is known of an account.
func (a *accountReport) learn(perSecond float64, facts []desk.AccountFact, known []ledger.KnownEndpoint, endpoint string) {
	a.PerSecond = math.Round(perSecond*1000) / 1000
	if backlog := a.Waiting + a.Sending; backlog > 0 && perSecond > 0 && a.Gate == nil {
		ms := int64(float64(backlog) / perSecond * 1000)
		if a.atLeastMs = ms; a.slow() == 0 {
			a.DrainsInMs = &ms
		}
	}
	for _, f := range facts {
		if f.Account == a.Account {
			a.ConfirmedAt = &f.ConfirmedAt
		}
	}
	for _, k := range known { // the newest first
		if k.Account == a.Account && (k.Endpoint == endpoint || endpoint == "") && a.Known == nil {
			a.Known = newKnownReport(k)
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
		return wording.Count(int64(math.Round(p.PerSecond))) + "/s"
	case p.PerSecond >= 1:
		return fmt.Sprintf("%.1f/s", p.PerSecond)
	}
	return fmt.Sprintf("%.0f/min", math.Max(p.PerSecond*60, 1))
}

// slow counts what waits for another attempt or to be looked up: it goes by its
// schedule and not by the pace.
func (a *accountReport) slow() (n int64) {
	for _, w := range a.Waits {
		switch w.Cause {
		case "", ledger.CauseReplayed, ledger.CauseReturned:
			n += w.InDoubt
		default:
			n += w.Count
		}
	}
	return n
}

// drainWords is how long what waits takes.
func (a *accountReport) drainWords() string {
	switch {
	case a.Waiting+a.Sending == 0:
		return "-"
	case a.Gate != nil:
		return "closed"
	case a.DrainsInMs == nil && a.atLeastMs == 0:
		return "unknown"
	case a.atLeastMs > int64(maxDrain/time.Millisecond):
		return "> " + wording.Short(maxDrain)
	case a.DrainsInMs == nil:
		return "> " + wording.Short(time.Duration(a.atLeastMs)*time.Millisecond)
	}
	return wording.Short(time.Duration(*a.DrainsInMs) * time.Millisecond)
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
		words = "confirmed its first call " + wording.Moment(*a.ConfirmedAt)
	}
	switch {
	case a.Known != nil && a.verify:
		return words + "; " + a.Known.words
	case a.verify:
		return words + "; " + wording.Known(ledger.EndpointKnowledge{}, time.Local)
	}
	return words
}
