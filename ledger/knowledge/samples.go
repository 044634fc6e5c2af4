package knowledge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// SamplerNews is what a worker tells about an account at its endpoint, every few
// seconds and not on the way of an event.
type SamplerNews struct {
	Account, Endpoint string
	// Token is this worker's; Lease is how long it is the one that samples, 0 to
	// give the lease back or not to ask for it.
	Token ledger.LeaseToken
	Lease time.Duration
	// Newest is the newest posting that the vendor confirmed to this worker at this
	// endpoint, and NewestSentAt when its call began, or earlier; zero: none.
	Newest       ledger.OperationID
	NewestSentAt time.Time
	// KeysSeen: a repeated call was answered "already applied".
	KeysSeen bool
	// Wanted asks for a sample of a posting whose call began after it; zero: no.
	Wanted time.Time
}

// sqlTellSampler keeps the news of one worker and gives it the lease when nobody
// else has it (endpoints_pkey, one row). What was heard before the endpoint was
// first used, or forgotten, is left out: a new row takes none of it. A lease ends
// by the database's clock; two workers that both believe in theirs only read
// twice. One that is given back, or not asked for, ends now: its end also says until
// when the endpoint was called (AloneSince).
// A token of 0 stands for a forgotten endpoint that nobody has called since.
const sqlTellSampler = `
INSERT INTO endpoints AS e (target, endpoint, lease_token, lease_until)
VALUES (@account, @endpoint, @token::bigint, now() + @lease::interval)
ON CONFLICT (target, endpoint) DO UPDATE
   SET newest_operation_id = CASE WHEN @newest_sent_at::timestamptz >= e.first_used_at AND @newest_sent_at::timestamptz > COALESCE(e.newest_sent_at, '-infinity')
                                  THEN @newest::bigint ELSE e.newest_operation_id END,
       newest_sent_at = CASE WHEN @newest_sent_at::timestamptz >= e.first_used_at THEN GREATEST(e.newest_sent_at, @newest_sent_at::timestamptz) ELSE e.newest_sent_at END,
       keys_seen_at = CASE WHEN @keys_seen::boolean AND e.lease_token <> 0 THEN now() ELSE e.keys_seen_at END,
       wanted_at = GREATEST(e.wanted_at, @wanted_at::timestamptz),
       lease_token = CASE WHEN e.lease_token <> @token AND e.lease_until > now() THEN e.lease_token ELSE @token END,
       lease_until = CASE WHEN e.lease_token <> @token AND e.lease_until > now() THEN e.lease_until ELSE now() + @lease::interval END
RETURNING e.lease_token = @token AND e.lease_until > now()`

// TellSampler keeps a worker's news and says whether this worker is the one that
// samples the account.
func (es *Endpoints) TellSampler(ctx context.Context, n SamplerNews) (samples bool, err error) {
	var newest *int64
	var sent, wanted *time.Time
	if !n.NewestSentAt.IsZero() {
		id := int64(n.Newest)
		newest, sent = &id, &n.NewestSentAt
	}
	if !n.Wanted.IsZero() {
		wanted = &n.Wanted
	}
	err = es.pool.QueryRow(ctx, sqlTellSampler, pgx.StrictNamedArgs{"account": n.Account, "endpoint": n.Endpoint, "token": int64(n.Token),
		"lease": n.Lease, "newest": newest, "newest_sent_at": sent, "keys_seen": n.KeysSeen, "wanted_at": wanted}).Scan(&samples)
	if err != nil {
		return false, fmt.Errorf("tell the sampler of account %s: %w", n.Account, err)
	}
	return samples, nil
}

// Sampling says when a worker takes and reads samples; see dispatch.Sampling.
type Sampling struct {
	// Every is the pause between two samples, Hurry when one is wanted or failed.
	Every, Hurry time.Duration
	// First is how long after its confirmation a posting is read first.
	First time.Duration
	// Late is how long after it was due a reading tells no lag.
	Late time.Duration
	// GiveUp is the age at which a sample that could not be read is dropped.
	GiveUp time.Duration
}

// Sample is a confirmed posting whose member's records are to be read now.
type Sample struct {
	ID                int64
	Operation         ledger.OperationID
	MemberID          string
	Reference, Reason string
	Points            ledger.Points
	// SentAt is when its call began, or earlier; ConfirmedAt is when the vendor's
	// word was written down.
	SentAt, ConfirmedAt time.Time
	// PickedAt is the database's time when it was picked.
	PickedAt time.Time
	// Late: it is read so much later than planned that the reading tells no lag.
	Late bool
	// Again: it was shown before, and is read again because nothing newer is there.
	Again bool
	// MaxLag is what Knowledge has, MaxLagKnown whether a sample was ever shown.
	MaxLag      time.Duration
	MaxLagKnown bool
	// Zone is what Knowledge has.
	ZoneKnown  bool
	ZoneOffset time.Duration
}

// maxWaiting bounds the samples that wait to be shown: a vendor that shows
// nothing is then asked about once a minute all the same.
const maxWaiting = 32

// sqlTakeSample makes the newest posting a sample, when one is due: a while after
// the last, or soon when somebody waits for a sample of a posting as new as this
// one and none is under way. No row means that it is not this worker's turn, or
// not time, or that the posting is a sample already. Locks the endpoint's row
// (endpoints_pkey, endpoint_samples_due_idx, postings_pkey).
const sqlTakeSample = `
WITH turn AS (
    SELECT target, endpoint, first_used_at, newest_operation_id, newest_sent_at
      FROM endpoints e
     WHERE target = @account AND endpoint = @endpoint AND lease_token = @token AND lease_until > now() AND newest_operation_id IS NOT NULL
       AND (sampled_at IS NULL OR sampled_at <= now() - @every::interval
            OR sampled_at <= now() - @hurry::interval AND wanted_at < newest_sent_at AND reference_state <> 'hidden'
               AND NOT EXISTS (SELECT 1 FROM endpoint_samples s
                                WHERE s.target = e.target AND s.endpoint = e.endpoint AND s.sent_at > e.wanted_at AND s.state <> 'failed'))
       AND (SELECT count(*) FROM endpoint_samples s
             WHERE s.target = e.target AND s.endpoint = e.endpoint AND s.due_at IS NOT NULL) < @most
       FOR UPDATE
), taken AS (
    INSERT INTO endpoint_samples (target, endpoint, operation_id, member_id, sent_at, confirmed_at, due_at)
    SELECT t.target, t.endpoint, p.operation_id, p.member_id, t.newest_sent_at, p.posted_at, GREATEST(now(), p.posted_at + @first::interval)
      FROM turn t
      JOIN postings p ON p.operation_id = t.newest_operation_id
      JOIN operations o ON o.id = p.operation_id AND o.kind = 'points_add'
     WHERE p.kind = 'posted' AND p.evidence = 'answered' AND p.posted_at >= t.first_used_at
        ON CONFLICT DO NOTHING
    RETURNING target, endpoint
)
UPDATE endpoints e
   SET sampled_at = now()
  FROM taken t
 WHERE e.target = t.target AND e.endpoint = t.endpoint`

// sqlDueSample is the sample that is to be read next, and in how many seconds
// (endpoint_samples_due_idx). No row means that none waits, or that it is not
// this worker's turn. A first reading is late by the confirmation's age, a later
// one by its due time.
const sqlDueSample = `
SELECT s.id, s.operation_id, s.member_id, o.reference, o.reason, COALESCE(p.points, o.points), s.sent_at, s.confirmed_at, now(),
       now() - CASE WHEN s.reads = 0 THEN s.confirmed_at ELSE s.due_at END >= $4::interval,
       EXTRACT(epoch FROM s.due_at - now())::float8
  FROM endpoints e
  JOIN endpoint_samples s ON s.target = e.target AND s.endpoint = e.endpoint
  JOIN operations o ON o.id = s.operation_id
  JOIN postings p ON p.operation_id = s.operation_id
 WHERE e.target = $1 AND e.endpoint = $2 AND e.lease_token = $3 AND e.lease_until > now() AND s.due_at IS NOT NULL
 ORDER BY s.due_at
 LIMIT 1`

// sqlSampleAgain is the newest shown sample, to be read again because a sample
// is wanted and nothing was posted that could be one. No row means that nobody
// wants it, or that it was read a moment ago (endpoint_samples_ended_idx).
const sqlSampleAgain = `
SELECT s.id, s.operation_id, s.member_id, o.reference, o.reason, COALESCE(p.points, o.points), s.sent_at, s.confirmed_at, now()
  FROM endpoints e
 CROSS JOIN LATERAL (
       SELECT * FROM endpoint_samples
        WHERE target = e.target AND endpoint = e.endpoint AND ended_at IS NOT NULL AND state = 'shown'
        ORDER BY ended_at DESC LIMIT 1) AS s
  JOIN operations o ON o.id = s.operation_id
  JOIN postings p ON p.operation_id = s.operation_id
 WHERE e.target = $1 AND e.endpoint = $2 AND e.lease_token = $3 AND e.lease_until > now()
   AND e.wanted_at >= e.newest_sent_at AND s.last_began_at <= now() - $4::interval`

// NextSample takes a new sample when one is due and returns what is to be read
// now, nil when nothing is; in is then how long until the next reading is due, 0
// when none is.
func (es *Endpoints) NextSample(ctx context.Context, account, endpoint string, token ledger.LeaseToken, p Sampling) (next *Sample, in time.Duration, err error) {
	_, err = es.pool.Exec(ctx, sqlTakeSample, pgx.StrictNamedArgs{"account": account, "endpoint": endpoint, "token": int64(token),
		"every": p.Every, "hurry": p.Hurry, "first": p.First, "most": maxWaiting})
	if err != nil {
		return nil, 0, fmt.Errorf("take sample of account %s: %w", account, err)
	}
	next, in, err = es.dueSample(ctx, account, endpoint, token, p)
	if err != nil || next == nil {
		return nil, in, err
	}
	k, err := es.Knowledge(ctx, account, endpoint)
	if err != nil {
		return nil, 0, err
	}
	next.MaxLag, next.MaxLagKnown = k.MaxLag, len(k.Samples) > 0
	next.ZoneKnown, next.ZoneOffset = k.ZoneKnown, k.ZoneOffset
	return next, 0, nil
}

func (es *Endpoints) dueSample(ctx context.Context, account, endpoint string, token ledger.LeaseToken, p Sampling) (*Sample, time.Duration, error) {
	var due, again Sample
	var wait float64
	err := es.pool.QueryRow(ctx, sqlDueSample, account, endpoint, int64(token), p.Late).Scan(&due.ID, &due.Operation, &due.MemberID,
		&due.Reference, &due.Reason, &due.Points, &due.SentAt, &due.ConfirmedAt, &due.PickedAt, &due.Late, &wait)
	switch {
	case err == nil && wait <= 0:
		return &due, 0, nil
	case err != nil && !errors.Is(err, pgx.ErrNoRows):
		return nil, 0, fmt.Errorf("read due sample of account %s: %w", account, err)
	}
	err = es.pool.QueryRow(ctx, sqlSampleAgain, account, endpoint, int64(token), p.Hurry).Scan(&again.ID, &again.Operation, &again.MemberID,
		&again.Reference, &again.Reason, &again.Points, &again.SentAt, &again.ConfirmedAt, &again.PickedAt)
	switch {
	case err == nil:
		again.Again = true
		return &again, 0, nil
	case !errors.Is(err, pgx.ErrNoRows):
		return nil, 0, fmt.Errorf("read shown sample of account %s: %w", account, err)
	}
	return nil, inSeconds(wait), nil
}
