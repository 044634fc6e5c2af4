package dispatch

import (
	"errors"
	"fmt"
	"time"

	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

// Account is one vendor account and how it is served.
type Account struct {
	// Name is what the operations call it.
	Name string
	// Vendor makes its calls.
	Vendor vendorapi.Sender
	// Calls are the kinds of operations that the vendor has a call for. What takes
	// back, or ends a freeze, and has none is left to a person.
	Calls []ledger.Kind
	// Concurrency is the most calls at once, 1 or more. Too low: the backlog
	// drains slowly; too high: the vendor throttles.
	Concurrency int
	// RatePerSecond bounds the calls of all workers together, of whatever kind; 0
	// is no bound.
	RatePerSecond float64
	// Rates bound the calls of all workers together, each call by its own: the most
	// that start in a second, by the kind of an operation, CallRecords or
	// CallMember. A call that is not there, or with 0, has no bound. Not beside
	// RatePerSecond.
	Rates map[string]float64
	// FreshShare is the share of each lane's places that events younger than a
	// minute have, 0 to 1, where the calls have a rate; without one it means
	// nothing. 0: the oldest first. Too low: who stands at the till waits behind a
	// backlog; too high: the backlog waits for quiet hours.
	FreshShare float64
	// Timeout is the most one call may take; a send starts only if its lease
	// covers it.
	Timeout time.Duration
	// Lease is how long claimed rows are ours without a renewal. It must
	// exceed the Timeout and the time to settle. Too low: healthy sends end
	// in doubt; too high: rows of a killed worker wait that long.
	Lease time.Duration
	// Schedule and GiveUpAfter say when a row is tried again and when it is
	// parked.
	Schedule    Schedule
	GiveUpAfter time.Duration
	// KeyMemory is how long the vendor surely remembers a dedup key. Too
	// high: a row in doubt may be applied twice.
	KeyMemory time.Duration
	// Verify looks a row in doubt up in the member's records before it is sent
	// again; the Vendor must be a vendorapi.RecordReader. Without it the same key is sent
	// again, which rests on the vendor's memory alone, where that is honoured.
	Verify bool
	// VerifyAfter is how long after a call's deadline its effect is visible in
	// the records at the latest. Too low: an effect that shows later is missed,
	// and the points are granted twice.
	VerifyAfter time.Duration
	// Sampling says how often the records of confirmed postings are read, to learn
	// what they show. It matters only with Verify.
	Sampling Sampling
	// KeysHonoured: the vendor promises that a repeated dedup key is applied once,
	// for KeyMemory. Otherwise a row in doubt is never sent again on hope: only
	// where the records prove it absent, or where a repeat was seen to be answered
	// as already applied. Wrong: doubtful points are granted twice.
	KeysHonoured bool
	// QuietAfter is how long after a call an account without traffic is taken to
	// show it, on top of three times the longest lag seen. Too low: an effect that
	// shows later is missed; too high: the last doubt of an evening waits.
	QuietAfter time.Duration
	// ClockSkew is how far the vendor's clock may be from the database's, time
	// zones apart. Too low: our own record is taken for older than its call.
	ClockSkew time.Duration
	// CodeMaxAge is how old a scanned member code may be; codes rotate.
	CodeMaxAge time.Duration
	// ProbeEvery is the pause between probes after suspicious refusals.
	ProbeEvery time.Duration
	// PollEvery is the longest pause between two looks at the outbox when
	// nothing wakes the claim loop.
	PollEvery time.Duration
}

// Defaults of Account; internal/config/default.yaml shows them with what they mean.
const (
	DefaultConcurrency = 64
	DefaultTimeout     = 10 * time.Second
	DefaultLease       = 30 * time.Second
	DefaultGiveUpAfter = 24 * time.Hour
	DefaultKeyMemory   = 24 * time.Hour
	DefaultVerifyAfter = 5 * time.Second
	DefaultClockSkew   = 2 * time.Minute
	DefaultQuietAfter  = 10 * time.Minute
	DefaultCodeMaxAge  = ledger.DefaultCodeMaxAge
	DefaultProbeEvery  = time.Minute
	DefaultPollEvery   = time.Second
	DefaultFreshShare  = 0.5
)

// withDefaults fills what is zero, apart from the rate.
func (a Account) withDefaults() Account {
	or := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	if a.Concurrency == 0 {
		a.Concurrency = DefaultConcurrency
	}
	if len(a.Schedule) == 0 {
		a.Schedule = DefaultSchedule()
	}
	or(&a.Timeout, DefaultTimeout)
	or(&a.Lease, DefaultLease)
	or(&a.GiveUpAfter, DefaultGiveUpAfter)
	or(&a.KeyMemory, DefaultKeyMemory)
	or(&a.VerifyAfter, DefaultVerifyAfter)
	or(&a.QuietAfter, DefaultQuietAfter)
	or(&a.ClockSkew, DefaultClockSkew)
	or(&a.CodeMaxAge, DefaultCodeMaxAge)
	or(&a.ProbeEvery, DefaultProbeEvery)
	or(&a.PollEvery, DefaultPollEvery)
	a.Sampling = a.Sampling.withDefaults()
	return a
}

// freshShare is FreshShare where it means something: without a rate nothing marks
// what is fresh.
func (a *Account) freshShare() float64 {
	if !a.paced() {
		return 0
	}
	return a.FreshShare
}

// paced tells whether the calls of operations have a rate.
func (a *Account) paced() bool {
	for call, rate := range a.Rates {
		if rate > 0 && call != CallRecords && call != CallMember {
			return true
		}
	}
	return a.RatePerSecond > 0
}

// SettleAllowance is the time kept free between a call's deadline and the end
// of its lease, so that its result still finds the lease alive.
const SettleAllowance = 5 * time.Second

func (a Account) validate() error {
	var errs []error
	complain := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("account %s: "+format, append([]any{a.Name}, args...)...))
	}
	if a.Name == "" || a.Vendor == nil {
		complain("want a name and a vendor")
	}
	if a.Concurrency < 1 || a.Concurrency > 10_000 {
		complain("concurrency: want 1 to 10,000, got %d", a.Concurrency)
	}
	if a.RatePerSecond < 0 {
		complain("rate: want 0 (none) or more calls per second, got %g", a.RatePerSecond)
	}
	if a.FreshShare < 0 || a.FreshShare > 1 {
		complain("fresh share: want 0 to 1, got %g", a.FreshShare)
	}
	for call, rate := range a.Rates {
		if rate < 0 {
			complain("rate of %s: want 0 (none) or more calls per second, got %g", call, rate)
		}
	}
	if a.RatePerSecond > 0 && len(a.Rates) > 0 {
		complain("rate: want one over all calls or one for each, got both")
	}
	if a.Timeout <= 0 || a.Lease <= a.Timeout+SettleAllowance {
		complain("lease %v: want more than the timeout (%v) and %v to settle", a.Lease, a.Timeout, SettleAllowance)
	}
	if _, able := a.Vendor.(vendorapi.RecordReader); a.Verify && !able {
		complain("verify: this kind of vendor has no records to read")
	}
	if err := a.Sampling.validate(); err != nil {
		complain("%w", err)
	}
	if a.KeyMemory <= a.Lease {
		complain("key memory %v: want more than the lease (%v)", a.KeyMemory, a.Lease)
	}
	return errors.Join(errs...)
}

// restAfterLease is how long after the end of a lease the effect of a call that
// was made under it must be visible: the lease lasted SettleAllowance longer
// than the call's deadline.
func (a Account) restAfterLease() time.Duration {
	if !a.Verify {
		return 0
	}
	return max(0, a.VerifyAfter-SettleAllowance)
}

// claimKeyMemory is the key memory as the claim must see it: what is claimed
// now may be sent as late as its lease ends. A row that is verified first may
// be claimed at any age; verified looks at the memory where it matters.
func (a Account) claimKeyMemory() time.Duration {
	if a.Verify {
		return noLimit
	}
	return a.KeyMemory - a.Lease
}

// noLimit is longer than any ledger.
const noLimit = 100 * 365 * 24 * time.Hour

// policy is what decide needs of the account.
func (a Account) policy() policy {
	p := policy{schedule: a.Schedule, timeout: a.Timeout, maxAttempts: a.Schedule.MaxAttempts(a.GiveUpAfter),
		emptyAgain: min(a.QuietAfter, time.Minute)}
	if a.Verify {
		p.visible = a.Timeout + a.VerifyAfter
	}
	return p
}
