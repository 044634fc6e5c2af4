package report

import (
	"context"
	"fmt"
	"time"

	"pointsledger/reconcile/books"
)

// pendingPlace is the account of what is accepted and has not ended.
const pendingPlace = "pending"

// trialRow is what an account of the books held at both ends of the window, for one group
// of orders.
type trialRow struct {
	account, shop, sourceType, channel, place string
	opening, closing                          int64
}

// readTrial reads the trial balance at both ends of the window, once.
func (r *Report) readTrial(ctx context.Context) error {
	if r.trial != nil {
		return nil
	}
	by := []books.Dimension{books.BySourceType, books.ByChannel, books.ByShop}
	// An entry of the instant when the window ends is the next one's.
	opening, err := r.books.Trial(ctx, books.Asked{AsOf: r.from.Add(-time.Microsecond), Account: r.Account}, by)
	if err != nil {
		return err
	}
	closing, err := r.books.Trial(ctx, books.Asked{AsOf: r.until.Add(-time.Microsecond), Account: r.Account}, by)
	if err != nil {
		return err
	}
	r.trial = []trialRow{}
	at := map[trialRow]int{} // by what a row is, without points
	place := func(t *books.Trial, put func(*trialRow, int64)) {
		for i := range t.Rows {
			for _, row := range placesOf(&t.Rows[i]) {
				key := row
				key.opening, key.closing = 0, 0
				n, known := at[key]
				if !known {
					n = len(r.trial)
					at[key] = n
					r.trial = append(r.trial, key)
				}
				put(&r.trial[n], row.closing)
			}
		}
	}
	place(&closing, func(row *trialRow, points int64) { row.closing = points })
	place(&opening, func(row *trialRow, points int64) { row.opening = points })
	return nil
}

// placesOf are the accounts of a group that hold anything, in closing.
func placesOf(t *books.TrialRow) (rows []trialRow) {
	base := trialRow{account: t.Account}
	if t.Shop != nil {
		base.shop = *t.Shop
	}
	if t.SourceType != nil {
		base.sourceType = fmt.Sprint(*t.SourceType)
	}
	if t.Channel != nil {
		base.channel = fmt.Sprint(*t.Channel)
	}
	for _, p := range []struct {
		place  string
		points int64
	}{{"issued", t.Issued}, {pendingPlace, t.Pending}, {"credited", t.Credited}, {"vendor_balance", t.VendorBalance}, {"frozen", t.Frozen}, {"spent", t.Spent}} {
		if p.points != 0 {
			row := base
			row.place, row.closing = p.place, p.points
			rows = append(rows, row)
		}
	}
	return rows
}

// trialTable is the sheet of the trial balance.
func (r *Report) trialTable() *table {
	w := r.words
	t := &table{name: "trial_balance", title: w.Trial, about: w.TrialAbout, rows: int64(len(r.trial)), totals: map[string]int64{}, columns: []column{
		{key: "account", title: w.Account, width: 14}, {key: "shop", title: w.Shop, form: name, width: 14}, {key: "source", title: w.SourceType, form: name, width: 12},
		{key: "channel", title: w.Channel, form: name, width: 10}, {key: "place", title: w.Place, width: 34},
		{key: "opening", title: w.Opening, form: points, width: 15, sum: true},
		{key: "movement", title: w.Movement, form: points, width: 15, sum: true, formula: func(at func(string) string) string { return at("closing") + "-" + at("opening") }},
		{key: "closing", title: w.Closing, form: points, width: 15, sum: true},
	}}
	for _, row := range r.trial {
		t.totals["opening"] += row.opening
		t.totals["movement"] += row.closing - row.opening
		t.totals["closing"] += row.closing
	}
	t.each = func(_ context.Context, _ int64, row func([]any) error) error {
		for _, x := range r.trial {
			if err := row([]any{x.account, optional(x.shop), optional(x.sourceType), optional(x.channel), w.Places[x.place], x.opening, x.closing - x.opening, x.closing}); err != nil {
				return err
			}
		}
		return nil
	}
	return t
}
