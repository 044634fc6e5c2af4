package torture

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/vendorapi/sim"
)

// beatsBetween is how often the ledger must have been looked at between a
// snapshot and its return. A rollback within one look is not noticed, which the
// README says.
const beatsBetween = 3

// sqlBeatAt is when a worker last wrote which database this is.
const sqlBeatAt = `SELECT beat_at FROM ledger_identity`

// rollBackDisk takes a snapshot of the database's disk, lets the work go on for
// some seconds, and puts the snapshot back.
func (in *injector) rollBackDisk(ctx context.Context, f Fault) error {
	folder := filepath.Join(in.rig.dir, "snapshot")
	if err := in.rig.postgres.Snapshot(ctx, folder); err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if err := in.waitForBeats(ctx, beatsBetween); err != nil {
		return err
	}
	return in.acks.without(ctx, func() error {
		if f.Everybody {
			in.workers.killEach()
		}
		return in.rig.postgres.RollBack(ctx, folder)
	})
}

// rollBackQuiet takes a snapshot while events wait for vendors that are away, lets
// the vendors have them, and puts the snapshot back when no worker is left. No
// event comes meanwhile.
func (in *injector) rollBackQuiet(ctx context.Context) error {
	in.publish.turn.Lock()
	defer in.publish.turn.Unlock()
	in.vendors.Lock()
	defer in.vendors.Unlock()
	outage := func(kind sim.Outage) error {
		return in.rig.setVendors(ctx, map[string]any{"zhimai": map[string]any{"outage": kind}, "kylin": map[string]any{"outage": kind}})
	}
	if err := outage(sim.OutageClose); err != nil {
		return err
	}
	if err := until(ctx, patience, "all events to be acknowledged", func(ctx context.Context) bool {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		consumer, err := in.rig.js.Consumer(ctx, streamName, durableName)
		return err == nil && consumer.CachedInfo().NumPending == 0 && consumer.CachedInfo().NumAckPending == 0
	}); err != nil {
		return err
	}
	if err := in.waitForBeats(ctx, beatsBetween); err != nil {
		return err
	}
	folder := filepath.Join(in.rig.dir, "snapshot")
	defer os.RemoveAll(folder)
	if err := in.rig.postgres.Snapshot(ctx, folder); err != nil {
		return err
	}
	before, _ := in.monitor.snapshot()
	if err := outage(sim.OutageOff); err != nil {
		return err
	}
	if err := until(ctx, patience, "what waited to be sent", func(context.Context) bool {
		now, _ := in.monitor.snapshot()
		return now.posted >= before.posted+before.open/2 || now.open <= before.open/2
	}); err != nil {
		return err
	}
	if err := in.waitForBeats(ctx, beatsBetween); err != nil {
		return err
	}
	return in.acks.without(ctx, func() error {
		in.workers.killEach()
		return in.rig.postgres.RollBack(ctx, folder)
	})
}

// waitForBeats waits until the row has been written so often.
func (in *injector) waitForBeats(ctx context.Context, n int) error {
	var last time.Time
	seen := -1 // the first look finds an old one
	return until(ctx, patience, "the workers to look at the database", func(ctx context.Context) bool {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		var at time.Time
		if err := in.rig.pool.QueryRow(ctx, sqlBeatAt).Scan(&at); err == nil && at.After(last) {
			last = at
			seen++
		}
		return seen >= n
	})
}

// deleteDurable deletes the consumer; the next worker to look makes it again.
func (in *injector) deleteDurable(ctx context.Context) error {
	return until(ctx, patience, "the broker to delete the consumer", func(ctx context.Context) bool {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		err := in.rig.js.DeleteConsumer(ctx, streamName, durableName)
		return err == nil || errors.Is(err, jetstream.ErrConsumerNotFound)
	})
}

// sqlStepClock is what a clock that is a minute ahead makes of leases and waits:
// they are a minute nearer to their end, or over. It locks the rows in the
// workers' order (outbox_pkey).
const sqlStepClock = `
WITH locked AS (
    SELECT operation_id FROM outbox ORDER BY operation_id FOR UPDATE
)
UPDATE outbox x
   SET lease_until = lease_until - interval '1 minute', next_attempt_at = next_attempt_at - interval '1 minute'
  FROM locked l
 WHERE x.operation_id = l.operation_id`

// stepClock moves leases and waits a minute into the past.
func (in *injector) stepClock(ctx context.Context) error {
	var failed error
	err := until(ctx, patience, "the database to take another clock", func(ctx context.Context) bool {
		_, failed = in.rig.pool.Exec(ctx, sqlStepClock)
		return failed == nil
	})
	if err != nil {
		return fmt.Errorf("step the database's clock: %w", errors.Join(err, failed))
	}
	return nil
}
