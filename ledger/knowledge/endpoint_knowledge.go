package knowledge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// ReferenceState says whether the records at an endpoint show our references.
type ReferenceState string

const (
	// ReferencesUnknown: no sample has told yet.
	ReferencesUnknown ReferenceState = "unknown"
	// ReferencesShown: samples show them.
	ReferencesShown ReferenceState = "shown"
	// ReferencesHidden: samples do not show them, or no longer.
	ReferencesHidden ReferenceState = "hidden"
)

// EndpointSample is a confirmed posting whose record a reading showed, with its
// reference and its points. One posting may be there twice, for its first and
// for its newest such reading.
type EndpointSample struct {
	// SentAt is when its call began, or earlier.
	SentAt time.Time
	// BeganAt is when the reading that shows it began, or earlier; ReadAt is when
	// it had ended, or later.
	BeganAt, ReadAt time.Time
}

// EndpointExtent is a complete list of records that was seen at an endpoint. What
// it proves is an age: a vendor that keeps its records for some time has dropped
// since what it held then.
type EndpointExtent struct {
	Records int
	// Oldest is the time of its oldest record, moved by the zone's offset where that
	// is known; ReadAt is when it was read.
	Oldest, ReadAt time.Time
}

// EndpointKnowledge is what sampling has learned of an account at its endpoint.
// All times are the database's.
type EndpointKnowledge struct {
	// Now is the database's time when this was read.
	Now time.Time
	// FirstUsedAt is since when a worker calls the endpoint, or since when what was
	// known of it was forgotten; zero when none ever has.
	FirstUsedAt time.Time
	// AloneSince is since when all calls of the account surely go to this endpoint:
	// before, or still, workers called another one. Zero when no other is known.
	AloneSince time.Time
	References ReferenceState
	// ShownSince is set when references are shown: what was confirmed from then on
	// must show.
	ShownSince time.Time
	// ZoneKnown: samples agree on ZoneOffset, by which a record's time, read as
	// China's, must be moved.
	ZoneKnown  bool
	ZoneOffset time.Duration
	Samples    []EndpointSample
	Extents    []EndpointExtent
	// LastSentAt is when the call of the newest posting that the vendor confirmed
	// here began, to a few seconds; zero when there was none.
	LastSentAt time.Time
	// MaxLag is the longest time from a confirmation to the end of the first
	// reading that showed it, among the last hundred samples, those included that
	// do not show yet; 0 while there is none.
	MaxLag time.Duration
	// KeysSeenAt is when a repeated call was last answered "already applied"; zero
	// means never.
	KeysSeenAt time.Time
	// Ended counts the last hundred samples that were shown or missed, and Missed
	// those of them that were not shown.
	Ended, Missed int
	// SampledAt is when the newest sample was taken; zero means never.
	SampledAt time.Time
}

const (
	// lagSamples is how many samples tell the lag.
	lagSamples = 100
	// shownSamples bounds the samples that a judgement gets: it needs one that was
	// called after the doubtful call, so the newest.
	shownSamples = 32
	// extentLife is how long a list that was seen counts: a vendor may change how
	// many records it keeps.
	extentLife = 24 * time.Hour
)

// sqlEndpoint reads an endpoint with the lag of its samples (endpoints_pkey,
// endpoint_samples_ended_idx, endpoint_samples_due_idx). A sample that does not
// show yet, or never did, has lagged at least as long as it was not there, and
// so has one that was read again too late to tell. When every sample was read
// late, the shortest upper bound is the best guess. Of the account's other endpoints
// counts until when workers called them: a lease that lasts means still. No row
// means that no worker has called the endpoint.
const sqlEndpoint = `
SELECT now(), e.first_used_at, e.reference_state, e.shown_since, e.zone_offset_minutes, e.newest_sent_at, e.keys_seen_at,
       GREATEST(COALESCE(l.on_time, l.late, 0), COALESCE(w.unshown, 0)), l.ended, l.missed, e.sampled_at,
       (SELECT max(GREATEST(o.newest_sent_at, o.lease_until, CASE WHEN o.first_used_at < e.first_used_at THEN e.first_used_at END))
          FROM endpoints o
         WHERE o.target = e.target AND o.endpoint <> e.endpoint AND o.lease_until IS NOT NULL)
  FROM endpoints e
 CROSS JOIN LATERAL (
       SELECT max(CASE WHEN s.state = 'shown' AND NOT s.read_late THEN s.lag_ms ELSE s.unshown_ms END) AS on_time,
              min(s.lag_ms) AS late, count(*) AS ended, count(*) FILTER (WHERE s.state = 'failed') AS missed
         FROM (SELECT state, lag_ms, unshown_ms, read_late FROM endpoint_samples
                WHERE target = e.target AND endpoint = e.endpoint AND ended_at IS NOT NULL
                ORDER BY ended_at DESC LIMIT $3) AS s) AS l
 CROSS JOIN LATERAL (
       SELECT max(unshown_ms) AS unshown FROM endpoint_samples
        WHERE target = e.target AND endpoint = e.endpoint AND due_at IS NOT NULL) AS w
 WHERE e.target = $1 AND e.endpoint = $2`

// sqlEndpointSamples reads the newest samples that were shown
// (endpoint_samples_ended_idx).
const sqlEndpointSamples = `
SELECT sent_at, shown_began_at, shown_at, last_began_at, last_shown_at
  FROM endpoint_samples
 WHERE target = $1 AND endpoint = $2 AND ended_at IS NOT NULL AND state = 'shown'
 ORDER BY ended_at DESC
 LIMIT $3`

// sqlEndpointExtents reads the lists that were seen lately
// (endpoint_extents_endpoint_idx).
const sqlEndpointExtents = `
SELECT records, seen_at - depth, seen_at
  FROM endpoint_extents
 WHERE target = $1 AND endpoint = $2 AND seen_at > now() - $3::interval`

// Knowledge returns what is known of an account at an endpoint; of one that was
// never used that is nothing, which is no error.
func (es *Endpoints) Knowledge(ctx context.Context, account, endpoint string) (EndpointKnowledge, error) {
	k := EndpointKnowledge{References: ReferencesUnknown}
	batch := &pgx.Batch{}
	batch.Queue(sqlEndpoint, account, endpoint, lagSamples).QueryRow(func(row pgx.Row) error {
		var shown, sent, keys, sampled, alone *time.Time
		var minutes *int16
		var lag int64
		err := row.Scan(&k.Now, &k.FirstUsedAt, &k.References, &shown, &minutes, &sent, &keys, &lag, &k.Ended, &k.Missed, &sampled, &alone)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		k.ShownSince, k.LastSentAt, k.KeysSeenAt, k.SampledAt = timeOrZero(shown), timeOrZero(sent), timeOrZero(keys), timeOrZero(sampled)
		k.AloneSince = timeOrZero(alone)
		k.MaxLag = time.Duration(lag) * time.Millisecond
		if minutes != nil {
			k.ZoneKnown, k.ZoneOffset = true, time.Duration(*minutes)*time.Minute
		}
		return err
	})
	batch.Queue(sqlEndpointSamples, account, endpoint, shownSamples).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var first, last EndpointSample
			if err := rows.Scan(&first.SentAt, &first.BeganAt, &first.ReadAt, &last.BeganAt, &last.ReadAt); err != nil {
				return err
			}
			last.SentAt = first.SentAt
			k.Samples = append(k.Samples, first)
			if !last.ReadAt.Equal(first.ReadAt) {
				k.Samples = append(k.Samples, last)
			}
		}
		return rows.Err()
	})
	batch.Queue(sqlEndpointExtents, account, endpoint, extentLife).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var e EndpointExtent
			if err := rows.Scan(&e.Records, &e.Oldest, &e.ReadAt); err != nil {
				return err
			}
			k.Extents = append(k.Extents, e)
		}
		return rows.Err()
	})
	if err := es.pool.SendBatch(ctx, batch).Close(); err != nil {
		return EndpointKnowledge{}, fmt.Errorf("read what is known of account %s: %w", account, err)
	}
	for i := range k.Extents {
		k.Extents[i].Oldest = k.Extents[i].Oldest.Add(k.ZoneOffset)
	}
	return k, nil
}

// KnownEndpoint is an account at an endpoint, with what is known of it.
type KnownEndpoint struct {
	Account, Endpoint string
	EndpointKnowledge
}

// sqlKnownEndpoints names all endpoints, the account's newest first: a few rows.
const sqlKnownEndpoints = `SELECT target, endpoint FROM endpoints ORDER BY target, first_used_at DESC, endpoint`

// KnownEndpoints returns what is known of every account, by name; of an account
// that was pointed elsewhere also of the endpoints it had before.
func (es *Endpoints) KnownEndpoints(ctx context.Context) ([]KnownEndpoint, error) {
	rows, err := es.pool.Query(ctx, sqlKnownEndpoints)
	if err != nil {
		return nil, fmt.Errorf("read endpoints: %w", err)
	}
	known, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (k KnownEndpoint, err error) {
		return k, row.Scan(&k.Account, &k.Endpoint)
	})
	if err != nil {
		return nil, fmt.Errorf("read endpoints: %w", err)
	}
	for i := range known {
		if known[i].EndpointKnowledge, err = es.Knowledge(ctx, known[i].Account, known[i].Endpoint); err != nil {
			return nil, err
		}
	}
	return known, nil
}

// LiveFinding is what a live check has shown of an endpoint: calls that a person
// had made on purpose, with a key and a reference of their own.
type LiveFinding struct {
	// Honoured: a repeated call had no further effect; nil when that was not seen.
	Honoured *bool
	// Echoed: a record ends with the reference of the call. Only true teaches: what
	// is missing samples tell.
	Echoed bool
}

// sqlKeepLive keeps the findings of a live check (endpoints_pkey, one row). Where
// samples have told whether references are shown, they know better.
const sqlKeepLive = `
INSERT INTO endpoints AS e (target, endpoint, keys_seen_at, reference_state, shown_since)
VALUES ($1, $2, CASE WHEN $3::boolean THEN now() END, CASE WHEN $4::boolean THEN 'shown' ELSE 'unknown' END, CASE WHEN $4::boolean THEN now() END)
ON CONFLICT (target, endpoint) DO UPDATE
   SET keys_seen_at = CASE WHEN $3::boolean IS NULL THEN e.keys_seen_at WHEN $3::boolean THEN now() END,
       state_since = CASE WHEN $4::boolean AND e.reference_state = 'unknown' THEN now() ELSE e.state_since END,
       shown_since = CASE WHEN $4::boolean AND e.reference_state = 'unknown' THEN now() ELSE e.shown_since END,
       reference_state = CASE WHEN $4::boolean AND e.reference_state = 'unknown' THEN 'shown' ELSE e.reference_state END`

// KeepLiveFinding keeps what a live check has shown of an account's endpoint.
func (es *Endpoints) KeepLiveFinding(ctx context.Context, account, endpoint string, f LiveFinding) error {
	if _, err := es.pool.Exec(ctx, sqlKeepLive, account, endpoint, f.Honoured, f.Echoed); err != nil {
		return fmt.Errorf("keep what a live check showed of account %s: %w", account, err)
	}
	return nil
}
