package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// errControl undoes the control's transaction.
var errControl = errors.New("control accepted")

// isControlAccepted returns nil when a control, an operation that nothing is
// wrong with, is accepted by the same statements right now: then it was the
// entry's own content that was refused. Otherwise the error says what stands in
// everybody's way; without the control, a schema or a session that is at fault
// would make rejects of good events (TestSystemFaultsRejectNothing).
func (s *Store) isControlAccepted(ctx context.Context) error {
	e := controlEntry()
	w := s.newWrite(&queueing{})
	w.add(&e)
	w.rejects = []newReject{{&e, Rejectf(OutOfRange, "control")}}
	w.behind = &behindSequences{} // its id is never committed
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := w.send(ctx, tx); err != nil {
			return err
		}
		return errControl
	})
	if errors.Is(err, errControl) {
		return nil
	}
	return fmt.Errorf("record a control that nothing is wrong with: %w", explain(err))
}

// refusal is the reason to reject an event that the database refuses.
func refusal(refused *pgconn.PgError) *Rejection {
	return Rejectf(OutOfRange, "the ledger's database refuses this event (%s %s): %s", refused.Code, refused.ConstraintName, refused.Message)
}

// controlEntry is an event whose every value every ledger accepts. Its key is
// new each time, and it is never committed.
func controlEntry() Entry {
	now := time.Now()
	id := NewBizID("pa", "control", rand.Text())
	return Entry{
		Message: Message{Stream: "control", StreamCreated: now, Seq: 1, Subject: "points.events.control", BrokerTime: now},
		Event: &Event{Source: "control", ID: rand.Text(), Type: "control", Time: now, Content: `{"control":"订单"}`, FactKey: NewFactKey("control", string(id)),
			Operations: []Operation{{Account: "control", Kind: PointsAdd, BizID: id, BusinessKey: "control", MemberID: "1", Points: 1,
				SourceType: 1, PointsChannel: 1, Reason: "订单 #" + ReferenceOf(id), Reference: ReferenceOf(id),
				BusinessDate: now.UTC().Format(time.DateOnly), MappingVersion: "control"}}},
	}
}
