package knowledge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// Sighting is what a reading shows of a sample.
type Sighting string

const (
	// Unread: the records could not be read. It says nothing.
	Unread Sighting = "unread"
	// NotYet: it is not there. It is read again.
	NotYet Sighting = "not_yet"
	// Seen: a record ends with its reference and has its points.
	Seen Sighting = "seen"
	// Missed: it was not there when it was read for the last time, or a record is
	// there that must be it and shows no reference.
	Missed Sighting = "missed"
)

// SampleReading is one reading of a sample's records.
type SampleReading struct {
	Account, Endpoint string
	Token             ledger.LeaseToken
	Sample            *Sample
	Sighting          Sighting
	// BeganAt is when the reading began, or earlier, by the database's clock.
	BeganAt time.Time
	// In is when it is read again, for Unread and NotYet.
	In time.Duration
	// OffsetMinutes is how far the record's time is from the call's, in quarters
	// of an hour; nil when it is not seen, or when no quarter fits.
	OffsetMinutes *int16
	// Records counts a complete list, and Oldest is the time of its oldest record
	// as the vendor writes it; 0 and zero when there is none to keep.
	Records int
	Oldest  time.Time
}

// What of the samples decides.
const (
	// judgedSamples are looked at; failuresWithdraw failures of different members
	// among them withdraw what is known, goodBring good ones in a row bring it back.
	judgedSamples    = 20
	failuresWithdraw = 3
	goodBring        = 5
	// zoneSamples must agree on the offset of record times.
	zoneSamples = 3
	// keptSamples and keptExtents bound what is kept of an endpoint.
	keptSamples = 300
	keptExtents = 16
)

// endedSample is a sample that was shown or failed.
type endedSample struct {
	shown       bool
	memberID    string
	confirmedAt time.Time
}

// nextReferenceState says whether an endpoint shows references, by the samples
// that ended since the state began, the newest first, and since when what was
// confirmed must show. One posting of ours that was seen is proof that
// references are shown: nobody else writes a reference that the ledger made for
// that member, in a text of ours, with its points, after we had called. That they
// are shown always it does not prove: so failures withdraw it, of different
// members, because one member's records may be broken by themselves.
func nextReferenceState(state ReferenceState, ended []endedSample) (next ReferenceState, since time.Time) {
	ended = ended[:min(len(ended), judgedSamples)]
	failed := map[string]bool{}
	good := 0
	for _, s := range ended {
		if !s.shown {
			failed[s.memberID] = true
		} else if good >= 0 && len(failed) == 0 {
			good++
		}
	}
	switch {
	case state == ReferencesUnknown && good > 0:
		return ReferencesShown, ended[0].confirmedAt
	case state == ReferencesHidden && good >= goodBring:
		return ReferencesShown, ended[goodBring-1].confirmedAt
	case state != ReferencesHidden && len(failed) >= failuresWithdraw:
		return ReferencesHidden, time.Time{}
	}
	return state, time.Time{}
}

// agreedOffset is the offset that the newest samples agree on; ok is false when
// they do not, or are too few.
func agreedOffset(newest []*int16) (minutes int16, ok bool) {
	if len(newest) < zoneSamples {
		return 0, false
	}
	for _, m := range newest[:zoneSamples] {
		if m == nil || newest[0] == nil || *m != *newest[0] {
			return 0, false
		}
	}
	return *newest[0], true
}

// sqlLockSampler locks the endpoint of the worker that samples. No row means that
// another worker does by now, or that the endpoint was forgotten: then nothing is
// learned (endpoints_pkey).
const sqlLockSampler = `
SELECT reference_state, state_since
  FROM endpoints
 WHERE target = $1 AND endpoint = $2 AND lease_token = $3 AND lease_until > now()
   FOR UPDATE`

// The statements that end a reading; each changes one sample (endpoint_samples_pkey),
// and none when it was pruned. A sample that was seen before keeps its first
// reading; one that is missed now was not shown for good.
const (
	sqlSampleUnread = `UPDATE endpoint_samples SET due_at = now() + $2::interval WHERE id = $1 AND due_at IS NOT NULL`
	sqlSampleNotYet = `
UPDATE endpoint_samples
   SET due_at = now() + $2::interval, reads = reads + 1,
       unshown_ms = GREATEST(0, EXTRACT(epoch FROM $3::timestamptz - confirmed_at) * 1000)::bigint
 WHERE id = $1 AND due_at IS NOT NULL`
	sqlSampleSeen = `
UPDATE endpoint_samples
   SET state = 'shown', reads = reads + 1, due_at = NULL, ended_at = COALESCE(ended_at, now()),
       shown_began_at = COALESCE(shown_began_at, $2), shown_at = COALESCE(shown_at, now()),
       last_began_at = GREATEST(last_began_at, $2), last_shown_at = now(),
       lag_ms = COALESCE(lag_ms, GREATEST(0, EXTRACT(epoch FROM now() - confirmed_at) * 1000)::bigint),
       read_late = CASE WHEN shown_at IS NULL THEN $3 ELSE read_late END,
       offset_minutes = CASE WHEN shown_at IS NULL THEN $4 ELSE offset_minutes END
 WHERE id = $1 AND state <> 'failed'`
	sqlSampleMissed = `
UPDATE endpoint_samples
   SET state = 'failed', reads = reads + 1, due_at = NULL, ended_at = now(), shown_began_at = NULL, shown_at = NULL,
       last_began_at = NULL, last_shown_at = NULL, lag_ms = NULL, read_late = false, offset_minutes = NULL
 WHERE id = $1 AND state <> 'failed'`
)

// sqlEndedSamples and sqlSampleOffsets read the newest samples that tell
// something (endpoint_samples_ended_idx).
const (
	sqlEndedSamples = `
SELECT state = 'shown', member_id, confirmed_at
  FROM endpoint_samples
 WHERE target = $1 AND endpoint = $2 AND ended_at IS NOT NULL AND ended_at > $3
 ORDER BY ended_at DESC, id DESC
 LIMIT $4`
	sqlSampleOffsets = `
SELECT offset_minutes
  FROM endpoint_samples
 WHERE target = $1 AND endpoint = $2 AND ended_at IS NOT NULL AND state = 'shown'
 ORDER BY ended_at DESC, id DESC
 LIMIT $3`
)

// sqlLearn writes what the samples say now. A wish is granted when a sample as new
// as it asks for was seen, or when an older one was read again; after a failure
// the next posting is wanted at once, so that three of them are soon told from
// one (endpoints_pkey).
const sqlLearn = `
UPDATE endpoints
   SET reference_state = @state, state_since = CASE WHEN reference_state = @state THEN state_since ELSE now() END,
       shown_since = CASE WHEN @state <> 'shown' THEN NULL WHEN reference_state = @state THEN shown_since ELSE @shown_since::timestamptz END,
       zone_offset_minutes = @zone,
       wanted_at = CASE WHEN @sighting::text = 'seen' AND (@again::boolean OR wanted_at < @sent_at::timestamptz) THEN NULL
                        WHEN @sighting::text = 'missed' THEN GREATEST(wanted_at, @sent_at::timestamptz) ELSE wanted_at END
 WHERE target = @account AND endpoint = @endpoint`

// The statements that keep what was learned small. A list counts as long as no
// other that was seen since is as long and as deep.
const (
	sqlKeepExtent = `
WITH less AS (
    DELETE FROM endpoint_extents
     WHERE target = $1 AND endpoint = $2 AND (records <= $3 AND depth <= $4::interval OR seen_at <= now() - $5::interval)
)
INSERT INTO endpoint_extents (target, endpoint, records, depth) VALUES ($1, $2, $3, $4)`
	sqlPruneExtents = `
DELETE FROM endpoint_extents
 WHERE target = $1 AND endpoint = $2
   AND id < (SELECT id FROM endpoint_extents WHERE target = $1 AND endpoint = $2 ORDER BY id DESC OFFSET $3 LIMIT 1)`
	sqlPruneSamples = `
DELETE FROM endpoint_samples
 WHERE target = $1 AND endpoint = $2
   AND (ended_at < (SELECT ended_at FROM endpoint_samples WHERE target = $1 AND endpoint = $2 AND ended_at IS NOT NULL
                     ORDER BY ended_at DESC OFFSET $3 LIMIT 1)
        OR due_at IS NOT NULL AND confirmed_at <= now() - $4::interval)`
)

// LearnSample keeps what a reading shows, and what follows from it for the
// endpoint. learned is false when this worker no longer samples the account:
// then nothing was changed, which is normal.
func (es *Endpoints) LearnSample(ctx context.Context, r SampleReading, p Sampling) (learned bool, err error) {
	err = pgx.BeginFunc(ctx, es.pool, func(tx pgx.Tx) error {
		learned, err = learnSampleTx(ctx, tx, r, p)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("learn from sample of account %s: %w", r.Account, err)
	}
	return learned, nil
}

func learnSampleTx(ctx context.Context, tx pgx.Tx, r SampleReading, p Sampling) (bool, error) {
	var state ReferenceState
	var since time.Time
	err := tx.QueryRow(ctx, sqlLockSampler, r.Account, r.Endpoint, int64(r.Token)).Scan(&state, &since)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := keepSightingTx(ctx, tx, r); err != nil {
		return false, err
	}
	if r.Sighting == Seen || r.Sighting == Missed {
		if err := learnTx(ctx, tx, r, state, since); err != nil {
			return false, err
		}
	}
	return true, keepSmallTx(ctx, tx, r, p)
}

// keepSightingTx writes the reading to its sample.
func keepSightingTx(ctx context.Context, tx pgx.Tx, r SampleReading) (err error) {
	switch r.Sighting {
	case Seen:
		_, err = tx.Exec(ctx, sqlSampleSeen, r.Sample.ID, r.BeganAt, r.Sample.Late, r.OffsetMinutes)
	case Missed:
		_, err = tx.Exec(ctx, sqlSampleMissed, r.Sample.ID)
	case NotYet:
		_, err = tx.Exec(ctx, sqlSampleNotYet, r.Sample.ID, r.In, r.BeganAt)
	default:
		_, err = tx.Exec(ctx, sqlSampleUnread, r.Sample.ID, r.In)
	}
	return err
}

// learnTx draws the conclusion from the samples that have ended.
func learnTx(ctx context.Context, tx pgx.Tx, r SampleReading, state ReferenceState, since time.Time) error {
	rows, err := tx.Query(ctx, sqlEndedSamples, r.Account, r.Endpoint, since, judgedSamples)
	if err != nil {
		return err
	}
	ended, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e endedSample, err error) {
		return e, row.Scan(&e.shown, &e.memberID, &e.confirmedAt)
	})
	if err != nil {
		return err
	}
	rows, err = tx.Query(ctx, sqlSampleOffsets, r.Account, r.Endpoint, zoneSamples)
	if err != nil {
		return err
	}
	offsets, err := pgx.CollectRows(rows, pgx.RowTo[*int16])
	if err != nil {
		return err
	}
	next, shownSince := nextReferenceState(state, ended)
	var zone *int16
	if minutes, agreed := agreedOffset(offsets); agreed {
		zone = &minutes
	}
	_, err = tx.Exec(ctx, sqlLearn, pgx.StrictNamedArgs{"account": r.Account, "endpoint": r.Endpoint, "state": string(next), "shown_since": shownSince,
		"zone": zone, "sighting": string(r.Sighting), "again": r.Sample.Again, "sent_at": r.Sample.SentAt})
	return err
}

// keepSmallTx keeps the extent of a complete list and drops what is too old or
// too much.
func keepSmallTx(ctx context.Context, tx pgx.Tx, r SampleReading, p Sampling) error {
	if r.Records > 0 && !r.Oldest.IsZero() {
		if err := keepExtentTx(ctx, tx, r.Account, r.Endpoint, r.Records, r.BeganAt.Sub(r.Oldest)); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, sqlPruneSamples, r.Account, r.Endpoint, keptSamples-1, p.GiveUp)
	return err
}

func keepExtentTx(ctx context.Context, tx pgx.Tx, account, endpoint string, records int, depth time.Duration) error {
	if _, err := tx.Exec(ctx, sqlKeepExtent, account, endpoint, records, depth, extentLife); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, sqlPruneExtents, account, endpoint, keptExtents-1)
	return err
}

// KeepExtent keeps that a complete list of so many records, at least 1, was seen
// at an endpoint which is known, and how far before the reading its oldest record
// was made: by the vendor's clock, so perhaps less than 0. Any reading may
// teach it, not only a sample's.
func (es *Endpoints) KeepExtent(ctx context.Context, account, endpoint string, records int, depth time.Duration) error {
	err := pgx.BeginFunc(ctx, es.pool, func(tx pgx.Tx) error {
		return keepExtentTx(ctx, tx, account, endpoint, records, depth)
	})
	if err != nil {
		return fmt.Errorf("keep how far records of account %s go back: %w", account, err)
	}
	return nil
}
