package desk

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// RejectFilter chooses rejects. The zero value chooses all, resolved ones too;
// several fields must all fit.
type RejectFilter struct {
	// State is open, resolved, or empty for both.
	State string
	Code  ledger.RejectCode
	// Source and Type are what the event said, whole.
	Source, Type string
	// Shop is the shopCode in the payload, as far as it can be read there.
	Shop string
	// Seq is the stream sequence; 0 is any.
	Seq uint64
	// Since and Until bound the broker's time, Since included, Until not. The
	// zero time is no bound.
	Since, Until time.Time
	// IDs are the rejects themselves; empty is any.
	IDs []ledger.RejectID
}

// States of a RejectFilter.
const (
	RejectsOpen     = "open"
	RejectsResolved = "resolved"
)

// args are the parameters of rejectWhere.
func (f *RejectFilter) args() pgx.StrictNamedArgs {
	var ids []int64
	for _, id := range f.IDs {
		ids = append(ids, int64(id))
	}
	return pgx.StrictNamedArgs{"state": f.State, "code": string(f.Code), "source": f.Source, "type": f.Type, "shop": f.Shop,
		"seq": int64(f.Seq), "since": timeOrNull(f.Since), "until": timeOrNull(f.Until), "ids": ids}
}

// rejectWhere needs RejectFilter.args. The shop is looked for in
// the payload's bytes, which may be anything: escaped, they are text.
const rejectWhere = `
 WHERE (@state::text = '' OR (@state = 'open') = (r.resolved_at IS NULL))
   AND (@code::text = '' OR r.reason_code = @code)
   AND (@source::text = '' OR r.event_source = @source)
   AND (@type::text = '' OR r.event_type = @type)
   AND (@shop::text = '' OR substring(encode(r.payload, 'escape') FROM '"shopCode"\s*:\s*"?([^",}]*)')
                       = encode(convert_to(@shop, 'UTF8'), 'escape'))
   AND (@seq::bigint = 0 OR r.stream_seq = @seq)
   AND (@since::timestamptz IS NULL OR r.broker_time >= @since)
   AND (@until::timestamptz IS NULL OR r.broker_time < @until)
   AND (@ids::bigint[] IS NULL OR r.id = ANY (@ids))`

// sqlListRejects reads a page in order of id (rejects_pkey), without the bytes.
// Locks nothing. No rows means that nothing further fits.
const sqlListRejects = `
SELECT r.id, r.stream, r.stream_created, r.stream_seq, r.subject, r.broker_time,
       COALESCE(r.event_source, ''), COALESCE(r.event_id, ''), COALESCE(r.event_type, ''), r.reason_code, r.reason,
       r.rejected_at, r.resolved_at, COALESCE(r.resolved_by, ''), COALESCE(r.resolution, '')
  FROM rejects r` + rejectWhere + ` AND r.id > @after
 ORDER BY r.id
 LIMIT @limit`

// sqlCountRejects counts what fits. It reads the whole table when resolved ones
// are asked for, or a shop.
const sqlCountRejects = `SELECT count(*) FROM rejects r` + rejectWhere

// sqlFindRejects lists the ids of what fits, in order. Locks nothing.
const sqlFindRejects = `SELECT r.id FROM rejects r` + rejectWhere + ` ORDER BY r.id`

// RejectPage is a part of a list.
type RejectPage struct {
	// Rejects have no header and no payload.
	Rejects []ledger.Reject
	// Total counts all that fit; More says that there are some behind this page.
	Total int64
	More  bool
}

// ListRejects lists up to limit rejects with an id above after, lowest first.
func (d *Desk) ListRejects(ctx context.Context, f RejectFilter, after ledger.RejectID, limit int) (page RejectPage, err error) {
	if err := d.pool.QueryRow(ctx, sqlCountRejects, f.args()).Scan(&page.Total); err != nil {
		return page, fmt.Errorf("count rejects: %w", err)
	}
	args := f.args()
	args["after"], args["limit"] = int64(after), limit+1
	rows, err := d.pool.Query(ctx, sqlListRejects, args)
	if err != nil {
		return page, fmt.Errorf("list rejects: %w", err)
	}
	if page.Rejects, err = pgx.CollectRows(rows, scanListed); err != nil {
		return page, fmt.Errorf("list rejects: %w", err)
	}
	if len(page.Rejects) > limit {
		page.Rejects, page.More = page.Rejects[:limit], true
	}
	return page, nil
}

// FindRejects lists the ids of all rejects that fit, lowest first: eight bytes
// for each.
func (d *Desk) FindRejects(ctx context.Context, f RejectFilter) ([]ledger.RejectID, error) {
	rows, err := d.pool.Query(ctx, sqlFindRejects, f.args())
	if err != nil {
		return nil, fmt.Errorf("find rejects: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[ledger.RejectID])
	if err != nil {
		return nil, fmt.Errorf("find rejects: %w", err)
	}
	return ids, nil
}

// scanListed reads a row of sqlListRejects.
func scanListed(row pgx.CollectableRow) (r ledger.Reject, err error) {
	var seq int64
	m := &r.Message
	err = row.Scan(&r.ID, &m.Stream, &m.StreamCreated, &seq, &m.Subject, &m.BrokerTime,
		&r.Source, &r.EventID, &r.Type, &r.Code, &r.Reason, &r.RejectedAt, &r.ResolvedAt, &r.ResolvedBy, &r.Resolution)
	m.Seq = uint64(seq)
	return r, err
}

// sqlRejectCodes counts rejects by code, with one of each as an example
// (rejects_pkey). No rows means that nothing fits.
const sqlRejectCodes = `
SELECT c.reason_code, c.n, c.example, e.reason
  FROM (SELECT r.reason_code, count(*) AS n, min(r.id) AS example FROM rejects r` + rejectWhere + ` GROUP BY r.reason_code) AS c
  JOIN rejects e ON e.id = c.example
 ORDER BY c.n DESC, c.reason_code`

// RejectCodes counts the rejects that fit by code, the most frequent first.
func (d *Desk) RejectCodes(ctx context.Context, f RejectFilter) ([]RetryCode, error) {
	rows, err := d.pool.Query(ctx, sqlRejectCodes, f.args())
	if err != nil {
		return nil, fmt.Errorf("count rejects by code: %w", err)
	}
	codes, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c RetryCode, err error) {
		return c, row.Scan(&c.Code, &c.Count, &c.Example, &c.Reason)
	})
	if err != nil {
		return nil, fmt.Errorf("count rejects by code: %w", err)
	}
	return codes, nil
}

// OpenRejects counts unresolved rejects by code.
func (d *Desk) OpenRejects(ctx context.Context) (map[ledger.RejectCode]int64, error) {
	rows, err := d.pool.Query(ctx, sqlOpenRejects)
	if err != nil {
		return nil, fmt.Errorf("count rejects: %w", err)
	}
	defer rows.Close()
	counts := map[ledger.RejectCode]int64{}
	for rows.Next() {
		var code ledger.RejectCode
		var n int64
		if err := rows.Scan(&code, &n); err != nil {
			return nil, fmt.Errorf("count rejects: %w", err)
		}
		counts[code] = n
	}
	return counts, rows.Err()
}

const sqlOpenRejects = `SELECT reason_code, count(*) FROM rejects WHERE resolved_at IS NULL GROUP BY reason_code`
