package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// OpenFilter chooses among open operations, that is rows of the outbox. The
// zero value chooses all of them; several fields must all fit.
type OpenFilter struct {
	// State is pending, sending or parked.
	State string
	// Account is the operations' target.
	Account string
	Cause   string
	// Member is a member id, recorded or resolved, or a scanned code.
	Member string
	// BusinessKey is the order number, or what stands for it.
	BusinessKey string
	BizID       BizID
	EventType   string
	// Code is the vendor's code of the last attempt, "HTTP 500" where the
	// answer had a status only, and NoCode where there was neither.
	Code string
	// InDoubt chooses only what the vendor may have applied.
	InDoubt bool
	// Since and Until bound the time of recording, Since included, Until not.
	// The zero time is no bound.
	Since, Until time.Time
}

// args are the parameters of openFrom, $1 and $2, and of openWhere, $3 to $13.
func (f *OpenFilter) args(memories []KeyMemory) []any {
	bound := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	accounts, ms := keyMemoryArgs(memories)
	return []any{accounts, ms, f.State, f.Account, f.Cause, f.Member, f.BusinessKey, string(f.BizID), f.EventType,
		f.InDoubt, bound(f.Since), bound(f.Until), f.Code}
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
   AND ($9::text = '' OR o.event_type = $9)
   AND (NOT $10::boolean OR x.in_doubt)
   AND ($11::timestamptz IS NULL OR o.recorded_at >= $11)
   AND ($12::timestamptz IS NULL OR o.recorded_at < $12)
   AND ($13::text = '' OR` + openCode + ` = $13)`

	// openCode reads the last attempt (attempts_operation_id_idx). Ordering by
	// an expression keeps the planner from walking attempts_pkey backwards
	// instead, for each row, while the table has no statistics yet.
	openCode = `
       COALESCE((SELECT COALESCE(NULLIF(a.vendor_code, ''), 'HTTP ' || a.http_status)
                   FROM attempts a
                  WHERE a.operation_id = x.operation_id
                  ORDER BY a.id + 0 DESC
                  LIMIT 1), 'none')`

	openBlocked = `
       CASE WHEN NOT x.in_doubt THEN ''
            WHEN memory.ms IS NULL THEN 'account_not_configured'
            WHEN x.first_sent_at <= statement_timestamp() - memory.ms * interval '1 millisecond' THEN 'key_memory_over'
            ELSE '' END`
)

// replayConnections is what one run of a command uses, and one to spare.
const replayConnections = 2

// OpenReplayPool opens the connections of the operator's tool. Unlike the
// worker's they leave the planner alone: an operator asks about many rows.
func OpenReplayPool(ctx context.Context, databaseURL string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		// pgx masks the password, but repeats the text around it: say less.
		return nil, errors.New("DATABASE_URL: want a Postgres URL or keyword string; it cannot be read")
	}
	config.MaxConns = replayConnections
	boundSilence(config)
	for name, value := range map[string]string{
		"application_name":                    "points-ledger replay",
		"timezone":                            "UTC",
		"idle_in_transaction_session_timeout": "60000", // a stopped terminal must not hold row locks
	} {
		if _, given := config.ConnConfig.RuntimeParams[name]; !given {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open database pool: %w", err)
	}
	return pool, nil
}
