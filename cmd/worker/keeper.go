package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"pointsledger/continuity"
	"pointsledger/internal/config"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
)

const (
	// keeperConnections: a look holds one, mending the ledger uses another,
	// readiness a third, and the look at the registered rules a fourth.
	keeperConnections = 4
	// keeperEvery is the time between two looks at the database.
	keeperEvery = 3 * time.Second
	// keeperFinish bounds the last look.
	keeperFinish = 5 * time.Second
)

// keeper is continuity.Keeper with its own connections, which work while the
// service's pool is shut.
type keeper struct {
	*continuity.Keeper
	pool  *pgxpool.Pool
	store *ledger.Store
}

func openKeeper(ctx context.Context, cfg *config.Config) (*keeper, error) {
	pool, err := database.OpenWorkerPool(ctx, cfg.DatabaseURL.Reveal(), keeperConnections)
	if err != nil {
		return nil, err
	}
	return &keeper{pool: pool, store: ledger.New(pool)}, nil
}

// connect joins the keeper with the broker and the service's pool.
func (k *keeper) connect(js jetstream.JetStream, guard *continuity.Guard, reset func(), rules *rulesWatch, cfg *config.Config, on []config.Account, log *zap.Logger) (err error) {
	k.Keeper, err = continuity.NewKeeper(continuity.KeeperDeps{JetStream: js, Pool: k.pool, Store: k.store, Guard: guard, Reset: reset,
		Rules: cfg.Rules, Restore: rules.Restore, Log: log.Named("keeper")}, continuity.KeeperConfig{
		Stream: cfg.NATS.Stream, Durable: cfg.NATS.Durable, Every: keeperEvery, Rest: config.RestAfterLoss(on),
		FirstStart: cfg.NATS.FirstStart, Called: calledByUs})
	return err
}

// first lets a loop begin once the keeper is sure of the database.
func (k *keeper) first(run func(accept, work context.Context) error) func(accept, work context.Context) error {
	return func(accept, work context.Context) error {
		select {
		case <-k.Sure():
			return run(accept, work)
		case <-accept.Done():
			return nil
		}
	}
}

// finish lets the last acknowledgements out and notes them.
func (k *keeper) finish(conn *nats.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), keeperFinish)
	defer cancel()
	_ = conn.FlushWithContext(ctx) // the next start compares a little more
	k.Beat(ctx)
}
