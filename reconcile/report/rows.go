package report

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
	"pointsledger/reconcile/match"
)

// sqlPairs streams what was matched, in the order in which its records were read
// (reconcile_matches_pkey).
const sqlPairs = `
SELECT m.how, r.account, r.member_id, o.id, o.biz_id, o.business_key, o.reference, ` + pairPostedAt + `, ` + pairPoints + `, r.at, r.date_only, r.points, r.text` + pairs + `
 ORDER BY m.record_id
 LIMIT @most::bigint`

// matchedName is the sheet of all pairs; the page has their sums alone.
const matchedName = "matched"

// matchedTable is that sheet.
func (r *Report) matchedTable() *table {
	w := r.words
	t := &table{name: matchedName, title: w.Matched, about: w.MatchedAbout, totals: map[string]int64{}}
	for _, p := range r.Pairs {
		t.rows += p.Pairs
		t.totals["ledger"] += p.LedgerPoints
		t.totals["vendor"] += p.VendorPoints
		t.totals["difference"] += p.LedgerPoints - p.VendorPoints
	}
	t.columns = []column{
		{key: "account", title: w.Account, width: 11}, {key: "member", title: w.Member, form: name, width: 21}, {key: "order", title: w.Order, form: name, width: 18},
		{key: "posted_at", title: w.PostedAt, form: instant, width: 19}, {key: "ledger", title: w.LedgerPoints, form: points, width: 13, sum: true},
		{key: "record_at", title: w.RecordAt, form: instant, width: 22}, {key: "vendor", title: w.VendorPoints, form: points, width: 13, sum: true},
		{key: "difference", title: w.Difference, form: points, width: 12, sum: true, formula: difference}, {key: "how", title: w.How, width: 13},
		{key: "reference", title: w.Reference, form: name, width: 18}, {key: "text", title: w.RecordText, width: 40}, {key: "operation", title: w.Operation, form: name, width: 11, detail: true},
		{key: "biz_id", title: w.BizID, form: name, width: 32, detail: true},
	}
	t.each = func(ctx context.Context, most int64, row func([]any) error) error {
		return r.eachRow(ctx, sqlPairs, pgx.StrictNamedArgs{"run": r.Run}, most, func(rows pgx.Rows) error {
			var how match.How
			var account, member, bizID, order, reference, text string
			var operation, ledger, vendor int64
			var posted, recorded *time.Time
			var dateOnly bool
			if err := rows.Scan(&how, &account, &member, &operation, &bizID, &order, &reference, &posted, &ledger, &recorded, &dateOnly, &vendor, &text); err != nil {
				return err
			}
			at := r.local(recorded)
			if known, ok := at.(time.Time); ok && dateOnly {
				at = dayOnly{known}
			}
			return row([]any{account, r.member(member), r.order(order, member), r.local(posted), ledger, at, vendor, ledger - vendor, w.Hows[how],
				reference, r.masked(text), number(operation), bizID})
		})
	}
	return t
}

// eachRow hands the rows of a statement over, one at a time, most of them; 0 is all.
func (r *Report) eachRow(ctx context.Context, sql string, args pgx.StrictNamedArgs, most int64, each func(pgx.Rows) error) error {
	if args["most"] = nil; most > 0 {
		args["most"] = most
	}
	rows, err := r.tx.Query(ctx, sql, args)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// sqlHeld and sqlOwed list what sqlHelds and sqlOweds add up, the oldest first.
const (
	sqlHeld = `
SELECT target, kind, why, COALESCE(member_id, ''), business_key, COALESCE(shop_code, ''), points, business_date, recorded_at, held_until, operation_id` + heldFrom + `
 ORDER BY recorded_at, operation_id
 LIMIT @most::bigint`
	sqlOwed = `
SELECT target, kind, why, COALESCE(member_id, ''), business_key, COALESCE(shop_code, ''), points, business_date, recorded_at, given_up_at, operation_id` + owedFrom + `
 ORDER BY recorded_at, operation_id
 LIMIT @most::bigint`
)

func (r *Report) heldTable() *table {
	return r.waitingTable("held", r.words.Held, r.words.HeldAbout, r.words.HeldUntil, sqlHeld, r.Held)
}

func (r *Report) owedTable() *table {
	return r.waitingTable("to_be_taken_back", r.words.Owed, r.words.OwedAbout, r.words.GivenUpAt, sqlOwed, r.Owed)
}

// waitingTable is the sheet of what waits; last is the title of its last instant.
func (r *Report) waitingTable(called, title, about, last, sql string, sums []WhySum) *table {
	w := r.words
	t := &table{name: called, title: title, about: about, totals: map[string]int64{}}
	for _, s := range sums {
		t.rows += s.Operations
		t.totals["points"] += s.Points
	}
	t.columns = []column{
		{key: "account", title: w.Account, width: 11}, {key: "kind", title: w.Kind, width: 13}, {key: "why", title: w.Why, width: 32}, {key: "member", title: w.Member, form: name, width: 21},
		{key: "order", title: w.Order, form: name, width: 20}, {key: "shop", title: w.Shop, form: name, width: 12}, {key: "points", title: w.Points, form: points, width: 13, sum: true},
		{key: "date", title: w.BusinessDate, form: instant, width: 13}, {key: "recorded_at", title: w.RecordedAt, form: instant, width: 19}, {key: "last", title: last, form: instant, width: 19},
		{key: "operation", title: w.Operation, form: name, width: 11, detail: true},
	}
	t.each = func(ctx context.Context, most int64, row func([]any) error) error {
		return r.eachRow(ctx, sql, r.waiting(), most, func(rows pgx.Rows) error {
			var account, why, member, order, shop string
			var kind ledger.Kind
			var points, operation int64
			var date time.Time
			var recorded, last *time.Time
			if err := rows.Scan(&account, &kind, &why, &member, &order, &shop, &points, &date, &recorded, &last, &operation); err != nil {
				return err
			}
			return row([]any{account, w.Verbs[kind], w.Whys[why], optional(r.member(member)), r.order(order, member), optional(shop), points,
				dayOnly{date}, r.local(recorded), r.local(last), number(operation)})
		})
	}
	return t
}

// sqlWithout lists what rests on the vendor's answer, as it has no record.
const sqlWithout = `
SELECT o.target, o.kind, COALESCE(c.member_id, p.member_id, ''), o.business_key, COALESCE(o.shop_code, ''), COALESCE(p.points, o.points), COALESCE(c.corrected_at, p.posted_at),
       COALESCE(c.evidence, p.evidence), COALESCE(c.http_status, p.http_status, 0), o.id, o.biz_id` + withoutFrom + `
 ORDER BY p.operation_id
 LIMIT @most::bigint`

// withoutName is the sheet of what has no record.
const withoutName = "without_records"

func (r *Report) withoutTable() *table {
	w := r.words
	t := &table{name: withoutName, title: w.Without, about: w.WithoutAbout, rows: r.withoutSum.Operations, totals: map[string]int64{"points": r.withoutSum.Points}, columns: []column{
		{key: "account", title: w.Account, width: 11}, {key: "kind", title: w.Kind, width: 13}, {key: "member", title: w.Member, form: name, width: 21}, {key: "order", title: w.Order, form: name, width: 20},
		{key: "shop", title: w.Shop, form: name, width: 12}, {key: "points", title: w.Points, form: points, width: 13, sum: true}, {key: "posted_at", title: w.PostedAt, form: instant, width: 19},
		{key: "evidence", title: w.Confirmed, width: 22}, {key: "status", title: w.Status, form: name, width: 9}, {key: "operation", title: w.Operation, form: name, width: 11, detail: true},
		{key: "biz_id", title: w.BizID, form: name, width: 32, detail: true},
	}}
	t.each = func(ctx context.Context, most int64, row func([]any) error) error {
		return r.eachRow(ctx, sqlWithout, r.window(), most, func(rows pgx.Rows) error {
			var account, member, order, shop, evidence, bizID string
			var kind ledger.Kind
			var points, status, operation int64
			var posted *time.Time
			if err := rows.Scan(&account, &kind, &member, &order, &shop, &points, &posted, &evidence, &status, &operation, &bizID); err != nil {
				return err
			}
			return row([]any{account, w.Verbs[kind], optional(r.member(member)), r.order(order, member), optional(shop), points, r.local(posted),
				r.seen(strings.ReplaceAll(evidence, "_", " ")), number(status), number(operation), bizID})
		})
	}
	return t
}

// sqlNotRead lists members who were not read, also those whose account was off when the run
// went on (reconcile_members_pkey).
const sqlNotRead = `SELECT account, member_id, COALESCE(words, '') FROM reconcile_members WHERE run_id = @run AND state <> 'read' ORDER BY account, member_id LIMIT @most::bigint`

func (r *Report) notReadTable() *table {
	w := r.words
	t := &table{name: "not_read", title: w.NotRead, about: w.NotReadAbout, rows: r.NotCompared.MembersFailed, columns: []column{
		{key: "account", title: w.Account, width: 14}, {key: "member", title: w.Member, form: name, width: 24}, {key: "words", title: w.Words, form: long, width: 90},
	}}
	t.each = func(ctx context.Context, most int64, row func([]any) error) error {
		return r.eachRow(ctx, sqlNotRead, pgx.StrictNamedArgs{"run": r.Run}, most, func(rows pgx.Rows) error {
			var account, member, words string
			if err := rows.Scan(&account, &member, &words); err != nil {
				return err
			}
			return row([]any{account, r.member(member), optional(r.masked(words))})
		})
	}
	return t
}

// daysName is the sheet of days, of which the page draws a chart.
const daysName = "by_day"

// daysTable is the sheet of what moved on each day.
func (r *Report) daysTable() *table {
	w := r.words
	t := &table{name: daysName, title: w.Days, about: w.DaysAbout, rows: int64(len(r.Days)), totals: map[string]int64{}, columns: []column{
		{key: "day", title: w.Day, form: instant, width: 16}, {key: "ledger", title: w.LedgerPoints, form: points, width: 16, sum: true},
		{key: "vendor", title: w.VendorPoints, form: points, width: 16, sum: true}, {key: "difference", title: w.Difference, form: points, width: 14, sum: true, formula: difference},
	}}
	for _, d := range r.Days {
		t.totals["ledger"] += d.LedgerPoints
		t.totals["vendor"] += d.VendorPoints
		t.totals["difference"] += d.LedgerPoints - d.VendorPoints
	}
	t.each = func(_ context.Context, _ int64, row func([]any) error) error {
		for _, d := range r.Days {
			var day any = w.NoDay
			if d.Day != nil {
				if at, err := time.Parse(time.DateOnly, *d.Day); err == nil {
					day = dayOnly{at}
				}
			}
			if err := row([]any{day, d.LedgerPoints, d.VendorPoints, d.LedgerPoints - d.VendorPoints}); err != nil {
				return err
			}
		}
		return nil
	}
	return t
}
