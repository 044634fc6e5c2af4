package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger/budgets"
	"pointsledger/ledger/database"
)

// Standing is what must hold for a batch to be written.
type Standing interface {
	// StandsTx is asked first in the transaction of each batch, and keeps what it
	// answers true until that ends. After an error nothing is written.
	StandsTx(ctx context.Context, tx pgx.Tx) error
}

// writeWhile is write under what must hold.
func (s *Store) writeWhile(ctx context.Context, w *recordWrite, standing Standing) (leased []Claimed, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := standing.StandsTx(ctx, tx); err != nil {
			return err
		}
		leased, err = w.send(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return leased, nil
}

// Beside is what a person's act does in the transaction that records its
// operations (RecordBeside).
type Beside interface {
	// BeforeTx is called first, with a verdict on each entry; an error undoes all.
	BeforeTx(ctx context.Context, tx pgx.Tx, verdicts []Verdict) error
	// AfterTx is called last, with the ids of the operations that were written.
	AfterTx(ctx context.Context, tx pgx.Tx, written map[OperationKey]OperationID) error
}

// maxRecordTries bounds how often a batch is tried again after a RaceError. Each
// try sees what the one before lost to, so two workers on one stream need two or
// three.
const maxRecordTries = 10

// RecordBeside decides about entries as Record does, and writes what is accepted
// in one transaction with what stands beside it. What is not accepted is written
// nowhere: it is in rejects already. rebuilt is nil for what is new, and else as
// for RecordRebuilt. The error is a *RaceError, a *RefusedError, that of beside
// as it is, or the database's.
func (s *Store) RecordBeside(ctx context.Context, entries []Entry, rebuilt *Rebuilt, beside Beside) error {
	err := s.recordBeside(ctx, entries, &queueing{rebuilt: rebuilt}, beside)
	if err == nil {
		return nil
	}
	if s.lostRace(err) {
		return &RaceError{err}
	}
	var rejected *Rejection
	if errors.As(err, &rejected) {
		if len(entries) > 1 {
			rejected = nil
		}
		return &RefusedError{Rejection: rejected, Err: err}
	}
	s.behind.Note(err)
	refused := database.ContentError(err)
	if refused == nil || len(entries) == 0 {
		return database.Explain(err)
	}
	if len(entries) > 1 {
		return &RefusedError{Err: database.Explain(err)}
	}
	if entries[0].Event == nil {
		return database.Explain(err)
	}
	if err := s.isSoundAccepted(ctx); err != nil {
		return err
	}
	return &RefusedError{Rejection: refusal(refused), Err: database.Explain(err)}
}

func (s *Store) recordBeside(ctx context.Context, entries []Entry, how *queueing, beside Beside) error {
	known, err := s.lookUp(ctx, entries)
	if err != nil {
		return err
	}
	verdicts := make([]Verdict, len(entries))
	w := s.newWrite(how)
	var referring []Entry
	var declaring []*Entry
	for i := range entries {
		if verdicts[i] = decide(&entries[i], known); verdicts[i].Kind == Accepted {
			known.add(&entries[i])
			switch {
			case refers(entries[i]):
				referring = append(referring, entries[i])
			case declares(entries[i]):
				declaring = append(declaring, &entries[i])
			default:
				w.add(&entries[i])
			}
		}
	}
	if w.budgets, err = budgets.Charge(ctx, s.pool, w.grants()); err != nil {
		return err
	}
	writer := s.budgetWriters.Take()
	defer s.budgetWriters.Give(writer)
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := beside.BeforeTx(ctx, tx, verdicts); err != nil {
			return err
		}
		written, err := w.insertTx(ctx, tx)
		if err != nil {
			return err
		}
		// Before a refund beside it takes from what is parked.
		if err := w.budgets.WriteTx(ctx, tx, writer, how.rebuilt != nil); err != nil {
			return err
		}
		if written, err = s.referBesideTx(ctx, tx, referring, how, written); err != nil {
			return err
		}
		if err := declareTx(ctx, tx, declaring); err != nil {
			return fmt.Errorf("record declarations: %w", err)
		}
		return beside.AfterTx(ctx, tx, written)
	})
}

// referBesideTx writes what refers to earlier facts, and adds its ids to those that
// were written. One that is rejected undoes all: the error is the rejection.
func (s *Store) referBesideTx(ctx context.Context, tx pgx.Tx, entries []Entry, how *queueing, written map[OperationKey]OperationID) (map[OperationKey]OperationID, error) {
	if len(entries) == 0 {
		return written, nil
	}
	verdicts, further, err := s.referTx(ctx, tx, entries, &referring{rebuilt: how.rebuilt})
	if err != nil {
		return nil, err
	}
	for _, v := range verdicts {
		if v.Rejection != nil {
			return nil, v.Rejection
		}
	}
	if written == nil {
		return further, nil
	}
	maps.Copy(written, further)
	return written, nil
}

// insertTx writes the operations and their outbox rows.
func (w *recordWrite) insertTx(ctx context.Context, tx pgx.Tx) (map[OperationKey]OperationID, error) {
	if len(w.operations) == 0 {
		return nil, nil
	}
	args, err := w.arrays()
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, sqlInsertOperations, args...)
	if err != nil {
		return nil, fmt.Errorf("record operations: %w", err)
	}
	written := make(map[OperationKey]OperationID, len(w.operations))
	var id OperationID
	var k OperationKey
	var now time.Time
	_, err = pgx.ForEachRow(rows, []any{&id, &k.Account, &k.BizID, &now}, func() error {
		written[k] = id
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("record operations: %w", err)
	}
	if bulk, some := w.bulkKeys(); some {
		if _, err := tx.Exec(ctx, sqlMarkBulk, bulk...); err != nil {
			return nil, fmt.Errorf("mark the bulk lane: %w", err)
		}
	}
	return written, w.holdTx(ctx, tx)
}

// Judge says what Record would say of each entry if it came alone, and writes
// nothing.
func (s *Store) Judge(ctx context.Context, entries []Entry) ([]Verdict, error) {
	known, err := s.lookUp(ctx, entries)
	if err != nil {
		return nil, err
	}
	verdicts := make([]Verdict, len(entries))
	for i := range entries {
		verdicts[i] = decide(&entries[i], known)
	}
	return verdicts, nil
}
