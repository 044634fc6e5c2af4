package knowledge_test

import (
	"testing"
	"time"

	"pointsledger/desk"
	"pointsledger/ledger/knowledge"
)

// Since when all calls of an account go to one endpoint: after it was moved there,
// after it was moved back, and never while another worker calls another one.
func TestEndpointIsAloneSince(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tell := func(endpoint string, lease time.Duration) {
		t.Helper()
		if _, err := f.TellSampler(t.Context(), knowledge.SamplerNews{Account: "zhimai", Endpoint: endpoint, Token: 7, Lease: lease}); err != nil {
			t.Fatal(err)
		}
	}
	alone := func(endpoint string) time.Time {
		t.Helper()
		k, err := f.Knowledge(t.Context(), "zhimai", endpoint)
		if err != nil {
			t.Fatal(err)
		}
		return k.AloneSince
	}
	clock := func() time.Time { return one[time.Time](f, `SELECT clock_timestamp()`) }
	tell("old", time.Minute)
	want(t, "the only one", alone("old").IsZero(), true)

	before := clock()
	tell("old", 0) // given back
	tell("new", time.Minute)
	after := clock()
	if since := alone("new"); since.Before(before) || since.After(after) {
		t.Errorf("moved between %v and %v: got %v", before, after, since)
	}
	if since := alone("old"); !since.After(after) {
		t.Errorf("another is called still: got %v, want later than %v", since, after)
	}

	before = clock()
	tell("new", 0)
	after = clock()
	if since := alone("old"); since.Before(before) || since.After(after) {
		t.Errorf("moved back between %v and %v: got %v", before, after, since)
	}

	// What was learned is forgotten; that the account was called elsewhere is not.
	if n, err := f.ForgetKnowledge(t.Context(), desk.Decision{Actor: "lin", Reason: "moved"}, "zhimai"); err != nil || n != 2 {
		t.Fatalf("forgotten: %d %v", n, err)
	}
	if since := alone("old"); since.Before(before) || since.After(after) {
		t.Errorf("moved back between %v and %v, then forgotten: got %v", before, after, since)
	}
	tell("old", time.Minute)
	if since := alone("new"); !since.After(clock()) {
		t.Errorf("the other is called still: got %v", since)
	}
}
