package desk

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// ReplayGroup is what a replay would do to the parked operations of one
// account, cause and kind.
type ReplayGroup struct {
	Account string       `json:"account"`
	Cause   ledger.Cause `json:"cause"`
	Kind    ledger.Kind  `json:"kind"`
	ReplayCount
}

// ReplayCount sums up parked operations.
type ReplayCount struct {
	Operations int64         `json:"operations"`
	Members    int64         `json:"members"`
	Points     ledger.Points `json:"points"`
	InDoubt    int64         `json:"in_doubt"`
	// DoubtGoes counts those in doubt that would not stay parked.
	DoubtGoes int64 `json:"-"`
	// WorkItems and Refunded count those that would stay parked, because no call can be
	// made for them, or nothing of them is kept after a refund or cancellation; see
	// BlockedWorkItem and BlockedRefunded.
	WorkItems int64 `json:"refused_work_items"`
	Refunded  int64 `json:"refused_refunded"`
	// TakenBack counts those that would go of which something is taken back when they
	// have arrived, TakenPoints in all.
	TakenBack   int64         `json:"taken_back_afterwards"`
	TakenPoints ledger.Points `json:"points_taken_back_afterwards"`
	// KeyMemoryOver, AccountUnknown and MemberUnknown count those that would
	// stay parked, because they are in doubt: their key may be forgotten, it is
	// not known how long the vendor remembers, or for whom they were sent.
	KeyMemoryOver  int64 `json:"refused_key_memory_over"`
	AccountUnknown int64 `json:"refused_account_not_configured"`
	MemberUnknown  int64 `json:"refused_member_unknown"`
	// CodeTooOld counts scanned codes above their account's age that were never
	// resolved: the worker would park them again.
	CodeTooOld int64     `json:"scanned_code_too_old"`
	Oldest     time.Time `json:"oldest"`
	Newest     time.Time `json:"newest"`
}

// Blocked counts the operations that would stay parked.
func (c ReplayCount) Blocked() int64 {
	return c.WorkItems + c.Refunded + c.KeyMemoryOver + c.AccountUnknown + c.MemberUnknown
}

// CodeMaxAge is the age above which a worker parks what has only a scanned code.
type CodeMaxAge struct {
	Account string
	MaxAge  time.Duration
}

// ReplayPreview is what a replay would do. Total is zero when nothing is left
// that is still parked.
type ReplayPreview struct {
	Total  ReplayCount
	Groups []ReplayGroup
}

// sqlPreviewPlan sums up what is left of a plan and still parked, by account,
// cause and kind, and in all (the row with a null account, absent when nothing
// is): the operations of the plan by replay_plan_operations_left_idx. Locks
// nothing. @code_ms are the ages above which an account's scanned codes are old.
const sqlPreviewPlan = `
SELECT x.target, x.cause, o.kind, count(*),
       count(DISTINCT COALESCE(x.resolved_member_id, o.member_id, o.member_code)), sum(COALESCE(x.points, o.points))::bigint,
       count(*) FILTER (WHERE x.in_doubt), count(*) FILTER (WHERE x.in_doubt AND b.blocked = ''),
       count(*) FILTER (WHERE b.blocked = 'no_vendor_call'), count(*) FILTER (WHERE b.blocked = 'refunded'),
       count(*) FILTER (WHERE b.blocked = '' AND t.points > 0), COALESCE(sum(t.points) FILTER (WHERE b.blocked = ''), 0)::bigint,
       count(*) FILTER (WHERE b.blocked = 'key_memory_over'), count(*) FILTER (WHERE b.blocked = 'account_not_configured'),
       count(*) FILTER (WHERE b.blocked = 'member_unknown'),
       count(*) FILTER (WHERE COALESCE(x.resolved_member_id, o.member_id) IS NULL
                          AND o.event_time < now() - (SELECT c.ms * interval '1 millisecond'
                                                        FROM unnest(@code_accounts::text[], @code_ms::bigint[]) AS c (account, ms)
                                                       WHERE c.account = x.target)),
       min(o.recorded_at), max(o.recorded_at)` + openFrom + `
  JOIN replay_plan_operations po ON po.plan_id = @plan::bigint AND po.operation_id = x.operation_id AND po.outcome IS NULL
 CROSS JOIN LATERAL (SELECT` + reopenBlocked + ` AS blocked OFFSET 0) AS b
 CROSS JOIN LATERAL (SELECT COALESCE(sum(kept_before - kept_after), 0) AS points FROM reversals WHERE origin_id = x.operation_id AND NOT netted OFFSET 0) AS t
 WHERE x.state = 'parked'
 GROUP BY GROUPING SETS ((x.target, x.cause, o.kind), ())
HAVING count(*) > 0
 ORDER BY x.target NULLS FIRST, count(*) DESC, x.cause, o.kind`

// PreviewPlan says what putting back what is left of a plan would do, and
// changes nothing. Of an account that is not in codes no scanned code is old.
func (d *Desk) PreviewPlan(ctx context.Context, p Plan, memories []KeyMemory, codes []CodeMaxAge) (preview ReplayPreview, err error) {
	accounts, ms := keyMemoryArgs(memories)
	codeAccounts, codeMS := make([]string, len(codes)), make([]int64, len(codes))
	for i, c := range codes {
		codeAccounts[i], codeMS[i] = c.Account, c.MaxAge.Milliseconds()
	}
	rows, err := d.pool.Query(ctx, sqlPreviewPlan, pgx.StrictNamedArgs{"memory_accounts": accounts, "memory_ms": ms, "plan": p.ID, "refunded": p.takesRefunded(),
		"code_accounts": codeAccounts, "code_ms": codeMS})
	if err != nil {
		return preview, fmt.Errorf("preview plan: %w", err)
	}
	var account, cause, kind *string
	var c ReplayCount
	_, err = pgx.ForEachRow(rows, []any{&account, &cause, &kind, &c.Operations, &c.Members, &c.Points, &c.InDoubt, &c.DoubtGoes,
		&c.WorkItems, &c.Refunded, &c.TakenBack, &c.TakenPoints, &c.KeyMemoryOver, &c.AccountUnknown, &c.MemberUnknown, &c.CodeTooOld, &c.Oldest, &c.Newest}, func() error {
		if account == nil {
			preview.Total = c
		} else {
			preview.Groups = append(preview.Groups, ReplayGroup{Account: *account, Cause: ledger.Cause(*cause), Kind: ledger.Kind(*kind), ReplayCount: c})
		}
		return nil
	})
	if err != nil {
		return preview, fmt.Errorf("preview plan: %w", err)
	}
	return preview, nil
}
