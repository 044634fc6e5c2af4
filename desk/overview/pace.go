package overview

import (
	"math"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/wording"
	"pointsledger/ledger"
	"pointsledger/ledger/knowledge"
)

// Pace is how fast an account's operations go, and what is known of it.
type Pace struct {
	// PerSecond are the postings of the last minute; 0 when there was none.
	PerSecond float64 `json:"posted_per_second"`
	// DrainsInMs is how long what waits takes at this Pace; nil when it does
	// not go at all, nothing waits, or some of it waits for another attempt or to
	// be looked up: then it takes longer than the Pace says, and nobody knows how
	// long.
	DrainsInMs *int64 `json:"drains_in_ms"`
	// AtLeastMs is what it takes at the least.
	AtLeastMs int64 `json:"-"`
	// ConfirmedAt is when the account first confirmed a call, nil: never.
	ConfirmedAt *time.Time `json:"first_confirmed_at"`
	// Known is what sampling has learned at the endpoint that the configuration
	// names, or, for an account that is not in it, at the one used last; nil: no
	// worker has called it.
	Known *Known `json:"known"`
}

// Known is what is known of an account at its endpoint.
type Known struct {
	Endpoint string `json:"endpoint"`
	// References is unknown, shown or hidden.
	References      knowledge.ReferenceState `json:"references"`
	ShownSince      *time.Time               `json:"references_shown_since"`
	Samples         int                      `json:"samples"`
	SamplesMissed   int                      `json:"samples_missed"`
	LastSampleAt    *time.Time               `json:"last_sample_at"`
	MaxLagMs        int64                    `json:"max_lag_ms"`
	ZoneOffsetMins  *int64                   `json:"zone_offset_minutes"`
	KeysHonouredAt  *time.Time               `json:"keys_seen_honoured_at"`
	EndpointSinceAt time.Time                `json:"first_used_at"`

	// Words says it for people.
	Words string `json:"-"`
}

func newKnown(k knowledge.KnownEndpoint) *Known {
	r := &Known{Endpoint: k.Endpoint, References: k.References, ShownSince: timeOrNil(k.ShownSince), Samples: k.Ended, SamplesMissed: k.Missed,
		LastSampleAt: timeOrNil(k.SampledAt), MaxLagMs: k.MaxLag.Milliseconds(), KeysHonouredAt: timeOrNil(k.KeysSeenAt),
		EndpointSinceAt: k.FirstUsedAt, Words: wording.Known(k.EndpointKnowledge, time.Local)}
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

// learn adds the Pace and what is known of an account.
func (a *Account) learn(perSecond float64, facts []desk.AccountFact, known []knowledge.KnownEndpoint) {
	a.PerSecond = math.Round(perSecond*1000) / 1000
	if backlog := a.backlog(); backlog > 0 && perSecond > 0 && a.Gate == nil {
		ms := int64(float64(backlog) / perSecond * 1000)
		if a.AtLeastMs = ms; a.slow() == 0 {
			a.DrainsInMs = &ms
		}
	}
	for _, f := range facts {
		if f.Account == a.Account {
			a.ConfirmedAt = &f.ConfirmedAt
		}
	}
	for _, k := range known { // the newest first
		if k.Account == a.Account && (k.Endpoint == a.endpoint || a.endpoint == "") && a.Known == nil {
			a.Known = newKnown(k)
		}
	}
}

// slow counts what waits for another attempt or to be looked up: it goes by its
// schedule and not by the Pace.
func (a *Account) slow() (n int64) {
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
