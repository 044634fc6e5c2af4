package continuity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Database is where a connection leads.
type Database struct {
	// SystemIdentifier is the cluster's, from pg_control_system(); a standby
	// and a restored backup have the same. 0: not readable.
	SystemIdentifier int64
	// Timeline of the WAL; it changes when a standby takes over and when a
	// backup is recovered. 0: not readable.
	Timeline int64
	// Hidden says which of them this role may not read, and what grants it.
	Hidden string
}

// Identity is what the ledger remembers of its database and of the stream.
type Identity struct {
	// LedgerID was made with the row. It tells two ledgers in one cluster
	// apart, and goes with the data into a backup.
	LedgerID string
	Database Database
	// Stream and Durable are the consumer's; Durable is empty in a row from
	// before it was kept.
	Stream, Durable string
	// StreamCreated is zero while no stream was seen.
	StreamCreated time.Time
	// AckedSeq: every event up to it was acknowledged before BeatAt.
	AckedSeq uint64
	// LastSeq and LastBrokerTime are of an event of the newest batch at BeatAt;
	// zero when there was none.
	LastSeq        uint64
	LastBrokerTime time.Time
	// BeatAt is the database's time of the last write. What a database lost
	// that took over was committed after it.
	BeatAt time.Time
	// Beat counts the writes of the row, and is never lowered: a database that
	// shows a lower one than was seen has lost commits. It is no time, so a step
	// of a clock means nothing to it.
	Beat int64
}

// Session is one connection for looking at the database's identity and
// writing it down. All its statements reach the same server: when a standby
// takes over meanwhile they fail, so that what was learned of the old server is
// never written to the new one. It is not safe for concurrent use.
type Session struct {
	conn *pgxpool.Conn
}

// OpenSession takes a connection; Close gives it back.
func OpenSession(ctx context.Context, pool *pgxpool.Pool) (*Session, error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to read the database's identity: %w", err)
	}
	return &Session{conn: conn}, nil
}

// Close gives the connection back.
func (s *Session) Close() { s.conn.Release() }

// Now reads which database this is.
func (s *Session) Now(ctx context.Context) (Database, error) {
	return readDatabase(ctx, s.conn.Conn())
}

// Remembered reads what the ledger remembers; ok is false when it has never
// been used.
func (s *Session) Remembered(ctx context.Context) (id Identity, ok bool, err error) {
	return readIdentity(ctx, s.conn.Conn())
}

// Postgres lets every role call these functions; an administrator, and some
// hosted Postgres, may have revoked it.
const (
	sqlSystemIdentifier = `SELECT system_identifier FROM pg_control_system()`
	// sqlTimeline is the timeline that is being written, NULL on a standby. The
	// one in pg_control_checkpoint() is the last checkpoint's, which a standby
	// that took over shows for minutes.
	sqlTimeline = `
SELECT CASE WHEN pg_is_in_recovery() THEN NULL
            ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint END`
)

func readDatabase(ctx context.Context, conn *pgx.Conn) (d Database, err error) {
	err = conn.QueryRow(ctx, sqlSystemIdentifier).Scan(&d.SystemIdentifier)
	if isRefusedFunction(err) {
		d.Hidden, err = `the system identifier: GRANT EXECUTE ON FUNCTION pg_control_system() TO the worker's role`, nil
	}
	if err != nil {
		return d, fmt.Errorf("read system identifier: %w", err)
	}
	var timeline *int64
	err = conn.QueryRow(ctx, sqlTimeline).Scan(&timeline)
	switch {
	case isRefusedFunction(err):
		if d.Hidden != "" {
			d.Hidden += "; "
		}
		d.Hidden += `the timeline: GRANT EXECUTE ON FUNCTION pg_walfile_name(pg_lsn), pg_current_wal_lsn() TO the worker's role`
	case err != nil:
		return d, fmt.Errorf("read timeline: %w", err)
	case timeline == nil:
		return d, ErrStandby
	default:
		d.Timeline = *timeline
	}
	return d, nil
}

// isRefusedFunction tells that the function is there but not for us, or not in
// this kind of Postgres.
func isRefusedFunction(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	const insufficientPrivilege, notSupported, undefinedFunction = "42501", "0A000", "42883"
	return pg.Code == insufficientPrivilege || pg.Code == notSupported || pg.Code == undefinedFunction
}

// sqlReadIdentity reads the one row; none means a ledger that was never used.
const sqlReadIdentity = `
SELECT ledger_id::text, COALESCE(system_identifier, 0), COALESCE(timeline, 0), stream, durable,
       stream_created, acked_seq, last_seq, last_broker_time, beat_at, beat
  FROM ledger_identity`

func readIdentity(ctx context.Context, conn *pgx.Conn) (id Identity, ok bool, err error) {
	var created, last *time.Time
	var acked, seq int64
	err = conn.QueryRow(ctx, sqlReadIdentity).Scan(&id.LedgerID, &id.Database.SystemIdentifier, &id.Database.Timeline,
		&id.Stream, &id.Durable, &created, &acked, &seq, &last, &id.BeatAt, &id.Beat)
	if errors.Is(err, pgx.ErrNoRows) {
		return id, false, nil
	}
	if err != nil {
		return id, false, fmt.Errorf("read ledger identity: %w", err)
	}
	if created != nil {
		id.StreamCreated = *created
	}
	if last != nil {
		id.LastBrokerTime = *last
	}
	id.AckedSeq, id.LastSeq = uint64(acked), uint64(seq)
	return id, true, nil
}

// sqlIsEmpty tells whether the ledger holds no operation, no reject and no declaration.
const sqlIsEmpty = `SELECT NOT EXISTS (SELECT FROM operations) AND NOT EXISTS (SELECT FROM rejects) AND NOT EXISTS (SELECT FROM declarations)`

// Empty tells whether the ledger holds no operation, no reject and no declaration.
func (s *Session) Empty(ctx context.Context) (empty bool, err error) {
	if err := s.conn.QueryRow(ctx, sqlIsEmpty).Scan(&empty); err != nil {
		return false, fmt.Errorf("look whether the ledger is empty: %w", err)
	}
	return empty, nil
}

// sqlNewest is what survived of the newest batches: the rows with the highest
// ids, by primary key, and the newest declaration (declarations_newest_idx). It costs the recording of events nothing. Both columns
// are NULL in an empty ledger.
const sqlNewest = `
SELECT stream_seq, broker_time
  FROM ((SELECT stream_seq, broker_time, recorded_at FROM operations ORDER BY id DESC LIMIT 1)
        UNION ALL
        (SELECT stream_seq, broker_time, rejected_at FROM rejects ORDER BY id DESC LIMIT 1)
        UNION ALL
        (SELECT stream_seq, broker_time, recorded_at FROM declarations ORDER BY broker_time DESC, stream_seq DESC LIMIT 1)) AS newest
 ORDER BY recorded_at DESC
 LIMIT 1`

// sqlRemember writes the row, which it makes at the first use. The counter ends
// above what it was and above @witness_beat.
const sqlRemember = `
WITH newest AS (` + sqlNewest + `)
INSERT INTO ledger_identity AS i (system_identifier, timeline, stream, durable, stream_created, acked_seq, last_seq, last_broker_time, beat)
SELECT NULLIF(@system::bigint, 0), NULLIF(@timeline::bigint, 0), @stream, @durable, @stream_created, @acked_seq, COALESCE((SELECT stream_seq FROM newest), 0),
       (SELECT broker_time FROM newest), @witness_beat::bigint + 1
ON CONFLICT ON CONSTRAINT ledger_identity_pkey DO UPDATE
   SET system_identifier = COALESCE(EXCLUDED.system_identifier, i.system_identifier),
       timeline = COALESCE(EXCLUDED.timeline, i.timeline), stream = EXCLUDED.stream, durable = EXCLUDED.durable,
       stream_created = COALESCE(EXCLUDED.stream_created, i.stream_created), acked_seq = EXCLUDED.acked_seq,
       last_seq = EXCLUDED.last_seq, last_broker_time = EXCLUDED.last_broker_time, beat_at = GREATEST(now(), i.beat_at),
       beat = GREATEST(i.beat + 1, EXCLUDED.beat)`

// Remember writes down the database and the stream as they are now, once a
// worker has made sure that the ledger knows every event up to id.AckedSeq. The
// counter ends above id.Beat, which is the witness's (0: there is none).
func (s *Session) Remember(ctx context.Context, id Identity) error {
	if _, err := s.conn.Exec(ctx, sqlRemember, pgx.StrictNamedArgs{"system": id.Database.SystemIdentifier,
		"timeline": id.Database.Timeline, "stream": id.Stream, "durable": id.Durable, "stream_created": orNull(id.StreamCreated),
		"acked_seq": int64(id.AckedSeq), "witness_beat": id.Beat}); err != nil {
		return fmt.Errorf("remember ledger identity: %w", err)
	}
	return nil
}

// sqlBeat writes the row of a ledger that is the one it was, and raises its
// counter. Zero rows mean that it is not: another ledger, or a state of it older
// than the caller saw. It locks the one row (ledger_identity_pkey), so that
// workers that beat at once each get a counter of their own.
const sqlBeat = `
WITH newest AS (` + sqlNewest + `)
UPDATE ledger_identity
   SET stream_created = COALESCE(stream_created, $3), beat_at = GREATEST(now(), beat_at),
       acked_seq = GREATEST(acked_seq, $4), last_seq = COALESCE((SELECT stream_seq FROM newest), 0),
       last_broker_time = (SELECT broker_time FROM newest), beat = beat + 1
 WHERE ledger_id = $1::uuid AND beat >= $2 AND (stream_created IS NULL OR stream_created = $3)
RETURNING beat`

// Beat notes that every event of the stream up to acked was acknowledged, and
// raises the counter, whose new value it returns. It is false when the ledger
// is not as seen.
func (s *Session) Beat(ctx context.Context, seen Identity, streamCreated time.Time, acked uint64) (beat int64, ok bool, err error) {
	err = s.conn.QueryRow(ctx, sqlBeat, seen.LedgerID, seen.Beat, orNull(streamCreated), int64(acked)).Scan(&beat)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("write ledger identity: %w", err)
	}
	return beat, true, nil
}

// sqlRaise raises the counter above the witness's, where somebody wrote the
// witness while a look mended the ledger. Zero rows: another ledger.
const sqlRaise = `
UPDATE ledger_identity
   SET beat = GREATEST(beat, $2::bigint) + 1, beat_at = GREATEST(now(), beat_at)
 WHERE ledger_id = $1::uuid
RETURNING beat`

// Raise lets the counter of a ledger end above a witness's, and returns it. It
// is only for a ledger that was just compared and mended: anywhere else it would
// hide that commits were lost.
func (s *Session) Raise(ctx context.Context, ledgerID string, above int64) (beat int64, err error) {
	err = s.conn.QueryRow(ctx, sqlRaise, ledgerID, above).Scan(&beat)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("raise the ledger's counter: %w", ErrAnotherDatabase)
	}
	if err != nil {
		return 0, fmt.Errorf("raise the ledger's counter: %w", err)
	}
	return beat, nil
}

// sqlLockRecovery lets one worker at a time decide about the database. It is
// released with the transaction.
const sqlLockRecovery = `SELECT pg_advisory_xact_lock(hashtextextended('points-ledger identity', 0))`

// Locked runs f while no other worker decides about this database. f's
// statements through the session are one transaction, committed when f returns
// nil; what f records through a Store is not part of it.
func (s *Session) Locked(ctx context.Context, f func() error) error {
	return pgx.BeginFunc(ctx, s.conn, func(tx pgx.Tx) error {
		// A re-read may take minutes between two statements of this transaction.
		if _, err := tx.Exec(ctx, `SET LOCAL idle_in_transaction_session_timeout = 0`); err != nil {
			return fmt.Errorf("lock ledger identity: %w", err)
		}
		if _, err := tx.Exec(ctx, sqlLockRecovery); err != nil {
			return fmt.Errorf("lock ledger identity: %w", err)
		}
		return f()
	})
}

// orNull writes the zero time as NULL.
func orNull(t time.Time) pgtype.Timestamptz { return pgtype.Timestamptz{Time: t, Valid: !t.IsZero()} }
