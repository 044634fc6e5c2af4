package ledger_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/ledger"
)

// keyMemory is how long the vendors of the property tests remember a key.
// readLedger and the model hold the same hour.
const keyMemory = time.Hour

// part is the share of a database that one case of a property test works on:
// the ledger is insert-only, so that every case has names of its own.
type part struct {
	accounts []string
	stream   string
	actor    string
}

func newPart(n int) part {
	return part{accounts: []string{fmt.Sprintf("zhimai-%d", n), fmt.Sprintf("kylin-%d", n)},
		stream: fmt.Sprintf("POINTS-%d", n), actor: fmt.Sprintf("ops-%d", n)}
}

// snapshot is a part of the ledger as one statement saw it.
type snapshot struct {
	Operations []operationRow `json:"operations"`
	Outbox     []outboxRow    `json:"outbox"`
	Postings   []postingRow   `json:"postings"`
	// Corrections are of what was voided and applied all the same.
	Corrections []correctionRow `json:"corrections"`
	Attempts    []struct {
		OperationID ledger.OperationID `json:"operation_id"`
		Outcome     string             `json:"outcome"`
	} `json:"attempts"`
	Rejects []struct {
		Seq  uint64            `json:"stream_seq"`
		Code ledger.RejectCode `json:"reason_code"`
	} `json:"rejects"`
	// Kept is every row of the insert-only tables, "table id" to its text.
	Kept map[string]string `json:"kept"`
	// Unbalanced are operations whose entries do not sum to zero.
	Unbalanced []ledger.OperationID `json:"unbalanced"`
	// Pending and Settled are what is still owed, and what went to members.
	Pending int64 `json:"pending"`
	Settled int64 `json:"settled"`

	open map[ledger.OperationID]outboxRow
}

type operationRow struct {
	ID      ledger.OperationID `json:"id"`
	Account string             `json:"target"`
	BizID   ledger.BizID       `json:"biz_id"`
	Points  int64              `json:"points"`
}

type outboxRow struct {
	OperationID ledger.OperationID `json:"operation_id"`
	Account     string             `json:"target"`
	State       ledger.State       `json:"state"`
	Cause       ledger.Cause       `json:"cause"`
	InDoubt     bool               `json:"in_doubt"`
	Attempts    int                `json:"attempts"`
	FirstSentAt *time.Time         `json:"first_sent_at"`
	NextAt      time.Time          `json:"next_attempt_at"`
	Token       ledger.LeaseToken  `json:"lease_token"`
	LeaseUntil  *time.Time         `json:"lease_until"`
	Resolved    string             `json:"resolved_member_id"`
	// Live: the lease has not ended. Due: its time has come. Forgotten: first
	// sent longer ago than the key memory.
	Live      bool `json:"live"`
	Due       bool `json:"due"`
	Forgotten bool `json:"forgotten"`
}

type postingRow struct {
	OperationID ledger.OperationID `json:"operation_id"`
	Kind        string             `json:"kind"`
	Evidence    string             `json:"evidence"`
	Member      string             `json:"member_id"`
	Attempts    int                `json:"attempts"`
}

type correctionRow struct {
	OperationID ledger.OperationID `json:"operation_id"`
	Kind        string             `json:"kind"`
	Evidence    string             `json:"evidence"`
	Member      string             `json:"member_id"`
}

// readLedger is one statement, so that all of it is seen at one moment, also
// while others write.
const readLedger = `
WITH o AS (SELECT * FROM operations WHERE target = ANY ($1)),
     p AS (SELECT p.* FROM postings p JOIN o ON o.id = p.operation_id),
     c AS (SELECT c.* FROM corrections c JOIN o ON o.id = c.operation_id),
     a AS (SELECT a.* FROM attempts a JOIN o ON o.id = a.operation_id),
     r AS (SELECT * FROM rejects WHERE stream = $2),
     w AS (SELECT * FROM ops_actions WHERE actor = $3),
     e AS (SELECT * FROM entries WHERE target = ANY ($1)),
     x AS (SELECT operation_id, target, state, COALESCE(cause, '') AS cause, in_doubt, attempts, first_sent_at,
                  next_attempt_at, COALESCE(lease_token, 0) AS lease_token, lease_until,
                  COALESCE(resolved_member_id, '') AS resolved_member_id, COALESCE(lease_until > now(), false) AS live,
                  next_attempt_at <= now() AS due,
                  COALESCE(first_sent_at <= now() - interval '1 hour', false) AS forgotten
             FROM outbox WHERE target = ANY ($1)),
     kept AS (SELECT 'operations ' || id AS name, o::text AS row FROM o
              UNION ALL SELECT 'postings ' || operation_id, p::text FROM p
              UNION ALL SELECT 'corrections ' || operation_id, c::text FROM c
              UNION ALL SELECT 'attempts ' || id, a::text FROM a
              UNION ALL SELECT 'rejects ' || id, r::text FROM r
              UNION ALL SELECT 'ops_actions ' || id, w::text FROM w)
SELECT json_build_object(
    'operations', (SELECT json_agg(json_build_object('id', id, 'target', target, 'biz_id', biz_id, 'points', points)) FROM o),
    'outbox', (SELECT json_agg(x ORDER BY next_attempt_at, operation_id) FROM x),
    'postings', (SELECT json_agg(json_build_object('operation_id', operation_id, 'kind', kind, 'evidence', evidence,
                                                   'member_id', COALESCE(member_id, ''), 'attempts', attempts)) FROM p),
    'corrections', (SELECT json_agg(json_build_object('operation_id', operation_id, 'kind', kind, 'evidence', evidence,
                                                      'member_id', member_id)) FROM c),
    'attempts', (SELECT json_agg(json_build_object('operation_id', operation_id, 'outcome', outcome) ORDER BY id) FROM a),
    'rejects', (SELECT json_agg(json_build_object('stream_seq', stream_seq, 'reason_code', reason_code)) FROM r),
    'kept', (SELECT json_object_agg(name, row) FROM kept),
    'unbalanced', (SELECT json_agg(operation_id) FROM (SELECT operation_id FROM e GROUP BY 1 HAVING sum(points) <> 0) AS u),
    'pending', (SELECT COALESCE(sum(points), 0) FROM e WHERE account LIKE '%:pending'),
    'settled', (SELECT COALESCE(sum(points), 0) FROM e WHERE account LIKE '%:credited' OR account LIKE '%:frozen'))`

// readTotals looks at the whole database, through the views that people use.
const readTotals = `
SELECT COALESCE((SELECT sum(balance_points) FROM trial_balance), 0)::bigint,
       (SELECT count(*) FROM operation_status WHERE state = 'lost')`

// openObserver opens the connection that looks. It plans readLedger once:
// planning it takes longer than running it.
func openObserver(f *fixture) *pgxpool.Pool {
	f.t.Helper()
	config, err := pgxpool.ParseConfig(f.pool.Config().ConnString())
	if err != nil {
		f.t.Fatal(err)
	}
	config.MaxConns = 1
	config.ConnConfig.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
	config.ConnConfig.RuntimeParams["enable_seqscan"] = "off" // the plan is made while the tables are empty
	config.ConnConfig.RuntimeParams["jit"] = "off"
	pool, err := pgxpool.NewWithConfig(f.t.Context(), config)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(pool.Close)
	return pool
}

// totals are the invariants of the whole database that are broken.
func totals(ctx context.Context, pool *pgxpool.Pool) (broken []string, err error) {
	var sum int64
	var lost int
	if err := pool.QueryRow(ctx, readTotals).Scan(&sum, &lost); err != nil {
		return nil, fmt.Errorf("read totals: %w", err)
	}
	if sum != 0 {
		broken = append(broken, fmt.Sprintf("the trial balance sums to zero: it is %d", sum))
	}
	if lost > 0 {
		broken = append(broken, fmt.Sprintf("no operation is lost: %d are", lost))
	}
	return broken, nil
}

func (p part) read(ctx context.Context, pool *pgxpool.Pool) (*snapshot, error) {
	var text []byte
	if err := pool.QueryRow(ctx, readLedger, p.accounts, p.stream, p.actor).Scan(&text); err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	var s snapshot
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	s.open = make(map[ledger.OperationID]outboxRow, len(s.Outbox))
	for _, row := range s.Outbox {
		s.open[row.OperationID] = row
	}
	return &s, nil
}

// violations are the invariants that a ledger breaks at one moment.
func (s *snapshot) violations() (broken []string) {
	say := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	postings := map[ledger.OperationID]postingRow{}
	for _, p := range s.Postings {
		postings[p.OperationID] = p
	}
	corrected := map[ledger.OperationID]bool{}
	for _, c := range s.Corrections {
		corrected[c.OperationID] = true
		if postings[c.OperationID].Kind != "voided" {
			say("only a void is corrected: operation %d has posting %q", c.OperationID, postings[c.OperationID].Kind)
		}
	}
	keys := map[string]bool{}
	var open, arrived int64
	for _, o := range s.Operations {
		key := o.Account + " " + string(o.BizID)
		if keys[key] {
			say("invariant 2, one operation per key: %s twice", key)
		}
		keys[key] = true
		_, isOpen := s.open[o.ID]
		p, ended := postings[o.ID]
		if isOpen && ended || o.Points > 0 && !isOpen && !ended {
			say("exactly one of outbox row and posting: operation %d has outbox row %v, posting %v", o.ID, isOpen, ended)
		}
		if o.Points == 0 && (isOpen || ended) {
			say("nothing to send: operation %d has outbox row %v, posting %v", o.ID, isOpen, ended)
		}
		if isOpen {
			open += o.Points
		}
		if p.Kind == "posted" || corrected[o.ID] {
			arrived += o.Points
		}
	}
	if len(s.Unbalanced) > 0 {
		say("entries of each operation sum to zero: not of %v", s.Unbalanced)
	}
	if s.Pending != open {
		say("pending accounts hold the open points: %d, open are %d", s.Pending, open)
	}
	if s.Settled != arrived {
		say("credited and frozen accounts hold the points posted, and applied after a void: %d, these are %d", s.Settled, arrived)
	}
	return broken
}

// drift are the invariants broken between two moments, however much happened
// in between. verified tells for which rows a verification was completed.
func drift(before, after *snapshot, verified func(ledger.OperationID) bool) (broken []string) {
	say := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	for name, row := range before.Kept {
		if now, there := after.Kept[name]; !there {
			say("insert-only tables only grow: %s is gone: %s", name, row)
		} else if now != row {
			say("insert-only tables only grow: %s was %s, is %s", name, row, now)
		}
	}
	for id, was := range before.open {
		is, still := after.open[id]
		if !still {
			continue // its posting is looked for by violations
		}
		if was.InDoubt && !is.InDoubt && !verified(id) {
			say("invariant 6, doubt ends by a posting or a completed verification: operation %d left it while open", id)
		}
		if was.Resolved != "" && is.Resolved != was.Resolved {
			say("invariant 4, the resolved member stays: operation %d had %q, has %q", id, was.Resolved, is.Resolved)
		}
	}
	for id := range after.open {
		if _, was := before.open[id]; !was && slices.ContainsFunc(before.Operations, func(o operationRow) bool { return o.ID == id }) {
			say("an operation that has left the outbox stays out: %d is back", id)
		}
	}
	return broken
}

// step is what one action may change: it is told by the caller's right, not by
// the model, so that the two can disagree.
type step struct {
	action string
	// rows are those that the action names, with the tokens it names for each.
	// Actions on all rows (claim, rescue, …) name none.
	rows map[ledger.OperationID][]ledger.LeaseToken
}

// verified: in one step only this action ends doubt, and only of its rows.
func (s step) verified(id ledger.OperationID) bool {
	_, named := s.rows[id]
	return named && s.action == "verify"
}

// trespasses are the rows that a step changed without the right to.
func trespasses(before, after *snapshot, s step) (broken []string) {
	for id, was := range before.open {
		is, still := after.open[id]
		if still && sameRow(was, is) {
			continue
		}
		if !mayChange(was, s) {
			broken = append(broken, fmt.Sprintf("invariant 5, a row changes by its live lease, a confirmation or a rescue: %s changed %+v to %+v (open: %v)",
				s.action, was, is, still))
		}
		if !still && s.action != "confirm" && s.action != "void" {
			broken = append(broken, fmt.Sprintf("only a confirmation or a void ends an operation: %s ended %d", s.action, id))
		}
		if still && s.action == "rescue" && !is.InDoubt {
			broken = append(broken, fmt.Sprintf("invariant 6, an expired lease means in doubt: operation %d was rescued without", id))
		}
		moved := still && was.FirstSentAt != nil && is.FirstSentAt != nil && !was.FirstSentAt.Equal(*is.FirstSentAt)
		if moved && s.action != "age" && s.action != "verify" && (was.InDoubt || s.action != "claim") {
			broken = append(broken, fmt.Sprintf("invariant 7, the first send of a row in doubt stays when it was: %s moved that of %d", s.action, id))
		}
	}
	return broken
}

// sameRow compares what is stored, not what time makes of it.
func sameRow(a, b outboxRow) bool {
	same := func(s, t *time.Time) bool { return (s == nil) == (t == nil) && (s == nil || s.Equal(*t)) }
	return a.State == b.State && a.Cause == b.Cause && a.InDoubt == b.InDoubt && a.Attempts == b.Attempts &&
		a.Token == b.Token && a.Resolved == b.Resolved && a.NextAt.Equal(b.NextAt) &&
		same(a.FirstSentAt, b.FirstSentAt) && same(a.LeaseUntil, b.LeaseUntil)
}

func mayChange(was outboxRow, s step) bool {
	tokens, named := s.rows[was.OperationID]
	switch s.action {
	case "claim":
		return was.State == "pending" && was.Due && !(was.InDoubt && was.Forgotten)
	case "settle", "renew", "resolve", "verify":
		return was.State == "sending" && was.Live && slices.Contains(tokens, was.Token)
	case "rescue":
		return was.State == "sending" && !was.Live
	case "park forgotten":
		return was.State == "pending" && was.InDoubt && was.Forgotten
	case "reopen":
		return was.State == "parked" && !(was.InDoubt && was.Forgotten)
	case "void":
		return named && was.State != "sending"
	case "confirm", "lose lease", "age", "make due":
		return named
	}
	return false // record, and what only reads
}
