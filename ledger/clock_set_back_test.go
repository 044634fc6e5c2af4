package ledger_test

import (
	"testing"
	"time"

	"pointsledger/ledger/knowledge"
)

// The database's clock was set back: what was seen of the records before that lies
// in the future now, and would look later than every call that is made from here
// on. It is gone for good, not only until its time has come; what lies behind
// stays.
func TestRenewDoubtDropsWhatLiesAhead(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`INSERT INTO endpoints (target, endpoint, reference_state, shown_since, newest_operation_id, newest_sent_at)
		VALUES ('zhimai', 'e', 'shown', now() - interval '1 day', 1, now() + interval '1 minute')`)
	for operation, at := range []string{"now() - interval '1 minute'", "now() + interval '1 minute'"} {
		f.exec(`INSERT INTO endpoint_samples (target, endpoint, operation_id, member_id, sent_at, confirmed_at, state, reads, ended_at,
				shown_began_at, shown_at, last_began_at, last_shown_at, lag_ms)
			SELECT 'zhimai', 'e', $1, '1', `+at+`, `+at+`, 'shown', 1, `+at+`, `+at+`, `+at+`, `+at+`, `+at+`, 0`, operation)
		f.exec(`INSERT INTO endpoint_extents (target, endpoint, records, depth, seen_at) VALUES ('zhimai', 'e', 9, interval '1 day', ` + at + `)`)
	}
	known := must(knowledge.New(f.pool).Knowledge(t.Context(), "zhimai", "e"))
	want(t, "samples before", len(known.Samples), 2)
	want(t, "doubts", must(f.RenewDoubt(t.Context(), "zhimai", time.Second)), 0)
	known = must(knowledge.New(f.pool).Knowledge(t.Context(), "zhimai", "e"))
	want(t, "samples", len(known.Samples), 1)
	want(t, "extents", len(known.Extents), 1)
	want(t, "the newest call lies ahead", known.LastSentAt.After(known.Now), false)
	want(t, "references", known.References, knowledge.ReferencesShown)
}
