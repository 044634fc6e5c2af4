package dispatch

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pointsledger/evidence"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

// TestDecide is the table of the package comment, line by line.
func TestDecide(t *testing.T) {
	p := policy{schedule: Schedule{time.Second, time.Minute}, maxAttempts: 3}
	fresh := ledger.Claimed{ID: 1, Token: 2, VendorCall: ledger.VendorCall{MemberID: "77"}, NeverSent: true}
	doubtful := ledger.Claimed{ID: 1, Token: 2, VendorCall: ledger.VendorCall{MemberID: "77"}, InDoubt: true, Attempts: 1}
	last := ledger.Claimed{ID: 1, Token: 2, VendorCall: ledger.VendorCall{MemberID: "77"}, Attempts: 2}
	type change = ledger.Change
	for _, c := range []struct {
		name    string
		row     ledger.Claimed
		outcome vendorapi.Outcome
		h       hold
		want    change
	}{
		{"refused parks", fresh, vendorapi.Refused, hold{}, change{State: ledger.Parked, Cause: ledger.CauseRefused, UseAttempt: true}},
		{"refused in doubt parks; the ledger keeps the doubt", doubtful, vendorapi.Refused, hold{}, change{State: ledger.Parked, Cause: ledger.CauseRefused, UseAttempt: true}},
		{"refused by our own mistake goes back", fresh, vendorapi.Refused, hold{held: true}, change{State: ledger.Pending, Cause: ledger.CauseSuspicious, Unsent: true}},
		{"the probe goes back for longer", fresh, vendorapi.Refused, hold{held: true, delay: time.Minute}, change{State: ledger.Pending, Cause: ledger.CauseSuspicious, Unsent: true, Delay: time.Minute}},
		{"unauthorised uses no attempt", fresh, vendorapi.Unauthorised, hold{}, change{State: ledger.Pending, Cause: ledger.CauseUnauthorised, Unsent: true}},
		{"throttled uses no attempt", doubtful, vendorapi.Throttled, hold{}, change{State: ledger.Pending, Cause: ledger.CauseThrottled}},
		{"not sent is tried again, no doubt", fresh, vendorapi.NotSent, hold{}, change{State: ledger.Pending, Cause: ledger.CauseNotSent, UseAttempt: true, Unsent: true, Delay: time.Second}},
		{"retryable is tried again, no doubt", doubtful, vendorapi.Retryable, hold{}, change{State: ledger.Pending, Cause: ledger.CauseRetryable, UseAttempt: true, Delay: time.Minute}},
		{"unknown is in doubt", fresh, vendorapi.Unknown, hold{}, change{State: ledger.Pending, Cause: ledger.CauseUnknown, Doubt: true, UseAttempt: true, Delay: time.Second}},
		{"what is not listed is in doubt", fresh, vendorapi.Outcome(99), hold{}, change{State: ledger.Pending, Cause: ledger.CauseUnknown, Doubt: true, UseAttempt: true, Delay: time.Second}},
		{"the last unknown parks in doubt", last, vendorapi.Unknown, hold{}, change{State: ledger.Parked, Cause: ledger.CauseAttemptsExhausted, Doubt: true, UseAttempt: true}},
		{"the last not sent parks without doubt", last, vendorapi.NotSent, hold{}, change{State: ledger.Parked, Cause: ledger.CauseAttemptsExhausted, UseAttempt: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := decide(&c.row, vendorapi.Reply{Outcome: c.outcome, Code: "E1", Err: errors.New("why")}, c.h, p, 0.5)
			if got.confirmation != nil || got.change == nil {
				t.Fatalf("got %+v, want a change", got)
			}
			if a := got.change.Attempt; a == nil || a.VendorCode != "E1" || a.Error != "why" {
				t.Errorf("attempt: got %+v", a)
			}
			have := *got.change
			have.Attempt = nil
			c.want.ID, c.want.Token = 1, 2
			if have != c.want {
				t.Errorf("got  %+v\nwant %+v", have, c.want)
			}
		})
	}
	for outcome, evidence := range map[vendorapi.Outcome]ledger.Evidence{
		vendorapi.Applied: ledger.Answered, vendorapi.AlreadyApplied: ledger.AlreadyApplied} {
		got := decide(&doubtful, vendorapi.Reply{Outcome: outcome, HTTPStatus: 200}, hold{}, p, 0.5)
		if got.change != nil || got.confirmation == nil || got.confirmation.Evidence != evidence || got.confirmation.MemberID != "77" {
			t.Errorf("%v: got %+v", outcome, got)
		}
	}
}

// A request that cannot be sent as it is parks at once, with its reason.
func TestDecideUnsendable(t *testing.T) {
	row := ledger.Claimed{ID: 1, NeverSent: true}
	reply := vendorapi.Reply{Outcome: vendorapi.NotSent, Err: fmt.Errorf("freeze: %w", vendorapi.ErrUnsendable)}
	got := decide(&row, reply, hold{}, policy{schedule: DefaultSchedule(), maxAttempts: 30}, 0.5).change
	if got.State != ledger.Parked || got.Cause != ledger.CauseUnsendable || got.Doubt {
		t.Errorf("got %+v, want parked without doubt", got)
	}
}

// A code that cannot be resolved was never a send: nothing is in doubt.
func TestDecideUnresolved(t *testing.T) {
	p := policy{schedule: Schedule{time.Second}, maxAttempts: 2}
	row := ledger.Claimed{ID: 1, MemberCode: "UC1", NeverSent: true}
	for outcome, want := range map[vendorapi.Outcome]ledger.Change{
		vendorapi.Refused:      {State: ledger.Parked, Cause: ledger.CauseMemberUnresolved, UseAttempt: true},
		vendorapi.Unknown:      {State: ledger.Pending, Cause: ledger.CauseMemberUnresolved, UseAttempt: true, Delay: time.Second},
		vendorapi.NotSent:      {State: ledger.Pending, Cause: ledger.CauseMemberUnresolved, UseAttempt: true, Delay: time.Second},
		vendorapi.Unauthorised: {State: ledger.Pending, Cause: ledger.CauseUnauthorised},
		vendorapi.Throttled:    {State: ledger.Pending, Cause: ledger.CauseThrottled},
	} {
		got := *decideUnresolved(&row, vendorapi.Reply{Outcome: outcome}, hold{}, p, 0.5).change
		got.Attempt = nil
		want.ID, want.Unsent = 1, true
		if got != want {
			t.Errorf("%v:\ngot  %+v\nwant %+v", outcome, got, want)
		}
	}
	row.Attempts = 1
	if got := decideUnresolved(&row, vendorapi.Reply{}, hold{}, p, 0.5).change; got.State != ledger.Parked || got.Cause != ledger.CauseMemberUnresolved || got.Doubt {
		t.Errorf("last attempt: got %+v", got)
	}
}

// TestSchedule is the table in DefaultSchedule's comment.
func TestSchedule(t *testing.T) {
	s := DefaultSchedule()
	for attempt, want := range map[int]time.Duration{-1: 500 * time.Millisecond, 1: 500 * time.Millisecond, 2: time.Second, 5: 15 * time.Second,
		6: time.Minute, 9: 30 * time.Minute, 10: time.Hour, 11: time.Hour, 1000: time.Hour} {
		if got := s.Wait(attempt, 0.5); got != want {
			t.Errorf("attempt %d: got %v, want %v", attempt, got, want)
		}
	}
	if low, high := s.Wait(2, 0), s.Wait(2, 0.999999); low != 800*time.Millisecond || high < 1199*time.Millisecond || high > 1200*time.Millisecond {
		t.Errorf("jitter: got %v to %v, want 0.8 s to 1.2 s", low, high)
	}
	// The first ten attempts take 51 min 23.5 s of waits; 23 more hours fit.
	if got := s.MaxAttempts(24 * time.Hour); got != 33 {
		t.Errorf("attempts in 24 h: got %d, want 33", got)
	}
	if got := s.MaxAttempts(0); got != 1 {
		t.Errorf("attempts in no time: got %d, want 1", got)
	}
	if got := (Schedule{0}).MaxAttempts(time.Hour); got != maxScheduledAttempts {
		t.Errorf("attempts without waits: got %d, want the bound", got)
	}
}

// Records that an account may not read: while its points calls go on, a person must
// look in the end; while its credentials are refused altogether, nothing is used up.
func TestForbiddenRecordsEndWithAPerson(t *testing.T) {
	t.Parallel()
	p := policy{schedule: Schedule{time.Second, time.Minute}, maxAttempts: 3}
	forbidden := vendorapi.Reply{Outcome: vendorapi.Unauthorised, HTTPStatus: 403}
	for attempts, parked := range map[int]bool{0: false, 1: false, 2: true} {
		row := ledger.Claimed{Attempts: attempts}
		if c := decideUnread(&row, forbidden, true, p, 0.5).change; (c.State == ledger.Parked) != parked || !c.UseAttempt {
			t.Errorf("after %d attempts, gate open: %+v", attempts, *c)
		}
		if c := decideUnread(&row, forbidden, false, p, 0.5).change; c.State != ledger.Pending || c.UseAttempt {
			t.Errorf("after %d attempts, gate closed: %+v", attempts, *c)
		}
	}
}

// A list that is empty for the first time is read once more, whatever was used up.
func TestEmptyListIsReadOnceMore(t *testing.T) {
	t.Parallel()
	p := policy{schedule: Schedule{time.Second}, maxAttempts: 1, emptyAgain: time.Minute}
	row := ledger.Claimed{Attempts: 5}
	if c := withoutControl(&row, evidence.LackEmptyTwice, false, p, 0.5).change; c.State != ledger.Pending || c.Delay < time.Minute {
		t.Errorf("the first time: %+v", *c)
	}
	row.Lack = string(evidence.LackEmptyTwice)
	if c := withoutControl(&row, evidence.LackEmptyTwice, false, p, 0.5).change; c.State != ledger.Parked {
		t.Errorf("the second time: %+v", *c)
	}
}
