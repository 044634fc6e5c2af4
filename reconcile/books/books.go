package books

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/desk/privacy"
)

// MembersRole is the role whose members may have member ids unmasked.
const MembersRole = "points_ledger_members"

// Books answers questions about the books. It is safe for concurrent use.
type Books struct{ pool *pgxpool.Pool }

// New returns the books of the ledger on a pool.
func New(pool *pgxpool.Pool) *Books { return &Books{pool} }

// Asked is what every question says. The zero value asks for all, as the books stand
// now.
type Asked struct {
	// AsOf leaves out what was booked after it. Zero: now.
	AsOf time.Time
	// Date leaves out what has a later business date, as 2026-11-20. Empty: no bound.
	// Not beside AsOf.
	Date string
	// Booked leaves out what is booked on a later day (accounting_date): what a closing goes
	// by. Empty: no bound. Not beside Date.
	Booked string
	// Account is a vendor account; empty: all.
	Account string
	// Unmasked leaves mobile numbers in member ids.
	Unmasked bool
}

func (a *Asked) args() pgx.StrictNamedArgs {
	args := pgx.StrictNamedArgs{"account": a.Account, "as_of": nil, "through": nil, "booked": nil}
	if !a.AsOf.IsZero() {
		args["as_of"] = a.AsOf
	}
	if a.Date != "" {
		args["through"] = a.Date
	}
	if a.Booked != "" {
		args["booked"] = a.Booked
	}
	return args
}

func (a *Asked) masked(text string) string {
	if a.Unmasked {
		return text
	}
	return privacy.Mobiles(text)
}

// Standing says which books an answer is of.
type Standing struct {
	// AsOf is the instant asked for, or when the books were read.
	AsOf time.Time `json:"as_of"`
	// Date is the last business date; empty: all.
	Date string `json:"date"`
	// Booked is the last day on which something is booked; empty: all.
	Booked string `json:"booked"`
	// Account is the vendor account; empty: all.
	Account string `json:"account"`
}

// asked is the part of a WHERE clause that every question has.
const asked = `(@as_of::timestamptz IS NULL OR at <= @as_of) AND (@through::date IS NULL OR business_date <= @through) AND (@booked::date IS NULL OR accounting_date <= @booked) AND (@account::text = '' OR target = @account)`

// sqlNow is the instant of the transaction, and sqlMaySee whether its user may see
// members: a superuser may once there is the role.
const (
	sqlNow    = `SELECT now()`
	sqlMaySee = `SELECT COALESCE((SELECT pg_has_role(session_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = $1), false)`
)

// sqlHasAccount stops at the account's first operation; of one that has none it reads all.
const sqlHasAccount = `SELECT EXISTS (SELECT FROM operations WHERE target = $1)`

// read asks in one transaction that sees one moment and writes nothing. ask gets the
// instant of the answer.
func (b *Books) read(ctx context.Context, a *Asked, what string, ask func(pgx.Tx, time.Time) error) (s Standing, err error) {
	s = Standing{AsOf: a.AsOf, Date: a.Date, Booked: a.Booked, Account: a.Account}
	err = pgx.BeginTxFunc(ctx, b.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if a.Unmasked {
			may := false
			if err := tx.QueryRow(ctx, sqlMaySee, MembersRole).Scan(&may); err != nil {
				return err
			}
			if !may {
				return ErrMayNotSeeMembers
			}
		}
		if a.Account != "" {
			has := false
			if err := tx.QueryRow(ctx, sqlHasAccount, a.Account).Scan(&has); err != nil {
				return err
			}
			if !has {
				return fmt.Errorf("account %s: %w", a.Account, ErrNoAccount)
			}
		}
		if s.AsOf.IsZero() {
			if err := tx.QueryRow(ctx, sqlNow).Scan(&s.AsOf); err != nil {
				return err
			}
		}
		return ask(tx, s.AsOf)
	})
	s.AsOf = s.AsOf.UTC()
	if err != nil {
		return s, fmt.Errorf("read %s: %w", what, err)
	}
	return s, nil
}

// MaySeeMembers tells whether the database's session may have member ids unmasked. The error is
// ErrMayNotSeeMembers when not.
func MaySeeMembers(ctx context.Context, pool *pgxpool.Pool) error {
	may := false
	if err := pool.QueryRow(ctx, sqlMaySee, MembersRole).Scan(&may); err != nil {
		return fmt.Errorf("ask for the right to see members: %w", err)
	}
	if !may {
		return ErrMayNotSeeMembers
	}
	return nil
}

// collect runs a query and collects its rows; never nil.
func collect[T any](ctx context.Context, tx pgx.Tx, sql string, args pgx.StrictNamedArgs, scan func(pgx.CollectableRow) (T, error)) ([]T, error) {
	rows, err := tx.Query(ctx, sql, args)
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, scan)
	if found == nil {
		found = []T{}
	}
	return found, err
}
