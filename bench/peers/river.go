package peers

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// pointsJob is one vendor call, unique by its key in every state. The body is
// one string: as JSON of its own each of its fields would be an entry in
// River's index on the arguments.
type pointsJob struct {
	Key  string `json:"key" river:"unique"`
	Body string `json:"body"`
}

func (pointsJob) Kind() string { return "points" }

func (pointsJob) InsertOpts() river.InsertOpts {
	return river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true}}
}

type pointsWorker struct {
	river.WorkerDefaults[pointsJob]
	poster *poster
}

func (w *pointsWorker) Work(ctx context.Context, job *river.Job[pointsJob]) error {
	return w.poster.post(ctx, []byte(job.Args.Body))
}

// riverPoll is River's FetchPollInterval where the cooldown is shorter; 20 ms
// is what River's own benchmark uses.
const riverPoll = 20 * time.Millisecond

func runRiver(ctx context.Context, e Environment) error {
	pool, err := openPool(ctx, e.Database, 16)
	if err != nil {
		return err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &pointsWorker{poster: newPoster(e.URL, e.AtOnce)})
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Logger:        slog.New(slog.DiscardHandler),
		Queues:        map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: e.AtOnce}},
		Workers:       workers,
		FetchCooldown: e.Cooldown, FetchPollInterval: max(e.Cooldown, riverPoll),
	})
	if err != nil {
		return fmt.Errorf("make River client: %w", err)
	}
	if err := client.Start(ctx); err != nil {
		return fmt.Errorf("start River: %w", err)
	}
	consumer, err := e.open(ctx)
	if err != nil {
		return err
	}
	return take(consumer, func(rows []row) error {
		jobs := make([]river.InsertManyParams, len(rows))
		for i, r := range rows {
			jobs[i].Args = pointsJob{Key: r.key, Body: string(r.body)}
		}
		_, err := client.InsertMany(ctx, jobs)
		return err
	})
}

func migrateRiver(ctx context.Context, database string) error {
	pool, err := openPool(ctx, database, 2)
	if err != nil {
		return err
	}
	defer pool.Close()
	m, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("make River migrator: %w", err)
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate River: %w", err)
	}
	return nil
}
