package ledger_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"pointsledger/ledger"
)

// sqlKindLike records an operation as SO-1, with another kind and by hand.
const sqlKindLike = `INSERT INTO operations (target, kind, biz_id, business_key, member_id, points, source_type, points_channel, reason, reference, business_date,
	mapping_version, event_source, event_id, event_type, event_time, event_subject, stream_seq, broker_time, data)
	SELECT target, $1, repeat('z', 28), $1, member_id, 30, source_type, points_channel, reason, reference, business_date,
	mapping_version, event_source, event_id, event_type, event_time, event_subject, stream_seq, broker_time, data FROM operations WHERE business_key = 'SO-1'`

// The kinds that the program has are those that the books know, and what a kind
// does to points is a row: a further one needs no change of a view.
func TestAKindIsARow(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	want(t, "kinds", one[string](f, `SELECT string_agg(kind, ' ' ORDER BY kind) FROM operation_kinds`), string(ledger.ConsumeFrozen+" "+ledger.FreezePoint+" "+ledger.PointsAdd+" "+ledger.PointsDeduct+" "+ledger.UnfreezePoint))
	f.record(f.event("SO-1"))
	_, err := f.pool.Exec(t.Context(), sqlKindLike, "points_burn")
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "23514" || pg.ConstraintName != "operations_kind_known" {
		t.Errorf("a kind that nobody knows: %v", err)
	}
	f.exec(`INSERT INTO operation_kinds (kind, leaves, enters) VALUES ('points_burn', 'credited', 'issued')`)
	f.exec(sqlKindLike, "points_burn")
	want(t, "entries", one[string](f, `SELECT string_agg(account || ' ' || e.points, ', ' ORDER BY e.points) FROM entries e JOIN operations o ON o.id = e.operation_id WHERE kind = 'points_burn'`),
		"zhimai:member:383933091455959041:credited -30, zhimai:member:383933091455959041:pending 30")
	f.exec(`INSERT INTO postings (operation_id, kind, evidence, member_id, attempts) SELECT id, 'posted', 'answered', member_id, 1 FROM operations WHERE kind = 'points_burn'`)
	want(t, "taken back", one[int](f, `SELECT balance_points::int FROM trial_balance WHERE account = 'zhimai:issued:1'`), 30-100)
	want(t, "trial balance", one[int](f, `SELECT sum(balance_points)::int FROM trial_balance`), 0)
}
