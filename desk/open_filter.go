package desk

import (
	"strconv"
	"time"

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
	// InDoubt chooses only what the vendor may have applied.
	InDoubt bool
	// Since and Until bound the time By, Since included, Until not. The zero
	// time is no bound.
	Since, Until time.Time
	By           TimeOf
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

// args are the parameters of openFrom, $1 and $2, and of openWhere, $3 to $13.
func (f *OpenFilter) args(memories []KeyMemory) []any {
	number := func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	accounts, ms := keyMemoryArgs(memories)
	// $9 holds all that is compared with a text of its own, in this order.
	texts := []string{f.EventType, f.EventSource, string(f.Kind), number(f.SourceType), number(f.PointsChannel), f.ShopCode,
		f.Outcome, string(f.By)}
	return []any{accounts, ms, f.State, f.Account, f.Cause, f.Member, f.BusinessKey, string(f.BizID), texts,
		f.InDoubt, timeOrNull(f.Since), timeOrNull(f.Until), f.Code}
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

// Why a parked row in doubt may not be sent again (invariant 7).
const (
	// BlockedKeyMemory: the vendor may have forgotten the dedup key.
	BlockedKeyMemory = "key_memory_over"
	// BlockedUnknownAccount: no key memory is known for the account.
	BlockedUnknownAccount = "account_not_configured"
	// BlockedMemberUnknown: it has only a scanned code, and the database that
	// may have known its member, and sent it, is gone.
	BlockedMemberUnknown = "member_unknown"
)

// Parts of the statements of this file's neighbours. openFrom needs the key
// memories as $1 and $2. openBlocked is empty for a row that may be sent
// again; a row that was never sent has no age limit.
const (
	openFrom = `
  FROM outbox x
  JOIN operations o ON o.id = x.operation_id
  LEFT JOIN unnest($1::text[], $2::bigint[]) AS memory (account, ms) ON memory.account = x.target`

	openWhere = `
 WHERE ($3::text = '' OR x.state = $3)
   AND ($4::text = '' OR x.target = $4)
   AND ($5::text = '' OR x.cause = $5)
   AND ($6::text = '' OR $6 IN (COALESCE(x.resolved_member_id, o.member_id), o.member_code))
   AND ($7::text = '' OR o.business_key = $7)
   AND ($8::text = '' OR o.biz_id = $8)
   AND (($9::text[])[1] = '' OR o.event_type = ($9::text[])[1])
   AND (($9::text[])[2] = '' OR o.event_source = ($9::text[])[2])
   AND (($9::text[])[3] = '' OR o.kind = ($9::text[])[3])
   AND (($9::text[])[4] = '' OR o.source_type::text = ($9::text[])[4])
   AND (($9::text[])[5] = '' OR o.points_channel::text = ($9::text[])[5])
   AND (($9::text[])[6] = '' OR o.shop_code = ($9::text[])[6])
   AND (($9::text[])[7] = '' OR` + openOutcome + ` = ($9::text[])[7])
   AND (NOT $10::boolean OR x.in_doubt)
   AND ($11::timestamptz IS NULL OR` + openTime + ` >= $11)
   AND ($12::timestamptz IS NULL OR` + openTime + ` < $12)
   AND ($13::text = '' OR` + openCode + ` = $13)`

	// openTime is the time that a filter bounds. With the parameter known, the
	// planner leaves one branch of it.
	openTime = `
       CASE ($9::text[])[8] WHEN 'event' THEN o.event_time WHEN 'failed' THEN` + openFailedAt + ` ELSE o.recorded_at END`

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
