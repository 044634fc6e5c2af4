package torture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

// A trigger of ours on the outbox writes down every move: who moved each row and
// when, so that the judge sees what the end result hides: a worker that changed a
// row under another's live lease, a parked row that moved without a person, a doubt
// that vanished.
const sqlMoves = `
CREATE SCHEMA torture;
CREATE TABLE torture.moves (
    seq             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operation_id    bigint      NOT NULL,
    op              text        NOT NULL,
    was_state       text        NOT NULL,
    now_state       text,
    was_token       bigint,
    now_token       bigint,
    was_lease_until timestamptz,
    was_doubt       boolean     NOT NULL,
    now_doubt       boolean     NOT NULL,
    cause           text,
    by              text        NOT NULL,
    at              timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX moves_operation_idx ON torture.moves (operation_id, seq);
CREATE FUNCTION torture.note_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO torture.moves (operation_id, op, was_state, was_token, was_lease_until, was_doubt, now_doubt, by)
        VALUES (OLD.operation_id, TG_OP, OLD.state, OLD.lease_token, OLD.lease_until, OLD.in_doubt, false,
                current_setting('application_name'));
        RETURN NULL;
    END IF;
    INSERT INTO torture.moves (operation_id, op, was_state, now_state, was_token, now_token, was_lease_until,
                               was_doubt, now_doubt, cause, by)
    VALUES (OLD.operation_id, TG_OP, OLD.state, NEW.state, OLD.lease_token, NEW.lease_token, OLD.lease_until,
            OLD.in_doubt, NEW.in_doubt, NEW.cause, current_setting('application_name'));
    RETURN NULL;
END
$$;
CREATE FUNCTION torture.note_lease() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO torture.moves (operation_id, op, was_state, now_state, now_token, was_doubt, now_doubt, by)
    VALUES (NEW.operation_id, TG_OP, 'new', NEW.state, NEW.lease_token, false, NEW.in_doubt, current_setting('application_name'));
    RETURN NULL;
END
$$;
CREATE TRIGGER torture_leased AFTER INSERT ON outbox FOR EACH ROW
    WHEN (NEW.lease_token IS NOT NULL) EXECUTE FUNCTION torture.note_lease();
CREATE TRIGGER torture_gone AFTER DELETE ON outbox FOR EACH ROW EXECUTE FUNCTION torture.note_move();
CREATE TRIGGER torture_moved AFTER UPDATE ON outbox FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state OR OLD.lease_token IS DISTINCT FROM NEW.lease_token
          OR OLD.in_doubt IS DISTINCT FROM NEW.in_doubt)
    EXECUTE FUNCTION torture.note_move();`

func (r *rig) watchMoves(ctx context.Context) error {
	if _, err := r.pool.Exec(ctx, sqlMoves); err != nil {
		return fmt.Errorf("watch the moves of rows: %w", err)
	}
	return nil
}

// keepMoves writes the moves beside the logs, for a person who
// looks for the reason of a verdict.
func (r *rig) keepMoves(ctx context.Context) error {
	conn, err := r.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("keep the moves of rows: %w", err)
	}
	defer conn.Release()
	file, err := os.Create(filepath.Join(r.dir, "moves.csv"))
	if err != nil {
		return fmt.Errorf("keep the moves of rows: %w", err)
	}
	_, err = conn.Conn().PgConn().CopyTo(ctx, file, `COPY (SELECT * FROM torture.moves ORDER BY operation_id, seq) TO STDOUT WITH (FORMAT csv, HEADER)`)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("keep the moves of rows: %w", err)
	}
	return nil
}

// keepBook writes the vendors' book beside them.
func (r *rig) keepBook(ctx context.Context) error {
	var book json.RawMessage
	if err := r.control(ctx, http.MethodGet, "/_sim/book", nil, &book); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.dir, "book.json"), book, 0o600); err != nil {
		return fmt.Errorf("keep the vendors' book: %w", err)
	}
	return nil
}

// sqlHolds tells whether a worker process has rows under way.
const sqlHolds = `
SELECT EXISTS (SELECT 1
                 FROM outbox x
                 JOIN torture.moves m ON m.operation_id = x.operation_id AND m.now_token = x.lease_token
                WHERE x.state = 'sending' AND m.by = $1)`

// check is one question to the database whose rows are violations.
type check struct {
	invariant Invariant
	// sql returns one text a row.
	sql string
}

// sqlForeignLease finds rows that were changed under the live lease of another
// worker. A confirmation deletes the row and may come from anybody. The holder
// is who made the token, not who marked the row later. A row whose member is not
// known is parked in a database that lost commits, whoever has it in hand: the
// holder cannot name the member, and so cannot send it, without its lease.
const sqlForeignLease = `
WITH changed AS (
    SELECT m.*, (SELECT c.by FROM torture.moves c
                  WHERE c.operation_id = m.operation_id AND c.seq < m.seq AND c.now_token = m.was_token
                    AND c.was_token IS DISTINCT FROM c.now_token
                  ORDER BY c.seq DESC LIMIT 1) AS holder
      FROM torture.moves m
     WHERE m.op = 'UPDATE' AND m.was_state = 'sending' AND m.now_token IS DISTINCT FROM m.was_token
       AND m.was_lease_until > m.at
       AND NOT (m.now_state = 'parked' AND m.cause = 'database_changed'
                AND EXISTS (SELECT 1 FROM operations o JOIN outbox x ON x.operation_id = o.id
                             WHERE o.id = m.operation_id AND COALESCE(x.resolved_member_id, o.member_id) IS NULL))
)
SELECT o.biz_id || ' (operation ' || o.id || '): ' || c.by || ' made it ' || c.now_state || ' (' || COALESCE(c.cause, '') ||
       ') at ' || c.at || ', while ' || COALESCE(c.holder, 'nobody known') || ' held its lease until ' || c.was_lease_until
  FROM changed c
  JOIN operations o ON o.id = c.operation_id
 WHERE c.holder IS DISTINCT FROM c.by
 ORDER BY c.seq`

// sqlParkedMoved finds parked rows that moved; no person is part of a run.
const sqlParkedMoved = `
SELECT o.biz_id || ' (operation ' || o.id || '): was parked, and ' || m.by || ' made it ' || m.now_state
  FROM torture.moves m
  JOIN operations o ON o.id = m.operation_id
 WHERE m.op = 'UPDATE' AND m.was_state = 'parked' AND m.now_state <> 'parked'
 ORDER BY m.seq`

// sqlDoubtGone finds doubts that ended otherwise than by a posting.
const sqlDoubtGone = `
SELECT o.biz_id || ' (operation ' || o.id || '): ' || m.by || ' cleared its doubt, ' || m.was_state || ' to ' || m.now_state
  FROM torture.moves m
  JOIN operations o ON o.id = m.operation_id
 WHERE m.op = 'UPDATE' AND m.was_doubt AND NOT m.now_doubt
 ORDER BY m.seq`

// sqlDoubtGoneAtKylin asks that of Kylin alone: where Zhimai's doubts are
// verified, a completed verification may end one.
const sqlDoubtGoneAtKylin = `
SELECT o.biz_id || ' (operation ' || o.id || '): ' || m.by || ' cleared its doubt, ' || m.was_state || ' to ' || m.now_state
  FROM torture.moves m
  JOIN operations o ON o.id = m.operation_id
 WHERE m.op = 'UPDATE' AND m.was_doubt AND NOT m.now_doubt AND o.target = 'kylin'
 ORDER BY m.seq`

// sqlNeitherNor finds operations with points that have not exactly one of an
// outbox row and a posting, and operations without points that have either.
const sqlNeitherNor = `
SELECT o.biz_id || ' (operation ' || o.id || '): ' || o.points || ' points, open rows ' ||
       count(x.operation_id) || ', postings ' || count(p.operation_id)
  FROM operations o
  LEFT JOIN outbox x ON x.operation_id = o.id
  LEFT JOIN postings p ON p.operation_id = o.id
 GROUP BY o.id, o.biz_id, o.points
HAVING count(x.operation_id) + count(p.operation_id) <> CASE WHEN o.points > 0 THEN 1 ELSE 0 END`

// sqlUnbalanced finds accounts whose trial balance is not zero.
const sqlUnbalanced = `
SELECT target || ': the trial balance is ' || sum(balance_points) FROM trial_balance GROUP BY target HAVING sum(balance_points) <> 0`

// sqlVoided finds operations that were given up; no person is part of a run. What was
// taken back before it was sent, and what needs no call, has ended so by itself; so has
// a completion whose freeze a cancellation took back before it was sent.
const sqlVoided = `
SELECT o.kind || ' ' || o.biz_id || ' (operation ' || o.id || ') is voided (' || p.evidence || '), and nobody voided it'
  FROM postings p
  JOIN operations o ON o.id = p.operation_id
 WHERE p.kind <> 'posted' AND p.evidence NOT IN ('reversed', 'no_call_needed')
   AND NOT (p.evidence = 'nothing_to_take_back' AND o.kind = 'consume_frozen')
 ORDER BY o.id`

func checks(o Options) []check {
	all := []check{{LiveLease, sqlForeignLease}, {ParkedStays, sqlParkedMoved}, {NothingLost, sqlNeitherNor},
		{TrialBalance, sqlUnbalanced}, {PostingNeedsEffect, sqlVoided}}
	if o.Dedup == "off" {
		return append(all, check{DoubtIsKept, sqlDoubtGoneAtKylin})
	}
	return append(all, check{DoubtIsKept, sqlDoubtGone})
}
