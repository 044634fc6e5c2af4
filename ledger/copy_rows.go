package ledger

import (
	"bytes"
	"context"
	"encoding/binary"
	"time"

	"github.com/jackc/pgx/v5"
)

// copyRows are rows in the binary format of COPY (PostgreSQL documentation,
// COPY, file formats): of each row the number of its fields, of each field its
// length and its bytes, -1 for NULL.
type copyRows struct{ b []byte }

func newCopyRows(size int) *copyRows {
	c := &copyRows{b: make([]byte, 0, size)}
	c.b = append(c.b, "PGCOPY\n\xff\r\n\x00"...)
	c.b = append(c.b, 0, 0, 0, 0, 0, 0, 0, 0) // no flags, no extension
	return c
}

// send ends the rows and copies them.
func (c *copyRows) send(ctx context.Context, tx pgx.Tx, sql string) error {
	c.b = append(c.b, 0xff, 0xff)
	_, err := tx.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(c.b), sql)
	return err
}

func (c *copyRows) row(fields uint16) { c.b = binary.BigEndian.AppendUint16(c.b, fields) }

func (c *copyRows) length(n uint32) { c.b = binary.BigEndian.AppendUint32(c.b, n) }

func (c *copyRows) null() { c.length(1<<32 - 1) }

func (c *copyRows) text(s string) {
	c.length(uint32(len(s)))
	c.b = append(c.b, s...)
}

// textOrNull writes an empty text as NULL.
func (c *copyRows) textOrNull(s string) {
	if s == "" {
		c.null()
		return
	}
	c.text(s)
}

func (c *copyRows) integer(n int64) {
	c.length(8)
	c.b = binary.BigEndian.AppendUint64(c.b, uint64(n))
}

// bytes writes a value that is its own binary form, as a uuid's is.
func (c *copyRows) bytes(b []byte) {
	c.length(uint32(len(b)))
	c.b = append(c.b, b...)
}

// smallOrNull writes 0 as NULL.
func (c *copyRows) smallOrNull(n int) {
	if n == 0 {
		c.null()
		return
	}
	c.small(n)
}

func (c *copyRows) small(n int) {
	c.length(2)
	c.b = binary.BigEndian.AppendUint16(c.b, uint16(int16(n)))
}

func (c *copyRows) boolean(yes bool) {
	c.length(1)
	if yes {
		c.b = append(c.b, 1)
	} else {
		c.b = append(c.b, 0)
	}
}

// Postgres counts microseconds and days from the beginning of 2000.
const (
	epochSeconds = 946_684_800
	daySeconds   = 86_400
)

func (c *copyRows) time(t time.Time) {
	c.integer((t.Unix()-epochSeconds)*1_000_000 + int64(t.Nanosecond())/1000)
}

// date writes the day of a midnight.
func (c *copyRows) date(t time.Time) {
	c.length(4)
	c.b = binary.BigEndian.AppendUint32(c.b, uint32(int32((t.Unix()-epochSeconds)/daySeconds)))
}
