package seal

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// form numbers what follows: the tables, their columns and how they are written. A
// batch of another form is none that this program can check.
const form = 1

// digestBytes of a row's SHA-256 are kept in a list.
const digestBytes = 16

type digest [digestBytes]byte

// table is one whose rows are sealed.
type table struct {
	name string
	// in finds rows by their ids, in the order of no one: from $1 on, below $2, recorded
	// not before $3, at most $4.
	in string
	// since finds rows by when they were recorded: not before $1, with none of the ids
	// $2, at most $3. Empty: ids are given out in the order of time, within a
	// transaction's length, so that they find them.
	since string
}

// tables in the order of their names, as a batch hashes them. What a refund takes
// (reversals) is written with its operation, and is in the operation's digest.
var tables = [...]table{
	{"corrections", sqlCorrectionsIn, sqlCorrectionsSince},
	{"operations", sqlOperationsIn, ""},
	{"ops_actions", sqlActsIn, ""},
	{"postings", sqlPostingsIn, sqlPostingsSince},
}

// Each statement gives the id, the instant of recording, and then the columns of the
// digest, in this order for ever. They lock nothing. The first reads by primary key,
// however many rows there are (ids); the other by the BRIN index of its column.
const (
	ids = ` FROM unnest($1::bigint[], $2::bigint[]) AS g (low, high) JOIN `

	operationColumns = `
SELECT o.id, o.recorded_at,
       o.id, o.target, o.kind, o.biz_id, o.business_key, o.member_id, o.member_code, o.points, o.source_type, o.points_channel, o.reason, o.reference,
       o.business_date, o.shop_code, o.amount_fen, o.mapping_version, o.event_source, o.event_id, o.event_type, o.event_time, o.event_subject,
       o.stream_seq, o.broker_time, o.data, o.recorded_at, o.fact_key, o.fact_leg,
       r.origin_id, r.amount_fen, r.kept_before, r.kept_after, r.netted, r.ends`
	sqlOperationsIn = operationColumns + ids + `operations o ON o.id >= g.low AND o.id < g.high
  LEFT JOIN reversals r ON r.operation_id = o.id
 WHERE o.recorded_at >= $3
 LIMIT $4`

	postingColumns = `
SELECT p.operation_id, p.posted_at,
       p.operation_id, p.kind, p.evidence, p.member_id, p.attempts, p.http_status, p.vendor_code, p.vendor_message, p.posted_at, p.first_sent_at,
       p.by_code, p.points`
	sqlPostingsIn = postingColumns + ids + `postings p ON p.operation_id >= g.low AND p.operation_id < g.high
 WHERE p.posted_at >= $3
 LIMIT $4`
	sqlPostingsSince = postingColumns + `
  FROM postings p
 WHERE p.posted_at >= $1 AND NOT p.operation_id <@ $2::int8multirange
 LIMIT $3`

	correctionColumns = `
SELECT c.operation_id, c.corrected_at,
       c.operation_id, c.kind, c.evidence, c.member_id, c.http_status, c.vendor_code, c.vendor_message, c.corrected_at`
	sqlCorrectionsIn = correctionColumns + ids + `corrections c ON c.operation_id >= g.low AND c.operation_id < g.high
 WHERE c.corrected_at >= $3
 LIMIT $4`
	sqlCorrectionsSince = correctionColumns + `
  FROM corrections c
 WHERE c.corrected_at >= $1 AND NOT c.operation_id <@ $2::int8multirange
 LIMIT $3`

	sqlActsIn = `
SELECT a.id, a.at,
       a.id, a.at, a.actor, a.action, a.filter, a.reason, a.set_size, a.result` + ids + `ops_actions a ON a.id >= g.low AND a.id < g.high
 WHERE a.at >= $3
 LIMIT $4`
)

// sqlPlan has the planner read by the indexes that the statements above name, whatever
// the session's settings and the tables' statistics are, until the transaction ends.
const sqlPlan = `
SELECT set_config(name, value, true)
  FROM (VALUES ('enable_seqscan', 'off'), ('enable_hashjoin', 'off'), ('enable_mergejoin', 'off'), ('enable_bitmapscan', 'on'),
               ('enable_indexscan', 'on'), ('enable_nestloop', 'on'), ('jit', 'off')) AS s (name, value)`

// row is what is sealed of one.
type row struct {
	id     int64
	at     time.Time
	digest digest
}

// rowsIn reads the rows of a table by their ids.
func (t *table) rowsIn(ctx context.Context, tx pgx.Tx, in spans, since time.Time, most int64, f func(row)) error {
	lows, highs := make([]int64, len(in)), make([]int64, len(in))
	for i, r := range in {
		lows[i], highs[i] = r.low, r.high
	}
	return t.rows(ctx, tx, f, t.in, lows, highs, instant(since), most)
}

// rowsSince reads the rows of a table that were recorded since and are not among those
// that are known.
func (t *table) rowsSince(ctx context.Context, tx pgx.Tx, since time.Time, known spans, most int64, f func(row)) error {
	return t.rows(ctx, tx, f, t.since, instant(since), known.String(), most)
}

// instant is a time for Postgres; zero is before all others.
func instant(at time.Time) pgtype.Timestamptz {
	if at.IsZero() {
		return pgtype.Timestamptz{Valid: true, InfinityModifier: pgtype.NegativeInfinity}
	}
	return pgtype.Timestamptz{Time: at, Valid: true}
}

func (t *table) rows(ctx context.Context, tx pgx.Tx, f func(row), sql string, args ...any) error {
	rows, err := tx.Query(ctx, sql, append([]any{pgx.QueryResultFormats{pgx.BinaryFormatCode}}, args...)...)
	if err != nil {
		return fmt.Errorf("read %s: %w", t.name, err)
	}
	defer rows.Close()
	buffer := make([]byte, 0, 1024)
	for rows.Next() {
		values := rows.RawValues()
		r := row{id: int64(binary.BigEndian.Uint64(values[0])), at: postgresTime(int64(binary.BigEndian.Uint64(values[1])))}
		buffer = appendRow(buffer[:0], t.name, values[2:])
		sum := sha256.Sum256(buffer)
		r.digest = digest(sum[:digestBytes])
		f(r)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read %s: %w", t.name, err)
	}
	return nil
}

// appendRow appends what is hashed of a row: the table's name and a line feed, and then
// the row as COPY … (FORMAT binary) writes it: the number of columns in two bytes, and
// each column's length in four (−1: NULL) with its bytes.
func appendRow(to []byte, name string, values [][]byte) []byte {
	to = append(append(to, name...), '\n')
	to = binary.BigEndian.AppendUint16(to, uint16(len(values)))
	for _, v := range values {
		if v == nil {
			to = binary.BigEndian.AppendUint32(to, 1<<32-1)
			continue
		}
		to = binary.BigEndian.AppendUint32(to, uint32(len(v)))
		to = append(to, v...)
	}
	return to
}

// postgresEpoch is what Postgres counts microseconds from.
var postgresEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

const beforeAll = -1 << 63 // '-infinity'

// postgresTime is a timestamptz by its binary form; '-infinity' is zero.
func postgresTime(micros int64) time.Time {
	if micros == beforeAll {
		return time.Time{}
	}
	return time.UnixMicro(postgresEpoch.UnixMicro() + micros).UTC()
}

// microsOf is the binary form of a timestamptz; zero is '-infinity'.
func microsOf(at time.Time) int64 {
	if at.IsZero() {
		return beforeAll
	}
	return at.UnixMicro() - postgresEpoch.UnixMicro()
}
