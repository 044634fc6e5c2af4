package dispatch_test

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"pointsledger/dispatch"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/vendorapi/sim"
)

// actions are the times at which each of Zhimai's actions was asked for.
type actions struct {
	mu sync.Mutex
	at map[string][]time.Time
}

// watchActions puts a look at each call between the dispatchers and the simulator.
func (b *bench) watchActions() *actions {
	b.t.Helper()
	to, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	seen := &actions{at: map[string][]time.Time{}}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ErrorLog = log.New(io.Discard, "", 0) // the simulator drops connections
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := time.Now()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		var asked struct{ Action string }
		if err := json.Unmarshal(body, &asked); err == nil {
			seen.mu.Lock()
			seen.at[asked.Action] = append(seen.at[asked.Action], now)
			seen.mu.Unlock()
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		proxy.ServeHTTP(w, r)
	}))
	b.t.Cleanup(server.Close)
	b.url = server.URL
	return seen
}

// perSecond is how often an action was asked for, and how many times in all.
func (a *actions) perSecond(action string) (rate float64, calls int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := a.at[action]
	if len(at) < 2 {
		return 0, len(at)
	}
	return float64(len(at)-1) / at[len(at)-1].Sub(at[0]).Seconds(), len(at)
}

// keep checks that an action was asked for at least so often, and at no higher rate.
func (a *actions) keep(t *testing.T, action string, least int, rate float64) {
	t.Helper()
	// A ratio of counts, as in TestRateIsKeptOverWorkers: the machine may be
	// slower, never faster.
	if got, calls := a.perSecond(action); calls < least || got > rate*1.1 {
		t.Errorf("%s: %d calls, %.1f a second; want %d or more at %g", action, calls, got, least, rate)
	}
}

// Each call keeps its own rate over two workers: the grants, and who a code is.
func TestRatesOfCallsAreKeptOverWorkers(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{})
	if err := b.store.MarkAccountConfirmed(t.Context(), "zhimai"); err != nil {
		t.Fatal(err)
	}
	seen := b.watchActions()
	b.accept(100, func(_ int, op *ledger.Operation) { op.MemberCode, op.MemberID = "UC"+op.MemberID, "" })
	b.accept(100, nil)
	a := b.account()
	a.Rates = map[string]float64{"points_add": 50, dispatch.CallMember: 25}
	b.start(a)
	b.start(a)
	testkit.Eventually(t, time.Minute, "all operations to end", func() bool { return b.open() == 0 })
	seen.keep(t, "user.points-add", 200, 50)
	seen.keep(t, "communal.user.identity", 100, 25)
	b.agree(200)
}

// A reading of the records is a call for each of its pages, in a scan for rows in
// doubt and in a sample alike, and two workers keep the rate of these calls together.
func TestRateOfRecordsIsKeptOverWorkers(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{})
	if err := b.store.MarkAccountConfirmed(t.Context(), "zhimai"); err != nil {
		t.Fatal(err)
	}
	seen := b.watchActions()
	b.accept(30, nil)
	if _, err := b.pool.Exec(t.Context(), `UPDATE outbox SET in_doubt = true, first_sent_at = now() - interval '1 minute', quiet_since = now() - interval '1 minute'`); err != nil {
		t.Fatal(err)
	}
	a := b.verifying()
	a.Rates = map[string]float64{dispatch.CallRecords: 12}
	b.start(a)
	b.start(a)
	testkit.Eventually(t, time.Minute, "all operations to end", func() bool { return b.open() == 0 })
	seen.keep(t, "user.user-points-records", 60, 12)
	b.agree(30)
}
