package money

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Journals makes journals of the ledger behind a pool. It is safe for concurrent use.
type Journals struct{ pool *pgxpool.Pool }

// New returns the journals of a ledger.
func New(pool *pgxpool.Pool) *Journals { return &Journals{pool} }

// Asked says which journal.
type Asked struct {
	// From and To are the first and the last business date.
	From, To Day
	// Account is a vendor account; empty: all.
	Account string
	Values  *Values
	// Redemptions are those of Account, which is then named; nil: what was kept is what is known.
	Redemptions Redemptions
	// Settle has what members redeemed set against where their points were granted; with Redemptions.
	Settle bool
	// Format is what it is handed out in, and compared with; each format stands for itself.
	Format string
	// HandOut: it will be kept.
	HandOut bool
}

// Standing is how a voucher stands to the one of its day and shop that was handed out before.
type Standing int

// The standings.
const (
	Fresh Standing = iota
	Unchanged
	Changed
)

// Journal is what was made.
type Journal struct {
	From    Day    `json:"from"`
	To      Day    `json:"to"`
	Account string `json:"account"`
	Format  string `json:"format"`
	// Vouchers are all of those days, Fen the sum of their debits, Written how many are in the file.
	Vouchers int   `json:"vouchers"`
	Fen      int64 `json:"debit_fen"`
	Written  int   `json:"written"`
	// Unchanged were handed out before as they are; Changed otherwise.
	Unchanged int      `json:"unchanged"`
	Changed   []Change `json:"changed"`
	// AccrualOnly: on some of the days redemptions are not known.
	AccrualOnly bool           `json:"accrual_only"`
	Pools       []PoolStanding `json:"accounts"`
	File        *FileStanding  `json:"redemptions"`
	Settlement  *Settlement    `json:"settlement"`

	values  *Values
	handOut bool
	fresh   []keptVoucher
	told    map[Day]usedUp
	seen    lastKept
}

// PoolStanding is what the days did to the points of a vendor account.
type PoolStanding struct {
	Account string `json:"account"`
	// Paid are points that sales paid for, Given those that none did.
	Paid  Roll `json:"contract_liability"`
	Given Roll `json:"points_payable"`
	// Points of the days asked for.
	GrantedPoints  int64 `json:"granted_points"`
	TakenPoints    int64 `json:"taken_back_points"`
	RedeemedPoints int64 `json:"redeemed_points"`
	ExpiredPoints  int64 `json:"expired_points"`
	// UnknownDays are days since the first grant, of those asked for, whose redemptions are not known;
	// UnknownFrom is the first of all such days up to the end.
	UnknownDays int `json:"unknown_days"`
	UnknownFrom Day `json:"unknown_from"`
	// ExcessPoints were redeemed beyond what is expected of all points granted.
	ExcessPoints int64 `json:"excess_points"`
	// ByHandPoints were taken back by hand at the vendor, whose records may show that as a redemption; null: the
	// records were not asked.
	ByHandPoints *int64 `json:"taken_back_by_hand_points"`
}

// Roll is how a liability moved, in fen.
type Roll struct {
	Opening    int64 `json:"opening_fen"`
	Deferred   int64 `json:"deferred_fen"`
	TakenBack  int64 `json:"taken_back_fen"`
	Estimate   int64 `json:"estimate_changed_fen"`
	Recognised int64 `json:"recognised_fen"`
	Closing    int64 `json:"closing_fen"`
}

// Make reckons a journal and gives the vouchers of its days to emit, in the order of days and shops. emit says whether
// it wrote the voucher. Nothing is kept: see [Journals.Keep].
func (j *Journals) Make(ctx context.Context, a Asked, emit func(*Voucher, Standing) (written bool, err error)) (*Journal, error) {
	made := &Journal{From: a.From, To: a.To, Account: a.Account, Format: a.Format, values: a.Values, handOut: a.HandOut, Changed: []Change{}}
	err := pgx.BeginTxFunc(ctx, j.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		last, err := checkUsed(ctx, tx, a.Values, a.Account)
		if err != nil {
			return err
		}
		made.seen = last
		if err := checkZone(ctx, tx, a.Values); err != nil {
			return err
		}
		if a.HandOut {
			if err := checkOverlap(ctx, tx, &a); err != nil {
				return err
			}
		}
		known, err := readTold(ctx, tx, a.To)
		if err != nil {
			return err
		}
		if a.Redemptions != nil {
			if err := made.take(ctx, tx, &a, known); err != nil {
				return err
			}
		}
		before, err := readKept(ctx, tx, &a)
		if err != nil {
			return err
		}
		if err := made.reckon(ctx, tx, &a, known, before, emit); err != nil {
			return err
		}
		return made.byHand(ctx, tx, &a)
	})
	if err != nil {
		return nil, fmt.Errorf("make the journal: %w", err)
	}
	return made, nil
}

// sqlByHand is what was taken back by hand at an account on some days.
const sqlByHand = `
SELECT COALESCE(sum(COALESCE(p.points, o.points)), 0)::bigint
  FROM postings p
  JOIN operations o ON o.id = p.operation_id
 WHERE p.kind = 'posted' AND p.evidence = 'manual' AND o.kind = 'points_deduct' AND o.target = @account
   AND (p.posted_at AT TIME ZONE @zone)::date BETWEEN @from::date AND @to::date`

func (made *Journal) byHand(ctx context.Context, tx pgx.Tx, a *Asked) error {
	if a.Redemptions == nil || len(made.Pools) != 1 {
		return nil
	}
	args := pgx.StrictNamedArgs{"account": a.Account, "zone": a.Values.Zone.String(), "from": string(a.From), "to": string(a.To)}
	if err := tx.QueryRow(ctx, sqlByHand, args).Scan(&made.Pools[0].ByHandPoints); err != nil {
		return fmt.Errorf("read what was taken back by hand: %w", err)
	}
	return nil
}

// reckon goes through all days up to the last.
func (made *Journal) reckon(ctx context.Context, tx pgx.Tx, a *Asked, known told, before keptVouchers, emit func(*Voucher, Standing) (bool, error)) error {
	r := newReckoning(a.Values, a.Account, func(vendor string, d Day) (int64, int64, bool) {
		u, is := known[vendor][d]
		return u.redeemed, u.expired, is
	})
	w := window{made: made, reckoning: r, known: known, before: before, emit: emit}
	var next Day
	for moves, err := range movesThrough(ctx, tx, a.Values.Zone, a.To) {
		if err != nil {
			return err
		}
		if next == "" {
			next = min(moves[0].day, a.From)
		}
		// Days without a move may have redemptions, or a new estimate.
		for ; next < moves[0].day; next = next.after() {
			if err := w.day(next, nil); err != nil {
				return err
			}
		}
		if err := w.day(next, moves); err != nil {
			return err
		}
		next = next.after()
	}
	if next == "" {
		next = a.From
	}
	for ; next <= a.To; next = next.after() {
		if err := w.day(next, nil); err != nil {
			return err
		}
	}
	return w.end()
}

func (d Day) after() Day {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return d
	}
	return Day(t.AddDate(0, 0, 1).Format(time.DateOnly))
}

// window counts the days that are asked for.
type window struct {
	made *Journal
	*reckoning
	known  told
	before keptVouchers
	emit   func(*Voucher, Standing) (bool, error)
	// opening are the balances before the first day, by vendor account.
	opening map[string][2]int64
	unknown map[string]int
	first   map[string]Day
}

func (w *window) day(d Day, moves []move) error {
	made := w.made
	if d == made.From {
		w.opening = map[string][2]int64{}
		for vendor, p := range w.pools {
			w.opening[vendor] = p.balances()
		}
		w.totals = totals{}
	}
	vouchers, err := w.reckoning.day(d, moves)
	if err != nil {
		return err
	}
	w.count(d)
	if d < made.From {
		return nil
	}
	for _, v := range vouchers {
		made.Vouchers++
		made.Fen += v.Total()
		standing, err := made.compare(v, w.before)
		if err != nil {
			return err
		}
		written, err := w.emit(v, standing)
		if err != nil {
			return err
		}
		if written {
			made.Written++
		}
	}
	return nil
}

// count notes whose redemptions of a day are not known.
func (w *window) count(d Day) {
	if w.unknown == nil {
		w.unknown, w.first = map[string]int{}, map[string]Day{}
	}
	for vendor := range w.pools {
		if _, is := w.known[vendor][d]; is {
			continue
		}
		if w.first[vendor] == "" {
			w.first[vendor] = d
		}
		if d >= w.made.From {
			w.unknown[vendor]++
			w.made.AccrualOnly = true
		}
	}
}

func (p *pool) balances() (sums [2]int64) {
	for key, c := range p.columns {
		sums[boolInt(!key.paid)] += c.balance
	}
	return sums
}

// end sums up.
func (w *window) end() error {
	made := w.made
	for _, vendor := range slices.Sorted(maps.Keys(w.pools)) {
		p := w.pools[vendor]
		s := PoolStanding{Account: vendor, UnknownDays: w.unknown[vendor], UnknownFrom: w.first[vendor], ExcessPoints: p.excess}
		closing := p.balances()
		for i, roll := range []*Roll{&s.Paid, &s.Given} {
			roll.Opening, roll.Closing = w.opening[vendor][i], closing[i]
			of := func(k Kind) int64 {
				if t := w.totals[totalKey{vendor, k, i == 0}]; t != nil {
					return t.fen
				}
				return 0
			}
			roll.Deferred = of(Deferred) + of(RestDeferred)
			roll.TakenBack = of(Refunded) + of(NotGranted)
			roll.Estimate = of(Estimate)
			roll.Recognised = of(Redeemed) + of(RestRedeemed)
		}
		for key, t := range w.totals {
			switch {
			case key.vendor != vendor:
			case key.kind == Deferred:
				s.GrantedPoints += t.points
			default:
				s.TakenPoints += t.points
			}
		}
		for d, u := range w.known[vendor] {
			if made.From <= d && d <= made.To {
				s.RedeemedPoints += u.redeemed
				s.ExpiredPoints += u.expired
			}
		}
		made.Pools = append(made.Pools, s)
	}
	if made.Pools == nil {
		made.Pools = []PoolStanding{}
	}
	return made.gone(w.before)
}
