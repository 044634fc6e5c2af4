package money

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
)

// Change is a day of a shop that is booked otherwise than it was handed out.
type Change struct {
	Day    Day    `json:"business_date"`
	Shop   string `json:"shop"`
	Before string `json:"number_before"`
	// Number is empty when nothing is to be booked any more.
	Number string `json:"number"`
	// Differences are what is to be booked besides what was handed out: the new voucher less the old one.
	Differences []Difference `json:"differences"`
}

// Difference is of one account of the chart; debit above 0, credit below.
type Difference struct {
	Account
	Fen int64 `json:"amount_fen"`
}

type dayShop struct {
	day  Day
	shop string
}

type keptVoucher struct {
	dayShop
	number string
	lines  []byte // JSON
}

// keptVouchers are the newest that were handed out, by day and shop.
type keptVouchers map[dayShop]keptVoucher

// lastKept are the newest rows when a journal was made.
type lastKept struct{ values, vouchers int64 }

const (
	sqlLastKept = `SELECT COALESCE((SELECT max(id) FROM point_values), 0), COALESCE((SELECT max(id) FROM journal_vouchers), 0)`
	// sqlUsedValues are all files that were used for an account or for all, the newest last.
	sqlUsedValues = `
SELECT text, max(used_through)::text
  FROM point_values
 WHERE target = '' OR $1::text = '' OR target = $1
 GROUP BY text
 ORDER BY max(id)`
	// sqlNewestValues: no row means that none was used.
	sqlNewestValues = `
SELECT text
  FROM point_values
 WHERE target = '' OR $1::text = '' OR target = $1
 ORDER BY id DESC
 LIMIT 1`
	// sqlVendors are the accounts at which points were granted; it reads all operations.
	sqlVendors = `SELECT DISTINCT target FROM operations WHERE kind = 'points_add' AND points > 0 ORDER BY target`
	// sqlOverlap is one of the vouchers that were handed out for the same days and for other accounts
	// that have one in common. No row: there is none.
	sqlOverlap = `
SELECT target, business_date::text
  FROM journal_vouchers
 WHERE format = @format AND target <> @account AND (target = '' OR @account::text = '') AND business_date BETWEEN @from::date AND @to::date AND number <> ''
 ORDER BY id DESC
 LIMIT 1`
	sqlKept = `
SELECT DISTINCT ON (business_date, shop_code) business_date::text, shop_code, number, lines::text
  FROM journal_vouchers
 WHERE format = @format AND target = @account AND business_date BETWEEN @from::date AND @to::date
 ORDER BY business_date, shop_code, id DESC`
)

// Values are the newest that a handed-out journal of an account or of all used; ErrNoValues.
func (j *Journals) Values(ctx context.Context, account string) (*Values, error) {
	var text string
	err := j.pool.QueryRow(ctx, sqlNewestValues, account).Scan(&text)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNoValues
	}
	if err != nil {
		return nil, fmt.Errorf("read the values: %w", err)
	}
	return ParseValues("the kept values", []byte(text))
}

// Accounts are the vendor accounts at which points were granted, by name.
func (j *Journals) Accounts(ctx context.Context) ([]string, error) {
	rows, err := j.pool.Query(ctx, sqlVendors)
	if err != nil {
		return nil, fmt.Errorf("read the vendor accounts: %w", err)
	}
	accounts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("read the vendor accounts: %w", err)
	}
	return accounts, nil
}

// checkOverlap refuses to hand the same points out in a journal of one account and in one of all.
func checkOverlap(ctx context.Context, tx pgx.Tx, a *Asked) error {
	var e OverlapError
	err := tx.QueryRow(ctx, sqlOverlap, pgx.StrictNamedArgs{"format": a.Format, "account": a.Account, "from": string(a.From), "to": string(a.To)}).Scan(&e.Account, &e.Day)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("read what was handed out: %w", err)
	}
	return &e
}

// checkUsed refuses values that change what was used.
func checkUsed(ctx context.Context, tx pgx.Tx, v *Values, account string) (last lastKept, err error) {
	if err := tx.QueryRow(ctx, sqlLastKept).Scan(&last.values, &last.vouchers); err != nil {
		return last, fmt.Errorf("read what was handed out: %w", err)
	}
	rows, err := tx.Query(ctx, sqlUsedValues, account)
	if err != nil {
		return last, fmt.Errorf("read the values that were used: %w", err)
	}
	var text string
	var through Day
	_, err = pgx.ForEachRow(rows, []any{&text, &through}, func() error {
		used, err := ParseValues("the kept values", []byte(text))
		if err != nil {
			return err
		}
		return v.keepsTo(used, through)
	})
	if err != nil {
		return last, fmt.Errorf("compare with the values that were used: %w", err)
	}
	return last, nil
}

// sqlPeriodsZone is the zone by which days were locked; no row: none was.
const sqlPeriodsZone = `SELECT zone FROM period_acts ORDER BY id LIMIT 1`

// checkZone refuses days that end otherwise than those that were locked: what was posted in
// the hours between would be booked on a closed day.
func checkZone(ctx context.Context, tx pgx.Tx, v *Values) error {
	var zone string
	err := tx.QueryRow(ctx, sqlPeriodsZone).Scan(&zone)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("read the zone of the periods: %w", err)
	case zone != v.Zone.String():
		return fmt.Errorf("%w: %s has %s, and days were locked by %s", ErrOtherZone, v.name, v.Zone, zone)
	}
	return nil
}

func readKept(ctx context.Context, tx pgx.Tx, a *Asked) (keptVouchers, error) {
	rows, err := tx.Query(ctx, sqlKept, pgx.StrictNamedArgs{"format": a.Format, "account": a.Account, "from": string(a.From), "to": string(a.To)})
	if err != nil {
		return nil, fmt.Errorf("read the vouchers that were handed out: %w", err)
	}
	kept := keptVouchers{}
	var k keptVoucher
	var lines string
	_, err = pgx.ForEachRow(rows, []any{&k.day, &k.shop, &k.number, &lines}, func() error {
		k.lines = []byte(lines)
		kept[k.dayShop] = k
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the vouchers that were handed out: %w", err)
	}
	return kept, nil
}

// compare says how a voucher stands to what was handed out, and takes that from before.
func (made *Journal) compare(v *Voucher, before keptVouchers) (Standing, error) {
	key := dayShop{v.Day, v.Shop}
	was, there := before[key]
	delete(before, key)
	if there && was.number == v.Number {
		made.Unchanged++
		return Unchanged, nil
	}
	if made.handOut {
		lines, err := json.Marshal(v.Lines)
		if err != nil {
			return Fresh, err
		}
		made.fresh = append(made.fresh, keptVoucher{key, v.Number, lines})
	}
	if !there || was.number == "" {
		return Fresh, nil
	}
	return Changed, made.change(was, v.Number, v.Lines)
}

// gone notes what was handed out for days and shops that have nothing to book any more.
func (made *Journal) gone(before keptVouchers) error {
	for _, key := range slices.SortedFunc(maps.Keys(before), func(a, b dayShop) int { return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.shop, b.shop)) }) {
		was := before[key]
		if was.number == "" {
			continue
		}
		made.fresh = append(made.fresh, keptVoucher{key, "", []byte("[]")})
		if err := made.change(was, "", nil); err != nil {
			return err
		}
	}
	return nil
}

func (made *Journal) change(was keptVoucher, number string, lines []Line) error {
	var old []Line
	if err := json.Unmarshal(was.lines, &old); err != nil {
		return fmt.Errorf("read voucher %s: %w", was.number, err)
	}
	sums := map[Account]int64{}
	for sign, lines := range map[int64][]Line{-1: old, 1: lines} {
		for _, l := range lines {
			sums[l.Debit] += sign * l.Fen
			sums[l.Credit] -= sign * l.Fen
		}
	}
	c := Change{Day: was.day, Shop: was.shop, Before: was.number, Number: number, Differences: []Difference{}}
	for _, a := range slices.SortedFunc(maps.Keys(sums), func(a, b Account) int { return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Name, b.Name)) }) {
		if sums[a] != 0 {
			c.Differences = append(c.Differences, Difference{a, sums[a]})
		}
	}
	made.Changed = append(made.Changed, c)
	return nil
}

// Keeping is one transaction behind a lock of its own, so that two journals do not both hand out the same
// day. It is read committed whatever the login's default is: what it reads is of after the wait.
const (
	sqlLockKept    = `SELECT pg_advisory_xact_lock(hashtextextended('points_ledger_journals', 0))`
	sqlKeepValues  = `INSERT INTO point_values (text, used_through, target) VALUES ($1, $2::date, $3)`
	sqlKeepVoucher = `
INSERT INTO journal_vouchers (format, target, business_date, shop_code, number, lines)
VALUES (@format, @account, @day::date, @shop, @number, @lines::jsonb)`
	sqlKeepTold = `INSERT INTO redemption_days (target, business_date, redeemed_points, expired_points) VALUES ($1, $2::date, $3, $4)`
)

// Keep notes that a journal was handed out: the values that it used, the vouchers that are new
// or changed, and what it was told of redemptions. It was asked for as one to be handed out. The error may be
// ErrKeptMeanwhile.
func (j *Journals) Keep(ctx context.Context, made *Journal) error {
	err := pgx.BeginTxFunc(ctx, j.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, sqlLockKept); err != nil {
			return err
		}
		var now lastKept
		if err := tx.QueryRow(ctx, sqlLastKept).Scan(&now.values, &now.vouchers); err != nil {
			return err
		}
		if now != made.seen {
			return ErrKeptMeanwhile
		}
		batch := &pgx.Batch{}
		batch.Queue(sqlKeepValues, made.values.text, string(made.To), made.Account)
		for _, k := range made.fresh {
			batch.Queue(sqlKeepVoucher, pgx.StrictNamedArgs{"format": made.Format, "account": made.Account, "day": string(k.day), "shop": k.shop,
				"number": k.number, "lines": string(k.lines)})
		}
		for _, d := range slices.Sorted(maps.Keys(made.told)) {
			u := made.told[d]
			batch.Queue(sqlKeepTold, made.Account, string(d), u.redeemed, u.expired)
		}
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return fmt.Errorf("keep the journal: %w", err)
	}
	return nil
}
