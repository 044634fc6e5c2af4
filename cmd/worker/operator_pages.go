package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"

	"pointsledger/dispatch"
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
	Account  string     `json:"account"`
	Gate     string     `json:"gate"`
	Reason   string     `json:"reason,omitempty"`
	Words    string     `json:"vendor_says,omitempty"`
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
			a.Gate, a.Reason, a.Words = "closed", string(st.Gate.Reason), st.Gate.Words
			a.Since, a.ProbeAt = &st.Gate.Since, &st.Gate.Until
			r.Status = "degraded"
			r.Problems = append(r.Problems, gateProblem(st))
		}
		r.Accounts = append(r.Accounts, a)
	}
	for _, warning := range s.keeper.Warnings() {
		r.Status = "degraded"
		r.Problems = append(r.Problems, warning)
	}
	for _, v := range s.config.Vendors {
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
		down("Postgres: %v", err)
	}
	s.addOrphans(ctx, &r)
	if problem := s.keeper.Problem(); problem != "" {
		down("database: %s", problem)
	}
	if !s.nats.IsConnected() {
		down("NATS: %s (%s)", s.nats.Status(), s.config.NATS.URL)
	}
	if trouble := s.runner.Trouble(); trouble != "" {
		down("intake: %s", trouble)
	}
	for _, d := range s.dispatchers {
		if trouble := d.Status().StoreTrouble; trouble != "" {
			down("account %s: ledger: %s", d.Name(), trouble)
		}
	}
	return r
}

// addOrphans names accounts with open operations that nobody serves: they were
// switched off or renamed, and their rows would wait in silence.
func (s *service) addOrphans(ctx context.Context, r *readiness) {
	backlogs, err := s.keeper.store.Backlogs(ctx)
	if err != nil {
		return // Ping has said what is the matter
	}
	for _, b := range backlogs {
		served := slices.ContainsFunc(s.dispatchers, func(d *dispatch.Dispatcher) bool { return d.Name() == b.Target })
		if !served && b.Pending+b.Sending > 0 {
			if r.Status == "ok" {
				r.Status = "degraded"
			}
			r.Problems = append(r.Problems, fmt.Sprintf("account %s: %d operations wait, and no such account is on here: "+
				"set its url and credentials, or put its name back into the configuration", b.Target, b.Pending+b.Sending))
		}
	}
}

// closedGates tells for each account that is served whether its gate is closed.
func (s *service) closedGates() map[string]bool {
	closed := map[string]bool{}
	for _, d := range s.dispatchers {
		closed[d.Name()] = !d.Status().Gate.Open
	}
	return closed
}

func gateProblem(st dispatch.Status) string {
	return fmt.Sprintf("account %s: gate closed since %s: %s; the vendor says: %s; next probe at %s", st.Account,
		st.Gate.Since.Format(time.RFC3339), st.Gate.Reason, st.Gate.Words, st.Gate.Until.Format(time.RFC3339))
}

// pagesServer is the running HTTP server with its address.
type pagesServer struct {
	*http.Server
	address string
}

// listen serves /healthz, /readyz and /metrics.
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
	listener, err := net.Listen("tcp", s.config.HTTPAddr)
	if err != nil {
		return nil, fmt.Errorf("listen on WORKER_HTTP_ADDR: %w", err)
	}
	server := &pagesServer{
		Server:  &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute},
		address: listener.Addr().String(),
	}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("pages for operators stopped", zap.Error(err))
		}
	}()
	return server, nil
}
