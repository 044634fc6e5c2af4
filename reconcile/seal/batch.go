package seal

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// Head is a batch of the seal by its number and hash. The newest one stands for
// everything that is sealed.
type Head struct {
	// Number counts batches from 1; 0: nothing is sealed.
	Number   int64     `json:"number"`
	Hash     string    `json:"hash"`
	SealedAt time.Time `json:"sealed_at"`
}

// batch is one link of the chain.
type batch struct {
	number   int64
	form     int16
	sealedAt time.Time
	// since: what was recorded before is not listed. Zero: all is.
	since    time.Time
	complete bool
	// operationsUpto and actsUpto are the highest ids that are listed so far.
	operationsUpto, actsUpto int64
	// lostNumber and lostHash are of a head outside that the database did not hold; 0
	// is none.
	lostNumber     int64
	lostHash       []byte
	previous, hash []byte
	lists          []list
}

// list is the rows of a table that a batch covers.
type list struct {
	table   string
	ids     spans
	text    string // of ids, as Postgres writes it
	digests []byte
}

// preamble is what every batch's hash begins with.
const preamble = "points-ledger seal 1\n"

// sum is the hash that a batch must have:
//
//	preamble, previous (32 bytes), number, sealed_at, since (8 bytes each), complete (1),
//	operations_upto, acts_upto, lost_number (8 each, 0: none), lost_hash (32 or none),
//	and for each list in the order of the tables' names:
//	name, line feed, ids as text, line feed, digests
//
// Numbers are big-endian; times are microseconds since 2000-01-01 00:00 UTC.
func (b *batch) sum() []byte {
	h := sha256.New()
	head := append([]byte(preamble), b.previous...)
	for _, n := range []int64{b.number, microsOf(b.sealedAt), microsOf(b.since)} {
		head = binary.BigEndian.AppendUint64(head, uint64(n))
	}
	if b.complete {
		head = append(head, 1)
	} else {
		head = append(head, 0)
	}
	for _, n := range []int64{b.operationsUpto, b.actsUpto, b.lostNumber} {
		head = binary.BigEndian.AppendUint64(head, uint64(n))
	}
	h.Write(append(head, b.lostHash...))
	for i := range b.lists {
		l := &b.lists[i]
		fmt.Fprintf(h, "%s\n%s\n", l.table, l.text)
		h.Write(l.digests)
	}
	return h.Sum(nil)
}

func (b *batch) head() Head {
	return Head{Number: b.number, Hash: hex.EncodeToString(b.hash), SealedAt: b.sealedAt.UTC()}
}

func (b *batch) rows() (n int64) {
	for i := range b.lists {
		n += int64(len(b.lists[i].digests) / digestBytes)
	}
	return n
}

// add lists rows of a table.
func (b *batch) add(t *table, rows []row) {
	if len(rows) == 0 {
		return
	}
	slices.SortFunc(rows, func(x, y row) int { return cmp.Compare(x.id, y.id) })
	l := list{table: t.name, digests: make([]byte, 0, digestBytes*len(rows))}
	numbers := make([]int64, len(rows))
	for i := range rows {
		numbers[i] = rows[i].id
		l.digests = append(l.digests, rows[i].digest[:]...)
	}
	l.ids = spansOf(numbers)
	l.text = l.ids.String()
	b.lists = append(b.lists, l)
	highest := numbers[len(numbers)-1]
	switch t.name {
	case "operations":
		b.operationsUpto = max(b.operationsUpto, highest)
	case "ops_actions":
		b.actsUpto = max(b.actsUpto, highest)
	}
}

const (
	sqlInsertBatch = `
INSERT INTO seal_batches (number, form, sealed_at, since, complete, operations_upto, acts_upto, lost_number, lost_hash, previous, hash)
VALUES (@number, @form, @sealed_at, @since, @complete, @operations_upto, @acts_upto, @lost_number, @lost_hash, @previous, @hash)`
	sqlInsertList = `INSERT INTO seal_lists (number, table_name, ids, digests) VALUES ($1, $2, $3::text::int8multirange, $4)`
)

// write adds the batch to the chain. A number or a previous hash that is there already
// undoes the transaction: nobody else seals while the lock is held, so it is not.
func (b *batch) write(ctx context.Context, tx pgx.Tx) error {
	var lost *int64
	if b.lostNumber != 0 {
		lost = &b.lostNumber
	}
	b.hash = b.sum()
	_, err := tx.Exec(ctx, sqlInsertBatch, pgx.StrictNamedArgs{"number": b.number, "form": b.form, "sealed_at": b.sealedAt, "since": instant(b.since),
		"complete": b.complete, "operations_upto": b.operationsUpto, "acts_upto": b.actsUpto, "lost_number": lost, "lost_hash": b.lostHash,
		"previous": b.previous, "hash": b.hash})
	if err != nil {
		return fmt.Errorf("write batch %d of the seal: %w", b.number, err)
	}
	for i := range b.lists {
		l := &b.lists[i]
		if _, err := tx.Exec(ctx, sqlInsertList, b.number, l.table, l.text, l.digests); err != nil {
			return fmt.Errorf("write batch %d of the seal: %w", b.number, err)
		}
	}
	return nil
}

// sqlChain reads the chain, a row for each list (seal_batches_pkey, seal_lists_pkey).
const sqlChain = `
SELECT b.number, b.form, b.sealed_at, b.since, b.complete, b.operations_upto, b.acts_upto, COALESCE(b.lost_number, 0), b.lost_hash, b.previous, b.hash,
       COALESCE(l.table_name, ''), COALESCE(l.ids::text, ''), l.digests
  FROM seal_batches b
  LEFT JOIN seal_lists l ON l.number = b.number
 ORDER BY b.number, l.table_name COLLATE "C"`

// eachBatch hands over the batches in their order, one at a time in memory.
func eachBatch(ctx context.Context, tx pgx.Tx, f func(*batch) error) error {
	rows, err := tx.Query(ctx, sqlChain)
	if err != nil {
		return fmt.Errorf("read the seal: %w", err)
	}
	defer rows.Close()
	var current *batch
	for rows.Next() {
		var b batch
		var l list
		var since pgtype.Timestamptz
		if err := rows.Scan(&b.number, &b.form, &b.sealedAt, &since, &b.complete, &b.operationsUpto, &b.actsUpto, &b.lostNumber, &b.lostHash,
			&b.previous, &b.hash, &l.table, &l.text, &l.digests); err != nil {
			return fmt.Errorf("read the seal: %w", err)
		}
		if since.InfinityModifier == pgtype.Finite {
			b.since = since.Time
		}
		if current == nil || current.number != b.number {
			if current != nil {
				if err := f(current); err != nil {
					return err
				}
			}
			current = &b
		}
		if l.table != "" {
			current.lists = append(current.lists, l)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read the seal: %w", err)
	}
	if current != nil {
		return f(current)
	}
	return nil
}
