package ledger

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// Rebuilt says how operations enter the outbox when their message was recorded
// before, in a database that is gone. They may have been sent: they are in
// doubt, and count as first sent at the broker's time, which is never later
// than the truth. So the vendor's key memory and verification apply to them.
type Rebuilt struct {
	// Rest is how long they are not claimed: until every lease that a worker
	// may hold from the lost database has ended.
	Rest time.Duration
	// Parked leaves them to a person.
	Parked bool
	// While is what must hold for each batch to be written; nil is nothing. Its
	// error comes back, and the batch was not written.
	While Standing
}

// RecordRebuilt is Record for messages read from the stream again. What is
// there is left alone, and a message that was rejected stays so until a person
// decides, whatever the rules say now; its verdict is Rejected, without a
// Rejection. What has only a scanned code is always parked: the member that it
// may have been sent for is lost. After an error a part may be recorded.
func (s *Store) RecordRebuilt(ctx context.Context, entries []Entry, how Rebuilt) ([]Verdict, error) {
	return s.withoutRejected(ctx, entries, func(open []Entry) (verdicts []Verdict, err error) {
		for len(open) > 0 {
			// In stream order: of two that contradict each other the first counts.
			n, part := 1, Rebuilt{Rest: how.Rest, While: how.While, Parked: how.Parked || lacksMember(&open[0])}
			for n < len(open) && (how.Parked || lacksMember(&open[n])) == part.Parked {
				n++
			}
			judged, err := s.record(ctx, open[:n], &queueing{rebuilt: &part})
			if err != nil {
				return nil, rulesEnded(err)
			}
			verdicts, open = append(verdicts, judged...), open[n:]
		}
		return verdicts, nil
	})
}

// lacksMember tells whether an operation of the event has only a scanned code.
func lacksMember(e *Entry) bool {
	return e.Event != nil && slices.ContainsFunc(e.Event.Operations, func(o Operation) bool { return o.Points > 0 && o.MemberID == "" })
}

// Known says what Record would say of entries, and writes nothing. Accepted
// means that the ledger does not have the event.
func (s *Store) Known(ctx context.Context, entries []Entry) ([]Verdict, error) {
	return s.withoutRejected(ctx, entries, func(open []Entry) ([]Verdict, error) {
		return s.Judge(ctx, open)
	})
}

// sqlKnownRejects finds messages that are in rejects, by
// rejects_one_per_message. No rows means that none is.
const sqlKnownRejects = `
SELECT r.stream_seq
  FROM unnest($3::bigint[], $4::timestamptz[]) AS m (seq, broker_time)
  JOIN rejects r ON r.stream = $1 AND r.stream_created = $2 AND r.stream_seq = m.seq AND r.broker_time = m.broker_time`

// withoutRejected lets f judge the entries that are not in rejects. The
// entries must be of one stream.
func (s *Store) withoutRejected(ctx context.Context, entries []Entry, f func([]Entry) ([]Verdict, error)) ([]Verdict, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	seqs, times := make([]int64, len(entries)), make([]time.Time, len(entries))
	for i := range entries {
		seqs[i], times[i] = int64(entries[i].Message.Seq), entries[i].Message.BrokerTime
	}
	rows, err := s.pool.Query(ctx, sqlKnownRejects, entries[0].Message.Stream, entries[0].Message.StreamCreated, seqs, times)
	if err != nil {
		return nil, fmt.Errorf("look up rejects: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("look up rejects: %w", err)
	}
	rejected := make(map[int64]bool, len(found))
	for _, seq := range found {
		rejected[seq] = true
	}
	open := make([]Entry, 0, len(entries))
	for i := range entries {
		if !rejected[seqs[i]] {
			open = append(open, entries[i])
		}
	}
	judged, err := f(open)
	if err != nil {
		return nil, err
	}
	verdicts := make([]Verdict, len(entries))
	for i := range entries {
		if rejected[seqs[i]] {
			verdicts[i] = Verdict{Kind: Rejected, Redelivered: true}
			continue
		}
		verdicts[i], judged = judged[0], judged[1:]
	}
	return verdicts, nil
}

// RebuildMark stands behind the stream's name in the identity of a ledger that
// is being rebuilt: an event that is published again would be taken for a new
// one. No stream can have such a name, so a worker that does not know the mark
// takes the ledger for another stream's.
const RebuildMark = " (being rebuilt)"

// sqlIsRebuilding looks for the mark in the one row of the identity.
const sqlIsRebuilding = `SELECT EXISTS (SELECT FROM ledger_identity WHERE right(stream, length($1::text)) = $1)`

// RebuildingTx tells whether the ledger is being rebuilt from the stream.
func RebuildingTx(ctx context.Context, tx pgx.Tx) (is bool, err error) {
	if err := tx.QueryRow(ctx, sqlIsRebuilding, RebuildMark).Scan(&is); err != nil {
		return false, fmt.Errorf("read ledger identity: %w", err)
	}
	return is, nil
}
