package rulefiles

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Registry is the rule files of a ledger. It is safe for concurrent use.
type Registry struct{ pool *pgxpool.Pool }

// New returns the registry of the ledger that a pool is on.
func New(pool *pgxpool.Pool) *Registry { return &Registry{pool: pool} }

// RegisteredRules is a rule file that was used, or was about to be.
type RegisteredRules struct {
	// Version is the first 12 hex digits of the SHA-256 of Text.
	Version, Text string
	FirstUsed     time.Time
	// By says who registered it; empty before that was kept.
	By string
	// Withdrawn is the act by which a person took it back; nil unless that holds.
	Withdrawn *FileAct
	// Reinstated is the act by which a person took it up again after that; nil
	// unless that holds. It counts as registered then.
	Reinstated *FileAct
}

// FileAct is an act of a person about a rule file.
type FileAct struct {
	At            time.Time
	Actor, Reason string
}

// RulesEnd is the broker's time from which a rule file may not be used.
type RulesEnd struct {
	Version string
	// At is the end. Zero with Ended false: it has none; zero with Ended true:
	// the file may not be used for any event.
	At    time.Time
	Ended bool
}

// NewestRules returns the file that was registered, or taken up again, last and is
// not withdrawn; ok is false when there is none. all is what Registered returns.
func NewestRules(all []RegisteredRules) (newest RegisteredRules, ok bool) {
	for _, r := range all {
		if r.Withdrawn == nil {
			newest, ok = r, true
		}
	}
	return newest, ok
}

// FindRules finds a version.
func FindRules(all []RegisteredRules, version string) (RegisteredRules, bool) {
	for _, r := range all {
		if r.Version == version {
			return r, true
		}
	}
	return RegisteredRules{}, false
}

// lastFileAct is the last act about a rule file m; none is a row of NULLs.
const lastFileAct = `
  LEFT JOIN LATERAL (SELECT w.at, w.actor, w.reason, w.withdrawn FROM mapping_withdrawals w
                      WHERE w.version = m.version ORDER BY w.action_id DESC LIMIT 1) a ON true`

// registeredAt orders rule files: one that was taken up again counts from then on
// (GREATEST leaves NULL out).
const registeredAt = `GREATEST(m.first_used_at, CASE WHEN NOT a.withdrawn THEN a.at END)`

// sqlRegisteredRules reads all rule files, oldest first: the order of
// sqlLastMapping, backwards. There are as many as changes to the rules.
const sqlRegisteredRules = `
SELECT m.version, m.text, m.first_used_at, COALESCE(m.registered_by, ''), a.at, COALESCE(a.actor, ''), COALESCE(a.reason, ''),
       COALESCE(a.withdrawn, false)
  FROM mappings m` + lastFileAct + `
 ORDER BY ` + registeredAt + `, m.version DESC`

// Registered lists every rule file of the ledger, oldest first, withdrawn ones
// too.
func (g *Registry) Registered(ctx context.Context) ([]RegisteredRules, error) {
	return registered(ctx, g.pool)
}

// querier is a pool, a connection or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func registered(ctx context.Context, from querier) ([]RegisteredRules, error) {
	rows, err := from.Query(ctx, sqlRegisteredRules)
	if err != nil {
		return nil, fmt.Errorf("read registered rules: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r RegisteredRules, err error) {
		var at *time.Time
		var act FileAct
		var withdrawn bool
		err = row.Scan(&r.Version, &r.Text, &r.FirstUsed, &r.By, &at, &act.Actor, &act.Reason, &withdrawn)
		if at == nil {
			return r, err
		}
		if act.At = *at; withdrawn {
			r.Withdrawn = &act
		} else {
			r.Reinstated = &act
		}
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("read registered rules: %w", err)
	}
	return all, nil
}

// RulesLook is the state of the registered rules in a few words: when two looks
// are equal, nothing has changed between them.
type RulesLook struct {
	// Newest is the version that was registered last and not withdrawn; empty
	// in a ledger that has none.
	Newest string
	// Acts counts what people took back and took up again.
	Acts int64
	// Settled: the ends were worked out with this newest file.
	Settled bool
}

// sqlLookAtRules is one row always; it reads no text of a file.
const sqlLookAtRules = `
SELECT COALESCE(n.version, ''), (SELECT count(*) FROM mapping_withdrawals),
       COALESCE((SELECT e.newest = n.version FROM mapping_ends e WHERE e.version = n.version), false)
  FROM (SELECT 1) one
  LEFT JOIN LATERAL (SELECT m.version FROM mappings m` + lastFileAct + `
                      WHERE a.withdrawn IS NOT TRUE
                      ORDER BY ` + registeredAt + ` DESC, m.version LIMIT 1) n ON true`

// LookAtRules is what a worker asks every few seconds.
func (g *Registry) LookAtRules(ctx context.Context) (RulesLook, error) {
	var look RulesLook
	if err := g.pool.QueryRow(ctx, sqlLookAtRules).Scan(&look.Newest, &look.Acts, &look.Settled); err != nil {
		return look, fmt.Errorf("look at registered rules: %w", err)
	}
	return look, nil
}

// RulesJudge sees all rule files with the one that is to be registered or
// withdrawn as the last change, and answers the ends of all of them. An error
// stops the change.
type RulesJudge func(all []RegisteredRules) ([]RulesEnd, error)

// sqlLockRules waits until no transaction that records is under way, and keeps
// further ones waiting until this one ends (points_ledger_operations_stand).
const sqlLockRules = `SELECT pg_advisory_xact_lock(hashtextextended('points-ledger rules', 0))`

// sqlWriteRulesEnds writes the ends (mapping_ends_pkey). A file without an end
// ends at infinity, one that may not be used at all at -infinity.
const sqlWriteRulesEnds = `
INSERT INTO mapping_ends AS e (version, ends_at, newest)
SELECT t.version, CASE WHEN NOT t.ended THEN 'infinity' WHEN t.at IS NULL THEN '-infinity' ELSE t.at END, $4
  FROM unnest($1::text[], $2::boolean[], $3::timestamptz[]) AS t (version, ended, at)
ON CONFLICT ON CONSTRAINT mapping_ends_pkey DO UPDATE SET ends_at = excluded.ends_at, newest = excluded.newest`

// RegisterRules keeps the text of a rule file that is about to be used, unless
// it is there, and works out what that means for the others. judge is called
// while nothing can be recorded: a file that is registered holds for every event
// whose recording commits after it (TestRegisteredRulesHoldAtOnce).
func (g *Registry) RegisterRules(ctx context.Context, version, text, by string, judge RulesJudge) error {
	err := g.change(ctx, judge, func(_ pgx.Tx, all []RegisteredRules) ([]RegisteredRules, error) {
		if _, there := FindRules(all, version); !there {
			all = append(all, RegisteredRules{Version: version, Text: text, By: by})
		}
		return all, nil
	}, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, sqlRegisterMapping, version, text, by)
		return err
	})
	if err != nil {
		return fmt.Errorf("register rule file: %w", err)
	}
	return nil
}

// SettleRules works out the ends anew: somebody registered a file without that.
func (g *Registry) SettleRules(ctx context.Context, judge RulesJudge) error {
	err := g.change(ctx, judge, func(_ pgx.Tx, all []RegisteredRules) ([]RegisteredRules, error) { return all, nil },
		func(pgx.Tx) error { return nil })
	if err != nil {
		return fmt.Errorf("settle rule files: %w", err)
	}
	return nil
}

// change writes one change to the rule files, and the ends that follow from it,
// while nothing can be recorded. to answers all files as they stand after the change,
// which judge then sees; what either objects to is not written.
func (g *Registry) change(ctx context.Context, judge RulesJudge, to func(pgx.Tx, []RegisteredRules) ([]RegisteredRules, error), write func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, g.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, sqlLockRules); err != nil {
			return fmt.Errorf("lock rules: %w", err)
		}
		all, err := registered(ctx, tx)
		if err != nil {
			return err
		}
		if all, err = to(tx, all); err != nil {
			return err
		}
		ends, err := judge(all)
		if err != nil {
			return err
		}
		if err := write(tx); err != nil {
			return err
		}
		return writeRulesEnds(ctx, tx, all, ends)
	})
}

func writeRulesEnds(ctx context.Context, tx pgx.Tx, all []RegisteredRules, ends []RulesEnd) error {
	versions, ended, at := make([]string, len(ends)), make([]bool, len(ends)), make([]*time.Time, len(ends))
	for i, e := range ends {
		versions[i], ended[i] = e.Version, e.Ended
		if !e.At.IsZero() {
			at[i] = &e.At
		}
	}
	newest, _ := NewestRules(all)
	if _, err := tx.Exec(ctx, sqlWriteRulesEnds, versions, ended, at, newest.Version); err != nil {
		return fmt.Errorf("write ends of rule files: %w", err)
	}
	return nil
}
