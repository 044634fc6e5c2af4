package desk

import (
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// OpenFilter chooses among open operations, that is rows of the outbox. The
// zero value chooses all of them; several fields must all fit.
type OpenFilter struct {
	// State is pending, sending or parked.
	State ledger.State
	// Account is the operations' account.
	Account string
	Cause   ledger.Cause
	// Member is a member id, recorded or resolved, or a scanned code.
	Member string
	// BusinessKey is the order number, or what stands for it.
	BusinessKey string
	BizID       ledger.BizID
	EventType   string
	// EventSource is the system that issued the order number.
	EventSource string
	// Kind is what the call does; empty for both kinds.
	Kind ledger.Kind
	// SourceType (1 to 12) and PointsChannel (1 to 9) are the vendor's numbers;
	// 0 chooses all. Freezes have neither.
	SourceType, PointsChannel int
	ShopCode                  string
	// Outcome is the last attempt's, as table attempts has it, and NoAttempt
	// where there was none.
	Outcome string
	// Code is the vendor's code of the last attempt, "HTTP 500" where the
	// answer had a status only, and NoCode where there was neither.
	Code string
	// InDoubt chooses only what the vendor may have applied, Refunded only that of which
	// nothing is kept, because its order was refunded or cancelled since.
	InDoubt, Refunded bool
	// Since and Until bound the time By, Since included, Until not. The zero
	// time is no bound.
	Since, Until time.Time
	By           TimeOf
	// withinBudget leaves out what was parked because it was above a budget.
	withinBudget bool
	// withoutWork leaves out what is for a person to do, as no call can be made for it;
	// withoutRefunded what Refunded chooses.
	withoutWork, withoutRefunded bool
}

// Named tells whether a filter chooses by a name, so that a person means just that: one
// by its order or its key, or what no call can be made for by its cause.
func (f *OpenFilter) Named() bool {
	return f.Cause == ledger.CauseNoVendorCall || f.BusinessKey != "" || f.BizID != ""
}

// namesOverBudget tells whether a filter chooses operations above a budget by name,
// and not among others: by their cause, or one by its order or its key.
func (f *OpenFilter) namesOverBudget() bool {
	return f.Cause != "" || f.BusinessKey != "" || f.BizID != ""
}

// TimeOf says which of an operation's times a filter bounds.
type TimeOf string

const (
	// TimeRecorded, the default (also ""): when the ledger recorded it.
	TimeRecorded TimeOf = "recorded"
	// TimeEvent: when the event happened, by its publisher's clock.
	TimeEvent TimeOf = "event"
	// TimeFailed: the last attempt that did not post. What was never tried, or
	// has no such attempt, fits no bound.
	TimeFailed TimeOf = "failed"
)

// NoAttempt stands for the outcome of an operation without a failed attempt.
const NoAttempt = "none"

// args are the parameters of openFrom and openWhere.
func (f *OpenFilter) args(memories []KeyMemory) pgx.StrictNamedArgs {
	accounts, ms := keyMemoryArgs(memories)
	return pgx.StrictNamedArgs{"memory_accounts": accounts, "memory_ms": ms,
		"state": f.State, "account": f.Account, "cause": f.Cause, "member": f.Member, "business_key": f.BusinessKey,
		"biz_id": string(f.BizID), "event_type": f.EventType, "event_source": f.EventSource, "kind": string(f.Kind),
		"source_type": f.SourceType, "points_channel": f.PointsChannel, "shop_code": f.ShopCode, "outcome": f.Outcome,
		"code": f.Code, "in_doubt": f.InDoubt, "since": timeOrNull(f.Since), "until": timeOrNull(f.Until), "by": string(f.By),
		"within_budget": f.withinBudget, "without_work": f.withoutWork,
		"refunded": f.Refunded, "without_refunded": f.withoutRefunded}
}

// KeyMemory is how long one account's vendor surely remembers a dedup key,
// less the time a send takes: the same value that Claim is given.
type KeyMemory struct {
	Account string
	Memory  time.Duration
}

// keyMemoryArgs are the columns that openFrom reads key memories from.
func keyMemoryArgs(memories []KeyMemory) (accounts []string, ms []int64) {
	accounts, ms = make([]string, len(memories)), make([]int64, len(memories))
	for i, m := range memories {
		accounts[i], ms[i] = m.Account, m.Memory.Milliseconds()
	}
	return accounts, ms
}

// NoCode stands for the code of an answer that had neither code nor status, or
// that never came.
const NoCode = "none"

// Why a parked row may not be sent again; the last three are of rows in doubt
// (invariant 7).
const (
	// BlockedWorkItem: no call can be made for it. One that was written out for a
	// person may be done already, and nobody has said so yet.
	BlockedWorkItem = string(ledger.CauseNoVendorCall)
	// BlockedRefunded: its order was refunded or cancelled since, so that nothing of it
	// is kept, and the plan was not made of such.
	BlockedRefunded = "refunded"
	// BlockedKeyMemory: the vendor may have forgotten the dedup key.
	BlockedKeyMemory = "key_memory_over"
	// BlockedUnknownAccount: no key memory is known for the account.
	BlockedUnknownAccount = "account_not_configured"
	// BlockedMemberUnknown: it has only a scanned code, and the database that
	// may have known its member, and sent it, is gone.
	BlockedMemberUnknown = "member_unknown"
)

// Parts of the statements of this file's neighbours. openFrom needs the key
// memories by name, and openWhere all of OpenFilter.args. openBlocked is empty for a row that may be sent
// again; a row that was never sent has no age limit.
const (
	openFrom = `
  FROM outbox x
  JOIN operations o ON o.id = x.operation_id
  LEFT JOIN unnest(@memory_accounts::text[], @memory_ms::bigint[]) AS memory (account, ms) ON memory.account = x.target`

	openWhere = `
 WHERE (@state::text = '' OR x.state = @state)
   AND (@account::text = '' OR x.target = @account)
   AND (@cause::text = '' OR x.cause = @cause)
   AND (@member::text = '' OR @member IN (COALESCE(x.resolved_member_id, o.member_id), o.member_code))
   AND (@business_key::text = '' OR o.business_key = @business_key)
   AND (@biz_id::text = '' OR o.biz_id = @biz_id)
   AND (@event_type::text = '' OR o.event_type = @event_type)
   AND (@event_source::text = '' OR o.event_source = @event_source)
   AND (@kind::text = '' OR o.kind = @kind)
   AND (@source_type::bigint = 0 OR o.source_type = @source_type)
   AND (@points_channel::bigint = 0 OR o.points_channel = @points_channel)
   AND (@shop_code::text = '' OR o.shop_code = @shop_code)
   AND (@outcome::text = '' OR` + openOutcome + ` = @outcome)
   AND (NOT @in_doubt::boolean OR x.in_doubt)
   AND (@since::timestamptz IS NULL OR` + openTime + ` >= @since)
   AND (@until::timestamptz IS NULL OR` + openTime + ` < @until)
   AND (NOT @within_budget::boolean OR x.cause IS DISTINCT FROM 'over_budget')
   AND (NOT @without_work::boolean OR x.cause IS DISTINCT FROM 'no_vendor_call')
   AND (NOT @refunded::boolean OR` + openNothingKept + `)
   AND (NOT @without_refunded::boolean OR NOT` + openNothingKept + `)
   AND (@code::text = '' OR` + openCode + ` = @code)`

	// openNothingKept: what is taken back of it is all of it (reversals_origin_idx). The
	// OFFSET keeps the planner from reading all that was ever taken back.
	openNothingKept = ` EXISTS (SELECT 1 FROM reversals v WHERE v.origin_id = x.operation_id AND v.kept_after = 0 OFFSET 0)`

	// openTime is the time that a filter bounds. With the parameter known, the
	// planner leaves one branch of it.
	openTime = `
       CASE @by::text WHEN 'event' THEN o.event_time WHEN 'failed' THEN` + openFailedAt + ` ELSE o.recorded_at END`

	// openOutcome reads the last attempt that counts, as openCode does, and
	// openFailedAt the last of all.
	openOutcome = `
       COALESCE((SELECT a.outcome
                   FROM attempts a
                  WHERE a.operation_id = GREATEST(x.operation_id, o.id)` + attemptCounts + `
                  ORDER BY a.id + 0 DESC
                  LIMIT 1), 'none')`
	openFailedAt = `
       (SELECT a.at
          FROM attempts a
         WHERE a.operation_id = GREATEST(x.operation_id, o.id)
         ORDER BY a.id + 0 DESC
         LIMIT 1)`

	// openCode reads the last attempt that counts (attempts_operation_id_idx). Ordering by
	// an expression keeps the planner from walking attempts_pkey backwards
	// instead, for each row, while the table has no statistics yet. GREATEST
	// has it looked at after the two tables are joined, where both ids are the
	// same. As a condition on one of them it seems so dear that the planner
	// takes all ways to join for equally good, also the one that reads the whole
	// of the other for each row (TestListOfAHundredThousand).
	openCode = `
       COALESCE((SELECT COALESCE(NULLIF(a.vendor_code, ''), 'HTTP ' || a.http_status)
                   FROM attempts a
                  WHERE a.operation_id = GREATEST(x.operation_id, o.id)` + attemptCounts + `
                  ORDER BY a.id + 0 DESC
                  LIMIT 1), 'none')`

	// attemptCall is the call that an attempt's words belong to. Rows without it
	// are from before it was kept; readings of records were worded alike then.
	attemptCall = `
       COALESCE(a.call, CASE WHEN a.error LIKE 'verification:%' THEN 'records' ELSE 'points' END)`

	// attemptCounts leaves out what was asked to look an operation up. What the
	// vendor answered then is not its word about the points (TestWordsBelongToTheirCall).
	// Identities are asked for before the first call alone, so the last attempt that
	// counts is the last points call, or there was none.
	attemptCounts = ` AND` + attemptCall + ` <> 'records'`

	openBlocked = `
       CASE WHEN NOT x.in_doubt THEN ''
            WHEN x.cause IN ('rebuilt', 'database_changed')
             AND COALESCE(x.resolved_member_id, o.member_id) IS NULL THEN 'member_unknown'
            WHEN memory.ms IS NULL THEN 'account_not_configured'
            WHEN x.first_sent_at <= statement_timestamp() - memory.ms * interval '1 millisecond' THEN 'key_memory_over'
            ELSE '' END`
)
