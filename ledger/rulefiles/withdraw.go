package rulefiles

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// ActWithdrawRules is the name in ops_actions of taking a rule file back.
const ActWithdrawRules = "withdraw_rules"

// RulesWithdrawal asks for a rule file to be taken back.
type RulesWithdrawal struct {
	Version       string
	Actor, Reason string
	// Own is where the file's own rules begin: from there it maps otherwise
	// than the file that is in force without it. What was recorded before that
	// under it is the same under both. Zero: all of it is its own.
	Own time.Time
	// Nothing tells that no event is mapped otherwise: there is nothing of its
	// own that could have been recorded.
	Nothing bool
	// Result is kept with the act.
	Result string
	Judge  RulesJudge
}

const (
	// sqlCountUnderRules counts operations of a file, and those of them whose
	// events are of a time ($2, NULL is any) or later. It reads operations_pkey
	// backwards to before the file was registered, so it costs what was recorded
	// since; ids come before commits, which the ten minutes cover: a transaction
	// that records lasts no minute.
	sqlCountUnderRules = `
SELECT count(*), count(*) FILTER (WHERE $2::timestamptz IS NULL OR o.broker_time >= $2)
  FROM operations o
 WHERE o.mapping_version = $1
   AND o.id > COALESCE((SELECT b.id FROM operations b
                         WHERE b.recorded_at < (SELECT first_used_at FROM mappings WHERE version = $1) - interval '10 minutes'
                         ORDER BY b.id DESC LIMIT 1), 0)`

	// sqlCountOwnRules counts those of a time ($2, NULL is any) or later alone,
	// while nothing can be recorded. They were recorded after the file was
	// registered and after that time, so it reads no further back than the later of
	// the two: a file of months ago whose own rules have not begun costs nothing
	// (TestWithdrawalReadsNoHistory).
	sqlCountOwnRules = `
SELECT count(*)
  FROM operations o
 WHERE o.mapping_version = $1 AND ($2::timestamptz IS NULL OR o.broker_time >= $2)
   AND o.id > COALESCE((SELECT b.id FROM operations b
                         WHERE b.recorded_at < GREATEST((SELECT first_used_at FROM mappings WHERE version = $1), $2) - interval '10 minutes'
                         ORDER BY b.id DESC LIMIT 1), 0)`

	// sqlWriteFileAct is $5 true for taking a file back, false for taking it up
	// again.
	sqlWriteFileAct = `
INSERT INTO mapping_withdrawals (version, actor, reason, action_id, withdrawn, at) VALUES ($1, $2, $3, $4, $5, clock_timestamp())`
)

// UnderRules counts the operations that were recorded under a rule file, and
// those whose events were stored at a time or later (zero: all).
func (g *Registry) UnderRules(ctx context.Context, version string, since time.Time) (all, later int64, err error) {
	var from *time.Time
	if !since.IsZero() {
		from = &since
	}
	if err := g.pool.QueryRow(ctx, sqlCountUnderRules, version, from).Scan(&all, &later); err != nil {
		return 0, 0, fmt.Errorf("count operations of rule file %s: %w", version, err)
	}
	return all, later, nil
}

// WithdrawRules takes a rule file back, as an act. It looks, while nothing can be
// recorded, whether something was recorded by what only this file says: then the
// error is a *RulesUsedError and nothing is changed (TestWithdrawRules).
func (g *Registry) WithdrawRules(ctx context.Context, w RulesWithdrawal) (act int64, err error) {
	err = g.change(ctx, w.Judge, func(tx pgx.Tx, all []RegisteredRules) ([]RegisteredRules, error) {
		at := slices.IndexFunc(all, func(r RegisteredRules) bool { return r.Version == w.Version })
		switch {
		case at < 0:
			return nil, ErrRulesUnknown
		case all[at].Withdrawn != nil:
			return nil, ErrRulesWithdrawn
		}
		if newest, _ := NewestRules(all); newest.Version != w.Version {
			return nil, ErrRulesNotNewest
		}
		all[at].Withdrawn = &FileAct{Actor: w.Actor, Reason: w.Reason}
		return all, w.unusedTx(ctx, tx)
	}, func(tx pgx.Tx) (err error) {
		act, err = writeFileAct(ctx, tx, ActWithdrawRules, w.Version, w.Actor, w.Reason, w.Result)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("withdraw rule file %s: %w", w.Version, err)
	}
	return act, nil
}

// writeFileAct writes an act about a rule file and how the file stands after it.
func writeFileAct(ctx context.Context, tx pgx.Tx, name, version, actor, reason, result string) (act int64, err error) {
	if act, err = ledger.RecordActOn(ctx, tx, ledger.Act{Actor: actor, Name: name, Filter: "rules " + version, Reason: reason,
		SetSize: 1, Result: result}); err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, sqlWriteFileAct, version, ledger.Storable(actor), ledger.Storable(reason), act, name == ActWithdrawRules); err != nil {
		return 0, fmt.Errorf("write act about rule file: %w", err)
	}
	return act, nil
}

func (w *RulesWithdrawal) unusedTx(ctx context.Context, tx pgx.Tx) error {
	if w.Nothing {
		return nil
	}
	var own *time.Time
	if !w.Own.IsZero() {
		own = &w.Own
	}
	var used int64
	if err := tx.QueryRow(ctx, sqlCountOwnRules, w.Version, own).Scan(&used); err != nil {
		return fmt.Errorf("count operations: %w", err)
	}
	if used > 0 {
		return &RulesUsedError{Version: w.Version, Operations: used}
	}
	return nil
}
