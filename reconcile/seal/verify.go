package seal

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/rules"
)

// Verifier looks whether the ledger is what it was. It writes nothing; the finance role
// may run it.
type Verifier struct {
	Pool *pgxpool.Pool
	// Outside keeps the head outside the database. Nil: it is not compared, and the
	// result says why (NoOutside).
	Outside Outside
	// NoOutside is why Outside is nil.
	NoOutside string
	// Rules compiles a registered rule file. Nil: nothing is recomputed, which the result
	// says.
	Rules func(text []byte) (*rules.Rules, error)
	// Stream is read and compared. Nil: it is not, and the result says why (NoStream).
	Stream Stream
	// NoStream is why Stream is nil.
	NoStream string
	// Progress hears what is being looked at, and how much of it is done; nil: nobody.
	Progress func(check string, done int64)
}

// verification is one run of a Verifier.
type verification struct {
	by *Verifier
	*Result
	covers         map[coverKey]cover
	outsideProblem string
}

// Quick looks at the chain and its head alone: that the seal itself is what it was. It
// reads 16 bytes of each row and no row of the ledger.
func (v *Verifier) Quick(ctx context.Context) (Result, error) {
	run := v.begin()
	err := run.sealed(ctx, false)
	run.end()
	return *run.Result, err
}

// Verify makes every check. What does not hold is in the result; the error is the
// database's.
func (v *Verifier) Verify(ctx context.Context) (Result, error) {
	run := v.begin()
	if err := run.sealed(ctx, true); err != nil {
		return *run.Result, err
	}
	if err := run.inItself(ctx); err != nil {
		return *run.Result, err
	}
	if err := run.stream(ctx); err != nil {
		return *run.Result, err
	}
	run.end()
	return *run.Result, nil
}

func (v *Verifier) begin() *verification {
	return &verification{by: v, Result: &Result{Findings: []Finding{}, Covered: []Covered{}}}
}

func (v *verification) progress(check string, done int64) {
	if v.by.Progress != nil {
		v.by.Progress(check, done)
	}
}

// sealed checks the chain, its head, and, with rows, what it covers. The head outside is
// read first: the database is written before it, so that it cannot be behind.
func (v *verification) sealed(ctx context.Context, rows bool) (err error) {
	if v.LedgerID, err = readLedgerID(ctx, v.by.Pool); err != nil {
		return err
	}
	v.readOutside(ctx)
	ch := &chain{listed: map[string]*union{}}
	for i := range tables {
		ch.listed[tables[i].name] = &union{}
	}
	// Room for the lines: the pointers to them stay.
	v.Checks = make([]Check, 0, 16)
	ch.check = v.check(CheckChain, "each batch has its hash, and follows on the last", "batches")
	var inRows *Check
	if rows {
		inRows = v.check(CheckRows, "sealed rows are as they were, no other is as old", "rows")
	}
	err = v.read(ctx, func(tx pgx.Tx) error {
		// The database's clock, as its rows have it.
		if err := tx.QueryRow(ctx, sqlNow).Scan(&v.At); err != nil {
			return fmt.Errorf("verify: %w", err)
		}
		v.At = v.At.UTC()
		if v.covers, err = readCovers(ctx, tx); err != nil {
			return err
		}
		return eachBatch(ctx, tx, func(b *batch) error {
			sound := v.link(ch, b)
			v.progress(CheckChain, ch.check.Checked)
			if !rows || !sound {
				return nil
			}
			return v.read(ctx, func(tx pgx.Tx) error { return v.compareRows(ctx, tx, inRows, b) })
		})
	})
	if err != nil {
		return err
	}
	if ch.last != nil {
		v.Head = ch.last.head()
	}
	v.compareHead(ch)
	if !rows {
		return nil
	}
	return v.read(ctx, func(tx pgx.Tx) error { return v.unlisted(ctx, tx, inRows, ch) })
}

// readWhole runs f in a transaction that writes nothing and reads whole tables: the
// planner is left alone.
func (v *verification) readWhole(ctx context.Context, f func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, v.by.Pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, f)
}

// inItself checks each operation against its own event, its times and its postings.
func (v *verification) inItself(ctx context.Context) error {
	recompute := v.check(CheckRecompute, "the rules make of its own event what it is", "operations")
	refunds := v.check(CheckRefunds, "refunds leave what the amount says", "take-backs")
	times := v.check(CheckTimes, "no instant contradicts another", "operations")
	told := v.check(CheckTold, "it ended once or is to be done, with its points", "operations")
	booked := v.check(CheckBooked, "what is booked later than its day came for a locked one", "late entries")
	again := v.recomputing(recompute)
	if v.by.Rules == nil {
		recompute.Unchecked = "the rules were not asked for"
	}
	return v.readWhole(ctx, func(tx pgx.Tx) error {
		var problem error
		err := v.stories(ctx, tx, func(s *story) {
			v.times(times, s)
			v.told(told, s)
			if v.by.Rules != nil && problem == nil {
				problem = again.operation(ctx, s)
			}
			if told.Checked%1000 == 0 {
				v.progress(CheckRecompute, told.Checked)
			}
		})
		if err == nil {
			err = problem
		}
		if err == nil && v.by.Rules != nil {
			err = again.end(ctx)
		}
		if err == nil {
			err = v.refunds(ctx, tx, refunds)
		}
		if err == nil {
			err = v.orphans(ctx, tx, told)
		}
		if err == nil {
			err = v.booked(ctx, tx, booked)
		}
		return err
	})
}

// read runs f in a transaction that writes nothing.
func (v *verification) read(ctx context.Context, f func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, v.by.Pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, sqlPlan); err != nil {
			return fmt.Errorf("verify: %w", err)
		}
		return f(tx)
	})
}

func (v *verification) readOutside(ctx context.Context) {
	switch {
	case v.by.Outside == nil && v.by.NoOutside == "":
		v.outsideProblem = "the head outside the database was not asked for"
	case v.by.Outside == nil:
		v.outsideProblem = v.by.NoOutside
	case v.LedgerID == "":
		v.outsideProblem = "no worker has used this ledger yet"
	default:
		ask, cancel := context.WithTimeout(ctx, outsideTime)
		defer cancel()
		var err error
		out := &v.Outside
		if out.Number, out.Hash, out.SealedAt, err = v.by.Outside.ReadSeal(ask, v.LedgerID); err != nil {
			v.outsideProblem = fmt.Sprintf("the head outside the database cannot be read: %v", err)
		}
	}
}
