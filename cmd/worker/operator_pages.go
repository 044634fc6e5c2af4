package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/pprof"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"

	"pointsledger/dispatch"
	"pointsledger/internal/advice"
	"pointsledger/ledger"
)

// readiness is the answer of /readyz.
type readiness struct {
	// Status is ok, degraded (a vendor is in trouble, or somebody should look;
	// events are still recorded) or down (nothing can be recorded).
	Status   string             `json:"status"`
	Problems []string           `json:"problems,omitempty"`
	Accounts []accountReadiness `json:"accounts"`
}

type accountReadiness struct {
	Account string `json:"account"`
	Gate    string `json:"gate"`
	Reason  string `json:"reason,omitempty"`
	Words   string `json:"vendor_says,omitempty"`
	// Paused is who paused the account, and why.
	Paused   string     `json:"paused,omitempty"`
	Since    *time.Time `json:"since,omitempty"`
	ProbeAt  *time.Time `json:"probe_at,omitempty"`
	InFlight int        `json:"in_flight"`
	Held     int        `json:"held"`
}

// pingTimeout bounds a readiness check's look at the database.
const pingTimeout = 2 * time.Second

// readiness looks at the parts. A vendor in trouble degrades; only NATS,
// Postgres or the intake being unable to work is down.
func (s *service) readiness(ctx context.Context) readiness {
	r := readiness{Status: "ok", Accounts: []accountReadiness{}}
	for _, d := range s.dispatchers {
		st := d.Status()
		a := accountReadiness{Account: st.Account, Gate: "open", InFlight: st.InFlight, Held: st.Held}
		if !st.Gate.Open {
			a.closeGate(st.Gate)
			r.Status = "degraded"
			r.Problems = append(r.Problems, gateProblem(st))
		}
		if st.ClockStep != "" {
			r.Status = "degraded"
			r.Problems = append(r.Problems, fmt.Sprintf("account %s: %s: due times and the age of keys move with it; see that the servers keep time", st.Account, st.ClockStep))
		}
		if st.SetAside > 0 {
			r.Status = "degraded"
			r.Problems = append(r.Problems, fmt.Sprintf("account %s: %d results could not be written since the start, their rows are parked: replay list --account %s --cause %s",
				st.Account, st.SetAside, st.Account, ledger.CauseSettlingRefused))
		}
		r.Accounts = append(r.Accounts, a)
	}
	if s.few != "" {
		r.Status = "degraded"
		r.Problems = append(r.Problems, s.few)
	}
	for _, warning := range slices.Concat(s.keeper.Warnings(), s.rules.Warnings(), s.seal.Warnings(), s.reload.Warnings()) {
		r.Status = "degraded"
		r.Problems = append(r.Problems, warning)
	}
	for _, v := range s.config.Accounts {
		if !v.On() {
			r.Accounts = append(r.Accounts, accountReadiness{Account: v.Name, Gate: "off", Reason: v.OffBecause()})
		}
	}
	down := func(format string, args ...any) {
		r.Status = "down"
		r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
	}
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	if err := s.keeper.store.Ping(ctx); err != nil {
		down("Postgres: %s", advice.Words(err))
	}
	s.addOrphans(ctx, &r)
	if problem := s.keeper.Problem(); problem != nil {
		down("%s", advice.Words(problem))
	}
	if !s.nats.IsConnected() {
		down("NATS: %s (%s)", s.nats.Status(), s.config.NATS.URL)
	}
	if trouble := s.runner.Trouble(); trouble != nil {
		down("intake: %s", advice.Words(trouble))
	}
	for _, d := range s.dispatchers {
		if trouble := d.Status().StoreTrouble; trouble != nil {
			down("account %s: ledger: %s", d.Name(), advice.Words(trouble))
		}
	}
	return r
}

// addOrphans names accounts with open operations that nobody serves: they were
// switched off or renamed, and their rows would wait in silence.
func (s *service) addOrphans(ctx context.Context, r *readiness) {
	look, err := s.backlog.read(ctx)
	if err != nil {
		return // Ping has said what is the matter
	}
	waiting := map[string]int64{}
	for _, o := range look.open {
		served := slices.ContainsFunc(s.dispatchers, func(d *dispatch.Slot) bool { return d.Name() == o.Account })
		if !served && o.State != ledger.Parked {
			waiting[o.Account] += o.Rows
		}
	}
	for _, account := range slices.Sorted(maps.Keys(waiting)) {
		if r.Status == "ok" {
			r.Status = "degraded"
		}
		r.Problems = append(r.Problems, fmt.Sprintf("account %s: %d operations wait, and no such account is on here: "+
			"set its url and credentials, or put its name back into the configuration", account, waiting[account]))
	}
}

// readyCollector shows at each scrape what /readyz answers.
type readyCollector struct {
	service         *service
	ready, degraded *prometheus.Desc
}

func newReadyCollector(s *service) *readyCollector {
	return &readyCollector{service: s,
		ready:    describe("ready", "1 while events can be recorded: /readyz answers 200."),
		degraded: describe("degraded", "1 while /readyz says that somebody should look."),
	}
}

// Describe implements prometheus.Collector.
func (c *readyCollector) Describe(out chan<- *prometheus.Desc) { out <- c.ready; out <- c.degraded }

// Collect implements prometheus.Collector.
func (c *readyCollector) Collect(out chan<- prometheus.Metric) {
	r := c.service.readiness(context.Background())
	gauge(out, c.ready, truth(r.Status != "down"))
	gauge(out, c.degraded, truth(r.Status != "ok"))
}

// observe registers what the metrics read at a scrape.
func (s *service) observe(js jetstream.JetStream) {
	s.backlog = newBacklogReader(s.keeper.pool)
	s.metrics.registry.MustRegister(
		newBacklogCollector(s.backlog, s.metrics.accountList),
		newDispatchCollector(s.dispatchers),
		newBrokerCollector(s.nats, js, s.config.NATS.Stream, s.config.NATS.Durable),
		newPoolCollector(map[string]*pgxpool.Pool{"work": s.pool, "keeper": s.keeper.pool}),
		newReadyCollector(s), newRulesCollector(s))
}

// pagesServer is the running HTTP server with its address.
type pagesServer struct {
	*http.Server
	address string
	stop    func()
}

// Close ends the server, and what its pages have under way in the ledger.
func (p *pagesServer) Close() error {
	p.stop()
	return p.Server.Close()
}

// profileRoutes serves Go's profiles. The package registers them by itself only
// at http.DefaultServeMux, which this program does not serve.
func profileRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
}

// listen serves /healthz, /readyz and /metrics, and /debug/pprof when it is
// asked for.
func (s *service) listen() (*pagesServer, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		answer := s.readiness(r.Context())
		w.Header().Set("Content-Type", "application/json")
		if answer.Status == "down" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		_ = encoder.Encode(answer) // the client went away
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	if s.config.PProf {
		profileRoutes(mux)
		s.log.Info("profiles are served at WORKER_HTTP_ADDR under /debug/pprof/")
	}
	listener, err := net.Listen("tcp", s.config.HTTPAddr)
	if err != nil {
		return nil, fmt.Errorf("listen on WORKER_HTTP_ADDR: %w", err)
	}
	server := &pagesServer{
		Server:  &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute},
		address: listener.Addr().String(), stop: s.backlog.stop,
	}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("pages for operators stopped", zap.Error(err))
		}
	}()
	return server, nil
}
