package runs

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Remark is what a person says of an item. What is nil stays; an empty text takes it away.
type Remark struct {
	Owner, Note *string
	// By is who says it.
	By string
}

// sqlItemKey locks an item (reconcile_items_pkey); no row means that there is none.
const sqlItemKey = `SELECT item_key, differs, explained_at IS NOT NULL FROM reconcile_items WHERE run_id = $1 AND no = $2 FOR UPDATE`

// sqlRemark keeps what was said; sqlSetOwner and the like put it into the item.
const (
	sqlRemark    = `INSERT INTO reconcile_remarks (item_key, what, text, said_by) VALUES ($1, $2, $3, $4)`
	sqlSetOwner  = `UPDATE reconcile_items SET owner = NULLIF($3::text, '') WHERE run_id = $1 AND no = $2`
	sqlSetNote   = `UPDATE reconcile_items SET note = NULLIF($3::text, '') WHERE run_id = $1 AND no = $2`
	sqlExplain   = `UPDATE reconcile_items SET explained_by = $3, explained_at = now(), explained_why = $4 WHERE run_id = $1 AND no = $2`
	sqlUnexplain = `UPDATE reconcile_items SET explained_by = NULL, explained_at = NULL, explained_why = NULL WHERE run_id = $1 AND no = $2`
)

// Remark sets owner and note of an item. They count for the same difference in later runs.
func (r *Runs) Remark(ctx context.Context, id ItemID, m Remark) error {
	return r.about(ctx, id, func(tx pgx.Tx, key string, _, _ bool) error {
		for _, part := range []struct {
			what, sql string
			text      *string
		}{{"owner", sqlSetOwner, m.Owner}, {"note", sqlSetNote, m.Note}} {
			if part.text == nil {
				continue
			}
			if _, err := tx.Exec(ctx, sqlRemark, key, part.what, storable(*part.text), m.By); err != nil {
				return fmt.Errorf("keep a remark: %w", err)
			}
			if _, err := tx.Exec(ctx, part.sql, id.Run, id.No, storable(*part.text)); err != nil {
				return fmt.Errorf("keep a remark: %w", err)
			}
		}
		return nil
	})
}

// Explain says why an item is no fault, or is dealt with: it is unexplained no more, in this
// run and in every later one that finds the same. Nothing of ledger or vendor changes.
func (r *Runs) Explain(ctx context.Context, id ItemID, by, why string) error {
	return r.about(ctx, id, func(tx pgx.Tx, key string, differs, _ bool) error {
		if !differs {
			return ErrNothingToExplain
		}
		if _, err := tx.Exec(ctx, sqlRemark, key, "explained", storable(why), by); err != nil {
			return fmt.Errorf("keep an explanation: %w", err)
		}
		if _, err := tx.Exec(ctx, sqlExplain, id.Run, id.No, by, storable(why)); err != nil {
			return fmt.Errorf("keep an explanation: %w", err)
		}
		return nil
	})
}

// Unexplain takes an explanation back, with why. That there was one stays in
// reconcile_remarks.
func (r *Runs) Unexplain(ctx context.Context, id ItemID, by, why string) error {
	return r.about(ctx, id, func(tx pgx.Tx, key string, _, explained bool) error {
		if !explained {
			return nil
		}
		if _, err := tx.Exec(ctx, sqlRemark, key, "unexplained", storable(why), by); err != nil {
			return fmt.Errorf("take an explanation back: %w", err)
		}
		if _, err := tx.Exec(ctx, sqlUnexplain, id.Run, id.No); err != nil {
			return fmt.Errorf("take an explanation back: %w", err)
		}
		return nil
	})
}

// about does something to an item that is there.
func (r *Runs) about(ctx context.Context, id ItemID, do func(tx pgx.Tx, key string, differs, explained bool) error) error {
	return mayNotWrite(pgx.BeginTxFunc(ctx, r.pool, readWrite, func(tx pgx.Tx) error {
		var key string
		var differs, explained bool
		err := tx.QueryRow(ctx, sqlItemKey, id.Run, id.No).Scan(&key, &differs, &explained)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return ErrNoItem
		case err != nil:
			return fmt.Errorf("read item %s: %w", id, err)
		}
		return do(tx, key, differs, explained)
	}))
}
