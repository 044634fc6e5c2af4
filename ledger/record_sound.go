package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"pointsledger/ledger/database"
)

// errSound undoes the sound event's transaction.
var errSound = errors.New("sound event accepted")

// isSoundAccepted returns nil when a sound event, one that nothing is wrong with,
// is accepted by the same statements right now: then it was the entry's own
// content that was refused. Otherwise the error says what stands in everybody's
// way; without the sound event, a schema or a session that is at fault would make
// rejects of good events (TestSystemFaultsRejectNothing).
func (s *Store) isSoundAccepted(ctx context.Context) error {
	e := soundEntry()
	w := s.newWrite(&queueing{})
	w.add(&e)
	w.rejects = []newReject{{&e, Rejectf(OutOfRange, "sound")}}
	w.behind = &database.Sequences{} // its id is never committed
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := w.send(ctx, tx); err != nil {
			return err
		}
		return errSound
	})
	if errors.Is(err, errSound) {
		return nil
	}
	return fmt.Errorf("record an event that nothing is wrong with: %w", database.Explain(err))
}

// refusal is the reason to reject an event that the database refuses.
func refusal(refused *pgconn.PgError) *Rejection {
	return Rejectf(OutOfRange, "the ledger's database refuses this event (%s %s): %s", refused.Code, refused.ConstraintName, refused.Message)
}

// soundEntry is an event whose every value every ledger accepts. Its key is
// new each time, and it is never committed.
func soundEntry() Entry {
	now := time.Now()
	id := NewBizID("pa", "sound", rand.Text())
	return Entry{
		Message: Message{Stream: "sound", StreamCreated: now, Seq: 1, Subject: "points.events.sound", BrokerTime: now},
		Event: &Event{Source: "sound", ID: rand.Text(), Type: "sound", Time: now, Content: `{"sound":"订单"}`, FactKey: NewFactKey("sound", string(id)),
			Operations: []Operation{{Account: "sound", Kind: PointsAdd, BizID: id, BusinessKey: "sound", MemberID: "1", Points: 1,
				SourceType: 1, PointsChannel: 1, Reason: "订单 #" + ReferenceOf(id), Reference: ReferenceOf(id),
				BusinessDate: now.UTC().Format(time.DateOnly), MappingVersion: "sound"}}},
	}
}
