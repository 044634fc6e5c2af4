package seal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// Window is how long before the last complete batch a row may have been recorded
	// that the next one lists. A transaction that writes is bounded to a minute
	// (database.OpenGuardedPool); the rest is for clocks and for people's tools.
	Window = 10 * time.Minute
	// batchRows bounds a batch: what it lists is in memory, here and when it is verified.
	batchRows = 20_000
	// outsideTime bounds a question to what keeps the head outside the database.
	outsideTime = 4 * time.Second
)

// Outside keeps the head outside the database, so that it is neither rolled back nor
// edited with it.
type Outside interface {
	// ReadSeal returns the head of a ledger; number is 0 when there is none.
	ReadSeal(ctx context.Context, ledgerID string) (number int64, hash string, sealedAt time.Time, err error)
	// RaiseSeal puts a head in the place of the one with the number over, 0 for none. Where
	// another one is there by now, that stays.
	RaiseSeal(ctx context.Context, ledgerID string, over, number int64, hash string, sealedAt time.Time) error
}

// Sealer seals what was recorded. It is safe for concurrent use, also by many workers:
// one at a time makes a batch.
type Sealer struct {
	pool    *pgxpool.Pool
	outside Outside
	every   time.Duration
}

// NewSealer returns a sealer of the ledger on a pool. outside is nil where the head
// cannot be kept elsewhere. A batch is made when the last one is older than every; 0 makes
// one whenever it is asked for.
func NewSealer(pool *pgxpool.Pool, outside Outside, every time.Duration) *Sealer {
	return &Sealer{pool, outside, every}
}

// Sealed is what Seal did.
type Sealed struct {
	// Batches and Rows were added to the chain; 0 when there was nothing to seal, or
	// another worker seals.
	Batches, Rows int64
	// Head is the newest of these batches.
	Head Head
	// Lost is the head that was found outside and is not in this database: its newest
	// commits were lost, or somebody removed them. Nil: none.
	Lost *Head
	// Outside is why the head is not kept outside; nil: it is.
	Outside error
}

// Seal lists what is not listed yet, unless the last batch is young. The database is
// written first, then the head outside: what ends between the two is made good by the next
// one.
func (s *Sealer) Seal(ctx context.Context) (Sealed, error) {
	return s.seal(ctx, s.every*9/10, restPart)
}

// Finish lists what is not listed yet, however young the last batch is: a worker stops.
func (s *Sealer) Finish(ctx context.Context) (Sealed, error) { return s.seal(ctx, 0, 0) }

// restPart keeps sealing to a tenth of one processor where very much is to be listed: the
// next batch begins after so many times as long as the last one took. What waits is
// sealed later; the window stays where it is until a batch is complete.
const restPart = 9

// seal makes batches while the last one is older than young.
func (s *Sealer) seal(ctx context.Context, young, rest time.Duration) (done Sealed, err error) {
	ledgerID, err := readLedgerID(ctx, s.pool)
	if err != nil || ledgerID == "" {
		return done, err
	}
	outside := s.readOutside(ctx, ledgerID, &done)
	for more := true; more; {
		var made *batch
		began := time.Now()
		if made, more, err = s.next(ctx, outside, young); err != nil {
			return done, fmt.Errorf("seal: %w", err)
		}
		if made == nil {
			break
		}
		if made.lostNumber != 0 {
			lost := outside
			done.Lost = &lost
		}
		done.Batches, done.Rows, done.Head, outside = done.Batches+1, done.Rows+made.rows(), made.head(), Head{}
		if more {
			idle(ctx, rest*time.Since(began))
		}
	}
	if s.outside != nil && done.Outside == nil {
		done.Outside, err = s.raise(ctx, ledgerID)
	}
	return done, err
}

// raise keeps the newest batch of the database outside, over one that the database holds;
// also one that a sealer made that did not come so far. A head that the database does not
// hold was lost meanwhile: it stays, for the next batch to note.
func (s *Sealer) raise(ctx context.Context, ledgerID string) (problem, err error) {
	ask, cancel := context.WithTimeout(ctx, 2*outsideTime)
	defer cancel()
	var over, head Head
	if over.Number, over.Hash, over.SealedAt, err = s.outside.ReadSeal(ask, ledgerID); err != nil {
		return err, nil
	}
	isKnown := false
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		p, err := readLast(ctx, tx)
		if err != nil {
			return err
		}
		head = Head{Number: p.last.number, Hash: hex.EncodeToString(p.last.hash), SealedAt: p.lastAt.UTC()}
		isKnown, _, err = known(ctx, tx, over)
		return err
	})
	if err == nil && isKnown && over.Number < head.Number {
		problem = s.outside.RaiseSeal(ask, ledgerID, over.Number, head.Number, head.Hash, head.SealedAt)
	}
	return problem, err
}

// idle waits, at most until ctx ends.
func idle(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// readOutside asks before the database is looked at: a head that is ahead of the
// database then is no other worker's that was faster.
func (s *Sealer) readOutside(ctx context.Context, ledgerID string, done *Sealed) (head Head) {
	if s.outside == nil {
		done.Outside = errors.New("nothing is configured to keep it")
		return head
	}
	ask, cancel := context.WithTimeout(ctx, outsideTime)
	defer cancel()
	head.Number, head.Hash, head.SealedAt, done.Outside = s.outside.ReadSeal(ask, ledgerID)
	return head
}

// sqlLedgerID names the ledger; no rows before a worker has used it.
const sqlLedgerID = `SELECT ledger_id::text FROM ledger_identity`

func readLedgerID(ctx context.Context, pool *pgxpool.Pool) (id string, err error) {
	err = pool.QueryRow(ctx, sqlLedgerID).Scan(&id)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("read which ledger it is: %w", err)
	}
	return id, nil
}

// sqlTrySeal lets one seal at a time, until its transaction ends.
const sqlTrySeal = `SELECT pg_try_advisory_xact_lock(hashtextextended('points-ledger seal', 0))`

// next makes a batch, or none when there is nothing to list or somebody else seals. more
// tells that there is more to list.
func (s *Sealer) next(ctx context.Context, outside Head, young time.Duration) (made *batch, more bool, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		free := false
		if err := tx.QueryRow(ctx, sqlTrySeal).Scan(&free); err != nil || !free {
			return err
		}
		if _, err := tx.Exec(ctx, sqlPlan); err != nil {
			return err
		}
		p, err := readPlace(ctx, tx)
		if err != nil {
			return err
		}
		b := p.begin()
		if err := b.noteLoss(ctx, tx, outside); err != nil {
			return err
		}
		age := p.now.Sub(p.lastAt).Abs()
		if b.lostNumber == 0 && p.lastComplete && age < young {
			return nil
		}
		if err := p.collect(ctx, tx, b); err != nil {
			return err
		}
		if b.rows() == 0 && b.lostNumber == 0 && p.lastComplete && age < Window {
			return nil // but a batch now and then, so that what is recorded before it is over
		}
		made, more = b, !b.complete
		return b.write(ctx, tx)
	})
	if err != nil {
		return nil, false, err
	}
	return made, more, nil
}

// place is where the chain stands, and which ids the batches of the window list.
type place struct {
	now, lastAt   time.Time
	lastComplete  bool
	last          batch
	since         time.Time
	lowOp, lowAct int64
	listed        map[string]*union
}

const (
	// sqlLastBatch is the head (seal_batches_pkey); no rows in a ledger that is not sealed.
	sqlLastBatch = `
SELECT number, sealed_at, complete, operations_upto, acts_upto, hash FROM seal_batches ORDER BY number DESC LIMIT 1`
	sqlNow = `SELECT now()`
	// sqlLastComplete is when the last complete batch was made; no rows: never.
	sqlLastComplete = `SELECT sealed_at FROM seal_batches WHERE complete ORDER BY number DESC LIMIT 1`
	// sqlBeforeWindow is the last batch before the window: what is recorded in the window
	// has ids above those that it and earlier ones list. No rows: none is.
	sqlBeforeWindow = `
SELECT number, operations_upto, acts_upto FROM seal_batches WHERE sealed_at < $1 ORDER BY number DESC LIMIT 1`
	// sqlListed are the ids that later batches list.
	sqlListed = `SELECT table_name, ids::text FROM seal_lists WHERE number > $1`
)

// readLast reads where the chain ends.
func readLast(ctx context.Context, tx pgx.Tx) (*place, error) {
	p := &place{lowOp: math.MinInt64, lowAct: math.MinInt64, listed: map[string]*union{}}
	p.last.hash = make([]byte, sha256.Size)
	err := optional(tx.QueryRow(ctx, sqlLastBatch).Scan(&p.last.number, &p.lastAt, &p.lastComplete, &p.last.operationsUpto, &p.last.actsUpto, &p.last.hash))
	if err != nil {
		return nil, fmt.Errorf("read the seal: %w", err)
	}
	return p, nil
}

func readPlace(ctx context.Context, tx pgx.Tx) (*place, error) {
	p, err := readLast(ctx, tx)
	if err != nil {
		return nil, err
	}
	for i := range tables {
		p.listed[tables[i].name] = &union{}
	}
	if err := tx.QueryRow(ctx, sqlNow).Scan(&p.now); err != nil {
		return nil, fmt.Errorf("read the seal: %w", err)
	}
	var complete time.Time
	if err := optional(tx.QueryRow(ctx, sqlLastComplete).Scan(&complete)); err != nil {
		return nil, fmt.Errorf("read the seal: %w", err)
	}
	var before int64
	if !complete.IsZero() {
		// A clock that was set back makes rows that look older than the last batch.
		if p.now.Before(complete) {
			complete = p.now
		}
		p.since = complete.Add(-Window)
		var op, act int64
		if err := optional(tx.QueryRow(ctx, sqlBeforeWindow, p.since).Scan(&before, &op, &act)); err != nil {
			return nil, fmt.Errorf("read the seal: %w", err)
		}
		if before > 0 {
			p.lowOp, p.lowAct = op+1, act+1
		}
	}
	rows, err := tx.Query(ctx, sqlListed, before)
	if err != nil {
		return nil, fmt.Errorf("read what is sealed: %w", err)
	}
	var name, text string
	_, err = pgx.ForEachRow(rows, []any{&name, &text}, func() error {
		ids, err := parseSpans(text)
		if u := p.listed[name]; u != nil {
			u.add(ids)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what is sealed: %w", err)
	}
	return p, nil
}

// optional takes no rows for nothing to read.
func optional(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	return err
}

// begin is the batch behind the last one, without rows.
func (p *place) begin() *batch {
	return &batch{number: p.last.number + 1, form: form, sealedAt: p.now, since: p.since,
		operationsUpto: p.last.operationsUpto, actsUpto: p.last.actsUpto, previous: p.last.hash}
}

// sqlBatchHash is the hash of a batch; no rows when it is not there.
const sqlBatchHash = `SELECT hash FROM seal_batches WHERE number = $1`

// sqlLossNoted tells whether a batch says already that a head was not in the database.
const sqlLossNoted = `SELECT EXISTS (SELECT FROM seal_batches WHERE lost_number = $1 AND lost_hash = $2)`

// known tells whether the database holds a head, or says that it was lost.
func known(ctx context.Context, tx pgx.Tx, head Head) (known bool, hash []byte, err error) {
	if head.Number == 0 {
		return true, nil, nil
	}
	if hash, err = hex.DecodeString(head.Hash); err != nil {
		return false, nil, fmt.Errorf("read the head outside: %w", err)
	}
	var held []byte
	if err := optional(tx.QueryRow(ctx, sqlBatchHash, head.Number).Scan(&held)); err != nil {
		return false, nil, fmt.Errorf("read the seal: %w", err)
	}
	if known = bytes.Equal(held, hash); !known {
		if err := tx.QueryRow(ctx, sqlLossNoted, head.Number, hash).Scan(&known); err != nil {
			return false, nil, fmt.Errorf("read the seal: %w", err)
		}
	}
	return known, hash, nil
}

// noteLoss keeps a head outside that the database does not hold in the chain. Numbers go
// on above it, so that none comes twice.
func (b *batch) noteLoss(ctx context.Context, tx pgx.Tx, outside Head) error {
	noted, hash, err := known(ctx, tx, outside)
	if err == nil && !noted {
		b.lostNumber, b.lostHash = outside.Number, hash
		b.number = max(b.number, outside.Number+1)
	}
	return err
}

// collect lists what is committed and not listed yet, up to a batch's bound.
func (p *place) collect(ctx context.Context, tx pgx.Tx, b *batch) error {
	left := int64(batchRows)
	for i := range tables {
		t, known := &tables[i], p.listed[tables[i].name].all()
		var rows []row
		keep := func(r row) { rows = append(rows, r) }
		var err error
		if t.since == "" || p.since.IsZero() {
			low := everything
			switch t.name {
			case "operations":
				low.low = p.lowOp
			case "ops_actions":
				low.low = p.lowAct
			}
			err = t.rowsIn(ctx, tx, known.gaps(low), p.since, left, keep)
		} else {
			err = t.rowsSince(ctx, tx, p.since, known, left, keep)
		}
		if err != nil {
			return err
		}
		b.add(t, rows)
		left -= int64(len(rows))
	}
	b.complete = left > 0
	return nil
}
