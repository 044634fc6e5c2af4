package report

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/reconcile/match"
	"pointsledger/reconcile/runs"
)

// sqlItems streams a run's items of a kind (reconcile_items_pkey).
const sqlItems = `
SELECT no, account, member_id, COALESCE(operation_id, 0), COALESCE(biz_id, ''), COALESCE(business_key, ''), COALESCE(reference, ''), ledger_points, vendor_points,
       open_points, at, evidence, step, COALESCE(owner, ''), COALESCE(note, ''), COALESCE(explained_by, ''), explained_at, COALESCE(explained_why, '')
  FROM reconcile_items
 WHERE run_id = @run AND kind = @kind
 ORDER BY no
 LIMIT @most::bigint`

// item is a row of sqlItems.
type item struct {
	no                                       int
	account, member, bizID, order, reference string
	operation, ledger, vendor, open          int64
	at, explainedAt                          *time.Time
	seen, owner, note, explainedBy, why      string
	step                                     match.Step
}

func (i *item) scan(row pgx.Rows) error {
	return row.Scan(&i.no, &i.account, &i.member, &i.operation, &i.bizID, &i.order, &i.reference, &i.ledger, &i.vendor,
		&i.open, &i.at, &i.seen, &i.step, &i.owner, &i.note, &i.explainedBy, &i.explainedAt, &i.why)
}

// eachItem hands the items of a kind over.
func (r *Report) eachItem(ctx context.Context, kind match.Kind, most int64, each func(*item) error) error {
	return r.eachRow(ctx, sqlItems, pgx.StrictNamedArgs{"run": r.Run, "kind": string(kind)}, most, func(rows pgx.Rows) error {
		var i item
		if err := i.scan(rows); err != nil {
			return err
		}
		i.order, i.member = r.order(i.order, i.member), r.member(i.member)
		i.seen, i.note, i.why = r.seen(r.masked(i.seen)), r.masked(i.note), r.masked(i.why)
		return each(&i)
	})
}

// difference is the ledger's side less the vendor's, of the same row.
func difference(at func(string) string) string { return at("ledger") + "-" + at("vendor") }

// unexplained is by how much the sides differ, unless somebody has explained it.
func unexplained(at func(string) string) string {
	return fmt.Sprintf(`IF(LEN(%s)=0,ABS(%s),0)`, at("explained_by"), at("difference"))
}

// kindTable is the sheet of a kind of differences.
func (r *Report) kindTable(k KindSum) *table {
	w := r.words
	t := &table{name: string(k.Kind), title: w.Kinds[k.Kind], about: w.KindsAbout[k.Kind], rows: k.Items, totals: map[string]int64{
		"ledger": k.LedgerPoints, "vendor": k.VendorPoints, "difference": k.LedgerPoints - k.VendorPoints, "unexplained": k.UnexplainedPoints}}
	t.columns = []column{
		{key: "no", title: w.No, form: name, width: 9}, {key: "account", title: w.Account, width: 10}, {key: "member", title: w.Member, form: name, width: 21},
		{key: "order", title: w.Order, form: name, width: 17}, {key: "at", title: w.At, form: instant, width: 19},
		{key: "ledger", title: w.LedgerPoints, form: points, width: 11, sum: true}, {key: "vendor", title: w.VendorPoints, form: points, width: 11, sum: true},
		{key: "difference", title: w.Difference, form: points, width: 11, sum: true, formula: difference},
		{key: "unexplained", title: w.Unexplained, form: points, width: 13, sum: true, formula: unexplained},
		{key: "seen", title: w.Seen, form: long, width: 46}, {key: "todo", title: w.ToDo, form: long, width: 20},
		{key: "explained_by", title: w.ExplainedBy, width: 12}, {key: "why", title: w.ExplainedWhy, form: long, width: 24},
		{key: "explained_at", title: w.ExplainedAt, form: instant, width: 19, detail: true}, {key: "owner", title: w.Owner, width: 10, detail: true},
		{key: "note", title: w.Note, form: long, width: 20, detail: true}, {key: "reference", title: w.Reference, form: name, width: 18, detail: true},
		{key: "operation", title: w.Operation, form: name, width: 11, detail: true}, {key: "biz_id", title: w.BizID, form: name, width: 32, detail: true},
	}
	t.each = func(ctx context.Context, most int64, row func([]any) error) error {
		return r.eachItem(ctx, k.Kind, most, func(i *item) error {
			differs, left := i.ledger-i.vendor, int64(0)
			if i.explainedAt == nil {
				left = max(differs, -differs)
			}
			return row([]any{runs.ItemID{Run: r.Run, No: i.no}.String(), i.account, i.member, optional(i.order), r.local(i.at), i.ledger, i.vendor, differs, left,
				i.seen, w.Steps[i.step], optional(i.explainedBy), optional(i.why), r.local(i.explainedAt), optional(i.owner), optional(i.note),
				optional(i.reference), number(i.operation), optional(i.bizID)})
		})
	}
	return t
}

// number is an id that is a number, as a text; nil for 0.
func number(id int64) any {
	if id == 0 {
		return nil
	}
	return fmt.Sprint(id)
}

// transitTable is the sheet of what is in transit.
func (r *Report) transitTable() *table {
	w := r.words
	t := &table{name: string(match.InTransit), title: w.InTransit, about: w.TransitAbout, totals: map[string]int64{}}
	for _, a := range r.Ages {
		t.rows += a.Operations
		t.totals["ledger"] += a.LedgerPoints
		t.totals["vendor"] += a.VendorPoints
		t.totals["open"] += a.OpenPoints
		t.totals["difference"] += a.LedgerPoints - a.VendorPoints
	}
	t.columns = []column{
		{key: "no", title: w.No, form: name, width: 9}, {key: "age", title: w.Age, width: 15}, {key: "account", title: w.Account, width: 10},
		{key: "member", title: w.Member, form: name, width: 21}, {key: "order", title: w.Order, form: name, width: 17}, {key: "at", title: w.At, form: instant, width: 19},
		{key: "open", title: w.OpenPoints, form: points, width: 12, sum: true}, {key: "ledger", title: w.LedgerPoints, form: points, width: 11, sum: true},
		{key: "vendor", title: w.VendorPoints, form: points, width: 11, sum: true}, {key: "difference", title: w.Difference, form: points, width: 11, sum: true, formula: difference},
		{key: "seen", title: w.Seen, form: long, width: 46}, {key: "todo", title: w.ToDo, form: long, width: 20},
		{key: "owner", title: w.Owner, width: 10, detail: true}, {key: "note", title: w.Note, form: long, width: 20, detail: true},
		{key: "reference", title: w.Reference, form: name, width: 18, detail: true}, {key: "operation", title: w.Operation, form: name, width: 11, detail: true},
		{key: "biz_id", title: w.BizID, form: name, width: 32, detail: true},
	}
	t.each = func(ctx context.Context, most int64, row func([]any) error) error {
		return r.eachItem(ctx, match.InTransit, most, func(i *item) error {
			return row([]any{runs.ItemID{Run: r.Run, No: i.no}.String(), w.Ages[r.age(i.at)], i.account, i.member, optional(i.order), r.local(i.at), i.open, i.ledger, i.vendor,
				i.ledger - i.vendor, i.seen, w.Steps[i.step], optional(i.owner), optional(i.note), optional(i.reference), number(i.operation), optional(i.bizID)})
		})
	}
	return t
}

// age is itemAge of an item.
func (r *Report) age(at *time.Time) string {
	if at == nil {
		return underHour
	}
	switch old := r.EndedAt.Sub(*at); {
	case old < time.Hour:
		return underHour
	case old < 24*time.Hour:
		return underDay
	case old < 168*time.Hour:
		return underWeek
	case old < 720*time.Hour:
		return underMonth
	}
	return older
}
