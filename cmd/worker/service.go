package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"pointsledger/consumers"
	"pointsledger/continuity"
	"pointsledger/dispatch"
	"pointsledger/internal/advice"
	"pointsledger/internal/config"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
	"pointsledger/ledger/republished"
	"pointsledger/ledger/rulefiles"
	"pointsledger/ledger/waiting"
	"pointsledger/migrations"
	"pointsledger/reconcile/seal"
)

// service is a whole worker in this process: intake, one dispatcher for each
// vendor account that is on, and the pages for operators.
type service struct {
	config      *config.Config
	log         *zap.Logger
	pool        *pgxpool.Pool
	keeper      *keeper
	rules       *rulesWatch
	wait        *postgresWait
	nats        *nats.Conn
	store       *ledger.Store
	runner      *consumers.Runner
	seal        *sealing
	dispatchers []*dispatch.Slot
	reload      *reloader // nil in a rehearsal
	metrics     *metrics
	backlog     *backlogReader
	// few says that DATABASE_URL allows fewer connections than are used; empty
	// is well.
	few string
}

// fewestConnections is the least that pool_max_conns can lower the pool to: a
// large batch takes two.
const fewestConnections = 2

// workerConnections is what the intake (a large batch takes two), the dispatchers
// (claim, settle, renew, sweep), the seal and the operators' pages use at once, with
// room to spare.
func workerConnections(accounts, batchesInFlight int) int { return 5 + 2*batchesInFlight + 4*accounts }

// newService connects and checks everything that must hold before the first
// event is touched: the schema, the rules, the accounts. It waits for a Postgres
// that is away; the error is errStopped when ctx ends meanwhile.
func newService(ctx context.Context, cfg *config.Config, log *zap.Logger) (_ *service, err error) {
	s := &service{config: cfg, log: log, metrics: newMetrics(cfg.Accounts), wait: &postgresWait{addr: cfg.HTTPAddr, log: log}}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	check := func(ctx context.Context) error {
		if err := database.CheckConnection(ctx, cfg.DatabaseURL.Reveal()); err != nil {
			return err
		}
		return migrations.Check(ctx, cfg.DatabaseURL.Reveal())
	}
	if err := s.wait.until(ctx, check); err != nil {
		return nil, err
	}
	on := cfg.On()
	guard := continuity.NewGuard()
	connections := workerConnections(len(on), cfg.NATS.BatchesInFlight)
	if given, ok := database.GivenMaxConns(cfg.DatabaseURL.Reveal()); ok && given < connections {
		s.few = advice.FewConnections(given, connections)
		log.Warn(s.few)
		connections = max(given, fewestConnections)
	}
	s.pool, err = database.OpenGuardedPool(ctx, cfg.DatabaseURL.Reveal(), connections, guard)
	if err != nil {
		return nil, err
	}
	s.store = ledger.New(s.pool)
	if s.keeper, err = openKeeper(ctx, cfg); err != nil {
		return nil, err
	}
	register := func(ctx context.Context) (err error) {
		files := rulefiles.New(s.keeper.pool)
		if cfg, err = rulesOfLedger(ctx, files, cfg, log); err != nil {
			return err
		}
		return registerRules(ctx, files, cfg, log)
	}
	if err := s.wait.until(ctx, register); err != nil {
		return nil, err
	}
	s.config = cfg
	s.rules = newRulesWatch(rulefiles.New(s.keeper.pool), guard, cfg, log.Named("rules"))
	var first []*dispatch.Dispatcher
	for _, v := range on {
		d, err := s.newDispatcher(v)
		if err != nil {
			return nil, err
		}
		first = append(first, d)
	}
	handover := dispatch.NewHandover(s.store, first)
	for _, d := range first {
		s.dispatchers = append(s.dispatchers, dispatch.NewSlot(d, handover.Replace))
	}
	if s.nats, err = connectNATS(cfg, log); err != nil {
		return nil, err
	}
	js, err := jetstream.New(s.nats)
	if err != nil {
		return nil, fmt.Errorf("open jetstream: %w", err)
	}
	if err := s.keeper.connect(js, guard, s.pool.Reset, s.rules, cfg, on, log); err != nil {
		return nil, err
	}
	s.seal = &sealing{sealer: seal.NewSealer(s.pool, continuity.NewSealHeads(js, cfg.NATS.Stream, false), cfg.SealEvery), every: cfg.SealEvery, log: log.Named("seal")}
	s.runner, err = s.newRunner(js, handover)
	if err != nil {
		return nil, err
	}
	s.rules.watch(s.runner)
	s.observe(js)
	return s, nil
}

// run serves until ctx ends or a part fails, then stops in order: no more
// events, the batch in hand, no more claims, the calls in flight within the
// drain time, their settling. The caller closes.
func (s *service) run(ctx context.Context) error {
	accept, stopAccepting := context.WithCancel(ctx)
	defer stopAccepting()
	work, stopWorking := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWorking()
	stopping := make(chan struct{})
	drain := context.AfterFunc(accept, func() {
		s.log.Info("stopping: finishing what is under way", zap.Float64("at_most_seconds", s.config.Drain.Seconds()))
		close(stopping)
		time.AfterFunc(s.config.Drain, stopWorking)
	})
	defer drain()

	s.wait.close()
	server, err := s.listen()
	if err != nil {
		return err
	}
	defer server.Close()

	// The first loop to end stops the others.
	var group errgroup.Group
	loop := func(run func(accept, work context.Context) error) {
		group.Go(func() error {
			defer stopAccepting()
			return run(accept, work)
		})
	}
	loop(s.keeper.Run)
	loop(s.rules.Run)
	loop(s.keeper.first(closeKnownRejects(republished.NewCloser(s.keeper.pool, s.keeper.store, s.runner.FactIn), s.log.Named("rejects"))))
	loop(s.keeper.first(joinWaiting(waiting.New(s.pool, s.store), s.log.Named("waiting"))))
	loop(s.keeper.first(s.seal.Run))
	if s.reload != nil {
		loop(s.keeper.first(s.reload.Run))
	}
	loop(s.keeper.first(s.runner.Run))
	for _, d := range s.dispatchers {
		loop(s.keeper.first(d.Run))
	}
	s.log.Info("worker started", zap.String("stream", s.config.NATS.Stream), zap.String("durable", s.config.NATS.Durable),
		zap.String("rules", s.config.RulesVersion), zap.Int("accounts", len(s.dispatchers)), zap.String("http", server.address))
	err = group.Wait()
	<-stopping // no loop ends before accept does; its line goes before the last one
	if err != nil {
		return err
	}
	s.seal.finish()
	s.keeper.finish(s.nats)
	s.log.Info("worker stopped")
	return nil
}

// close ends the connections: NATS first, so that no event comes in any more.
func (s *service) close() {
	s.wait.close()
	if s.nats != nil {
		// Acknowledgements are published without waiting: let them out.
		_ = s.nats.FlushTimeout(2 * time.Second)
		s.nats.Close()
	}
	if s.pool != nil {
		s.pool.Close()
	}
	if s.keeper != nil {
		s.keeper.pool.Close()
	}
}

// connectNATS connects, and goes on trying in the background for ever: a
// broker that is away is not a reason to stop.
func connectNATS(cfg *config.Config, log *zap.Logger) (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name("points-ledger worker"), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1),
		nats.ReconnectWait(500 * time.Millisecond), nats.PingInterval(10 * time.Second), nats.MaxPingsOutstanding(2),
		// Else the connection is closed for good when a broker refuses the
		// credentials twice, which a person may mend, or a failover.
		nats.IgnoreAuthErrorAbort(),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("NATS connection lost, reconnecting", zap.Error(err))
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { log.Info("NATS connection is back") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Warn("NATS", zap.Error(err)) }),
	}
	if cfg.NATS.CredsFile != "" {
		options = append(options, nats.UserCredentials(cfg.NATS.CredsFile))
	}
	conn, err := nats.Connect(cfg.NATS.URL.Reveal(), options...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS at %s: %w", cfg.NATS.URL, err)
	}
	if !conn.IsConnected() {
		// The library does not say why; a dial of our own does.
		log.Warn("cannot reach NATS, trying on and on", zap.Stringer("url", cfg.NATS.URL), zap.NamedError("error", whyNoNATS(cfg)))
	}
	return conn, nil
}
