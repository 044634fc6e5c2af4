package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"

	"pointsledger/internal/advice"
)

const (
	// postgresTry bounds one try: an address that swallows packets must not
	// hold up the next one.
	postgresTry = 10 * time.Second
	// sayAgain is the time between two lines about a Postgres that is away.
	sayAgain = 30 * time.Second
)

// errStopped is returned by newService when the worker was told to stop before
// it began. It is not a failure.
var errStopped = errors.New("stopped while waiting for Postgres")

// postgresWait makes a start wait for Postgres, as it waits for NATS. Meanwhile
// it shows the pages for operators, so that whoever looks finds the reason.
// For use by one goroutine.
type postgresWait struct {
	addr  string
	log   *zap.Logger
	pages *waitingPages // nil until something had to be waited for
	// began and said are when the wait began and was logged last; zero: not.
	began, said time.Time
}

// until runs do until it succeeds. It returns what waiting cannot mend (see
// worthWaiting) at once, and errStopped when ctx ends.
func (w *postgresWait) until(ctx context.Context, do func(context.Context) error) error {
	pauses := backoff.NewExponentialBackOff(backoff.WithInitialInterval(250*time.Millisecond),
		backoff.WithMaxInterval(5*time.Second), backoff.WithMaxElapsedTime(0)) // ctx ends it
	err := backoff.Retry(func() error {
		try, cancel := context.WithTimeout(ctx, postgresTry)
		defer cancel()
		err := do(try)
		if err == nil || ctx.Err() != nil {
			return nil
		}
		if !worthWaiting(err) {
			return backoff.Permanent(err)
		}
		if shown := w.show(err); shown != nil {
			return backoff.Permanent(shown)
		}
		return err
	}, backoff.WithContext(pauses, ctx))
	switch {
	case ctx.Err() != nil:
		return errStopped
	case err != nil:
		return err
	}
	if !w.began.IsZero() {
		w.log.Info("Postgres is there", zap.Float64("waited_seconds", time.Since(w.began).Seconds()))
		w.pages.set("starting: Postgres is there, the worker is not ready yet")
		w.began, w.said = time.Time{}, time.Time{}
	}
	return nil
}

// show tells people why the worker waits. The error is that the pages cannot
// be shown.
func (w *postgresWait) show(reason error) (err error) {
	if w.pages == nil {
		if w.pages, err = showWaitingPages(w.addr, w.log); err != nil {
			return err
		}
	}
	w.pages.set("Postgres: " + advice.Words(reason))
	if w.began.IsZero() {
		w.began = time.Now()
	}
	if w.said.IsZero() || time.Since(w.said) >= sayAgain {
		w.said = time.Now()
		w.log.Warn("waiting for Postgres", zap.Error(reason), zap.Float64("waited_seconds", time.Since(w.began).Seconds()),
			zap.String("http", w.pages.address))
	}
	return nil
}

// close ends the pages; the service's own take their place.
func (w *postgresWait) close() {
	if w.pages != nil {
		_ = w.pages.server.Close() // nobody is left to hear of it
		w.pages = nil
	}
}

// worthWaiting tells whether a Postgres that is away, starting, stopping or
// full is the reason. A wrong password (class 28), a database that is not there
// (3D000), missing rights and a schema that does not fit are for a person.
func worthWaiting(err error) bool {
	var said *pgconn.PgError
	if errors.As(err, &said) {
		switch said.Code {
		case "08P01": // what a pooler says of a startup parameter that it does not know
			return false
		case "57P01", "57P02", "57P03", "57P05": // stopping, crashed, starting, idle too long
			return true
		}
		// Connection lost; out of connections, memory or disk.
		return strings.HasPrefix(said.Code, "08") || strings.HasPrefix(said.Code, "53")
	}
	var unreachable net.Error
	return errors.As(err, &unreachable) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// waitingPages are /healthz and /readyz of a worker that cannot begin yet.
type waitingPages struct {
	server  *http.Server
	address string
	mu      sync.Mutex
	problem string
}

func (p *waitingPages) set(problem string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problem = problem
}

func showWaitingPages(addr string, log *zap.Logger) (*waitingPages, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on WORKER_HTTP_ADDR: %w", err)
	}
	p := &waitingPages{address: listener.Addr().String()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		answer := readiness{Status: "down", Problems: []string{p.problem}, Accounts: []accountReadiness{}}
		p.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusServiceUnavailable)
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		_ = encoder.Encode(answer) // the client went away
	})
	p.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	go func() {
		if err := p.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("pages for operators stopped", zap.Error(err))
		}
	}()
	return p, nil
}
