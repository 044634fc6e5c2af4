//go:build sabotage

package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/consumers"
	"pointsledger/dispatch"
	"pointsledger/internal/sabotage"
	"pointsledger/ledger"
	"pointsledger/ledger/waiting"
)

// brokenStore wraps the store when the environment asks for a broken promise
// of the dispatcher's.
func brokenStore(s dispatch.Store, pool *pgxpool.Pool) dispatch.Store {
	switch {
	case sabotage.Breaks(sabotage.PostBeforeSend):
		return hastyStore{s}
	case sabotage.Breaks(sabotage.NoLeaseCheck):
		return leaselessStore{s, pool}
	case sabotage.Breaks(sabotage.NewKeyOnRetry):
		return newKeyStore{s}
	case sabotage.Breaks(sabotage.TakeBackDoesNotWait):
		return impatientStore{s, pool}
	}
	return credulous(s)
}

// hastyStore posts what it claims: the call is made afterwards, and whatever
// becomes of it, the ledger says posted.
type hastyStore struct{ dispatch.Store }

func (s hastyStore) Claim(ctx context.Context, c ledger.Claim) ([]ledger.Claimed, error) {
	claimed, err := s.Store.Claim(ctx, c)
	if err != nil {
		return nil, err
	}
	heard := make([]ledger.Confirmation, len(claimed))
	for i, row := range claimed {
		member := row.MemberID
		if member == "" {
			member = row.MemberCode
		}
		heard[i] = ledger.Confirmation{ID: row.ID, Evidence: ledger.Answered, MemberID: member}
	}
	_, err = s.Store.Confirm(ctx, heard)
	return claimed, err
}

// leaselessStore gives rows back without looking whose they are by now.
type leaselessStore struct {
	dispatch.Store
	pool *pgxpool.Pool
}

// sqlLeaseless is the store's settling statement without the lease in its
// condition.
const sqlLeaseless = `
UPDATE outbox
   SET state = $2, cause = NULLIF($3, ''), in_doubt = in_doubt OR ($4 AND first_sent_at IS NOT NULL), attempts = attempts + $5,
       next_attempt_at = now() + $6 * interval '1 millisecond', lease_token = NULL, lease_until = NULL
 WHERE operation_id = $1`

func (s leaselessStore) Settle(ctx context.Context, changes []ledger.Change) ([]ledger.OperationID, error) {
	changed := make([]ledger.OperationID, 0, len(changes))
	for i := range changes {
		c, used := &changes[i], 0
		if c.UseAttempt {
			used = 1
		}
		if _, err := s.pool.Exec(ctx, sqlLeaseless, int64(c.ID), string(c.State), c.Cause, c.Doubt, used, c.Delay.Milliseconds()); err != nil {
			return nil, err
		}
		changed = append(changed, c.ID)
	}
	return changed, nil
}

// newKeyStore hands out another dedup key for each further attempt; the first
// has the right one.
type newKeyStore struct{ dispatch.Store }

func (s newKeyStore) Claim(ctx context.Context, c ledger.Claim) ([]ledger.Claimed, error) {
	claimed, err := s.Store.Claim(ctx, c)
	for i := range claimed {
		if row := &claimed[i]; row.Attempts > 0 && row.BizID != "" {
			row.BizID = row.BizID[:len(row.BizID)-1] + ledger.BizID(rune('a'+row.Attempts%26))
		}
	}
	return claimed, err
}

// impatientStore lets what takes points back go whether or not what gave them has
// ended.
type impatientStore struct {
	dispatch.Store
	pool *pgxpool.Pool
}

const sqlImpatient = `
UPDATE outbox x SET waits_for = NULL, next_attempt_at = now()
  FROM operations o
 WHERE o.id = x.operation_id AND x.target = $1 AND x.waits_for IS NOT NULL AND x.state = 'pending' AND o.kind = ANY ($2)`

func (s impatientStore) ReleaseTakeBacks(ctx context.Context, account string, offered []ledger.Kind) (waiting.Released, error) {
	kinds := make([]string, len(offered))
	for i, kind := range offered {
		kinds[i] = string(kind)
	}
	if _, err := s.pool.Exec(ctx, sqlImpatient, account, kinds); err != nil {
		return waiting.Released{}, err
	}
	return s.Store.ReleaseTakeBacks(ctx, account, offered)
}

// brokenAccount wraps the account's vendor, or lets it forget to verify.
func brokenAccount(a dispatch.Account) dispatch.Account {
	if sabotage.Breaks(sabotage.BlindResend) {
		// What is not verified is parked unless the vendor promises to know its keys.
		a.Verify, a.KeysHonoured = false, true
	}
	return hasty(a)
}

// brokenRecorder wraps the recorder when events are to be acknowledged before
// they are recorded.
func brokenRecorder(r consumers.Recorder) consumers.Recorder {
	if sabotage.Breaks(sabotage.AckBeforeCommit) {
		return hastyRecorder{r}
	}
	return r
}

// hastyRecorder says at once that all is recorded, and records later.
type hastyRecorder struct{ consumers.Recorder }

// recordLater is long enough for a crash to fall between the two.
const recordLater = 500 * time.Millisecond

func (r hastyRecorder) Record(ctx context.Context, entries []ledger.Entry) ([]ledger.Verdict, error) {
	verdicts := make([]ledger.Verdict, len(entries))
	for i, e := range entries {
		verdicts[i] = ledger.Verdict{Kind: ledger.Accepted}
		if e.Rejection != nil {
			verdicts[i] = ledger.Verdict{Kind: ledger.Rejected, Rejection: e.Rejection}
		}
	}
	go func() {
		background := context.WithoutCancel(ctx)
		for {
			time.Sleep(recordLater)
			if _, err := r.Recorder.Record(background, entries); err == nil {
				return
			}
		}
	}()
	return verdicts, nil
}
