package peers

import (
	"context"
	"fmt"
	"time"
)

// Peer is one way to do the job, with its settings.
type Peer struct {
	// Name is that in tables and flags; Kind picks the code and the tables.
	Name, Kind string
	// AtOnce and Cooldown are as in Environment.
	AtOnce   int
	Cooldown time.Duration
	// Lacks says what it leaves out of what the worker does.
	Lacks string
}

// The kinds. The worker is not in this package; it is a kind so that the
// driver knows its tables.
const (
	Worker = "worker"
	Bare   = "bare"
	River  = "river"
	Naive  = "naive"
)

// lacksAll is what every peer leaves out.
const lacksAll = "rules, signature, rejects, event data in the ledger, doubt and its verification, gates, metrics, logs"

// All lists the peers, the worker first. atOnce is for the worker and the bare
// pipeline.
func All(atOnce int) []Peer {
	return []Peer{
		{Name: "ours", Kind: Worker, AtOnce: atOnce, Lacks: "nothing: `worker run` as shipped, logs at info"},
		{Name: "bare", Kind: Bare, AtOnce: atOnce, Lacks: "retry schedule, lease tokens and their renewal, clean stop, " + lacksAll},
		{Name: "river-best", Kind: River, AtOnce: 1000, Cooldown: 25 * time.Millisecond, Lacks: "ledger rows (the job row is all there is), " + lacksAll},
		{Name: "river-500", Kind: River, AtOnce: 500, Cooldown: 2 * time.Millisecond, Lacks: "as river-best"},
		{Name: "river-latency", Kind: River, AtOnce: 100, Cooldown: 2 * time.Millisecond, Lacks: "as river-best"},
		{Name: "naive", Kind: Naive, AtOnce: 1, Lacks: "batches, calls at once, ledger rows, " + lacksAll},
	}
}

// Run does the job until the process is ended.
func Run(ctx context.Context, kind string, e Environment) error {
	switch kind {
	case Bare:
		return runBare(ctx, e)
	case River:
		return runRiver(ctx, e)
	case Naive:
		return runNaive(ctx, e)
	}
	return fmt.Errorf("run peer: no kind %q", kind)
}

// Migrate makes a peer's tables in an empty database.
func Migrate(ctx context.Context, kind, database string) error {
	if kind == River {
		return migrateRiver(ctx, database)
	}
	schema := map[string]string{Bare: bareSchema, Naive: naiveSchema}[kind]
	if schema == "" {
		return fmt.Errorf("migrate peer: no kind %q", kind)
	}
	pool, err := openPool(ctx, database, 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	if _, err := pool.Exec(ctx, schema); err != nil {
		return fmt.Errorf("migrate peer %s: %w", kind, err)
	}
	return nil
}
