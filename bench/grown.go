package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pointsledger/bench/peers"
	"pointsledger/bench/stage"
)

// grown: the worker on tables that hold millions of finished operations, as
// they were left by a load that nobody vacuumed, and after VACUUM ANALYZE, each
// against its own rate on empty tables, interleaved.
func (d *driver) grown(ctx context.Context) (err error) {
	if !d.wanted("ours") {
		return nil
	}
	db, err := d.stage.MakeDatabase(ctx, peers.Worker)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stage.DropDatabase(context.WithoutCancel(ctx), db)) }()
	empty := spec{part: "grown", name: "empty tables", peer: d.peerNamed("ours"), events: given(d.options.events, backlogEvents)}
	grown := empty
	grown.database, grown.grown = db, d.options.grown
	seed := grown
	seed.name, seed.events = "rows to copy", 100
	if _, err := d.try(ctx, seed); err != nil {
		return fmt.Errorf("make rows to copy: %w", err)
	}
	began := time.Now()
	if err := d.stage.LoadFinished(ctx, db, d.options.grown, func(rows int) { d.say("  %d finished operations", rows) }); err != nil {
		return err
	}
	d.say("loaded %d finished operations with their postings in %.0f s", d.options.grown, time.Since(began).Seconds())
	grown.name = "grown tables, not vacuumed"
	if err := d.interleave(ctx, backlogReps, []spec{empty, grown}); err != nil {
		return err
	}
	began = time.Now()
	if err := stage.Vacuum(ctx, db); err != nil {
		return err
	}
	d.say("vacuumed in %.0f s", time.Since(began).Seconds())
	empty.name, grown.name = "empty tables, later", "grown tables, vacuumed"
	return d.interleave(ctx, backlogReps, []spec{empty, grown})
}
