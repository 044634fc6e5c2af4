package report

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/desk/privacy"
	"pointsledger/reconcile/books"
	"pointsledger/reconcile/runs"
)

// Reports reads comparisons for people. It is safe for concurrent use.
type Reports struct {
	pool  *pgxpool.Pool
	runs  *runs.Runs
	books *books.Books
}

// New returns the reports of the ledger that a pool is on. The pool needs two connections.
func New(pool *pgxpool.Pool) *Reports {
	return &Reports{pool: pool, runs: runs.New(pool, nil), books: books.New(pool)}
}

// Asked is what a report is of.
type Asked struct {
	// Run is the comparison's number.
	Run  int64
	Lang Lang
	// Unmasked leaves mobile numbers in member ids; books.ErrMayNotSeeMembers when the session
	// may not.
	Unmasked bool
}

// Report is a comparison as it is being shown. It is good only inside the function that
// Read calls, and not safe for concurrent use.
type Report struct {
	// Figures are what JSON shows.
	Figures

	asked Asked
	words *words
	zone  *time.Location
	from  time.Time
	until time.Time
	tx    pgx.Tx
	books *books.Books
	// trial is read when it is asked for.
	trial []trialRow
	// withoutSum adds up what shows in no records.
	withoutSum WhySum
}

// Read reads a comparison, and has it shown while its rows can be read: use may ask for
// each form of it. The error is runs.ErrNoRun or runs.ErrNotDone where there is nothing to
// show, or use's own.
func (r *Reports) Read(ctx context.Context, a Asked, use func(*Report) error) error {
	if a.Unmasked {
		if err := books.MaySeeMembers(ctx, r.pool); err != nil {
			return err
		}
	}
	summary, err := r.runs.Show(ctx, a.Run)
	if err != nil {
		return err
	}
	if summary.EndedAt == nil {
		return runs.ErrNotDone
	}
	report := &Report{asked: a, words: wordsOf(a.Lang), books: r.books}
	report.Summary = summary
	if report.zone, err = time.LoadLocation(summary.Zone); err != nil {
		return fmt.Errorf("read the zone of run %d: %w", a.Run, err)
	}
	return pgx.BeginTxFunc(ctx, r.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		report.tx = tx
		if err := report.readFigures(ctx); err != nil {
			return fmt.Errorf("read run %d: %w", a.Run, err)
		}
		return use(report)
	})
}

// member is a member's id as it may be shown.
func (r *Report) member(id string) string { return r.masked(id) }

// masked is a text in which mobile numbers may be shown.
func (r *Report) masked(text string) string {
	if r.asked.Unmasked {
		return text
	}
	return privacy.Mobiles(text)
}

// order is an order's key: it may repeat the member's id, and else stays readable.
func (r *Report) order(key, member string) string {
	if r.asked.Unmasked {
		return key
	}
	return privacy.Hide(key, member)
}

// local is an instant in the report's zone; nil for none.
func (r *Report) local(at *time.Time) any {
	if at == nil || at.IsZero() {
		return nil
	}
	return at.In(r.zone)
}

// optional is a text, nil when it is empty.
func optional(text string) any {
	if text == "" {
		return nil
	}
	return text
}
