package dispatch_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pointsledger/dispatch"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/kylin"
	"pointsledger/vendorapi/sim"
)

// gateway is a Kylin that answers as it is told and keeps every body by key.
type gateway struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	bodies map[string][]string
}

func newGateway(t *testing.T, status int) *gateway {
	g := &gateway{status: status, bodies: map[string][]string{}}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		g.mu.Lock()
		defer g.mu.Unlock()
		key := r.Header.Get("X-Business-Token")
		g.bodies[key] = append(g.bodies[key], string(body))
		w.WriteHeader(g.status)
	}))
	t.Cleanup(g.Close)
	return g
}

// answer changes what it answers.
func (g *gateway) answer(status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.status = status
}

func (g *gateway) sent(key ledger.BizID) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.bodies[string(key)]...)
}

// shapedAccount is an account whose calls are in a shape.
func (b *bench) shapedAccount(url, memberType string, statuses map[int]vendorapi.Outcome) dispatch.Account {
	b.t.Helper()
	config := kylin.Config{URL: url, MemberType: memberType, Statuses: statuses, HTTP: vendorapi.HTTPConfig{ConnectTimeout: time.Second, Timeout: time.Second}}
	client, err := kylin.New(config)
	if err != nil {
		b.t.Fatal(err)
	}
	a := b.account()
	a.Name, a.Vendor, a.KeyMemory = "kylin", client, time.Hour
	return a
}

// freezes are n freezes of different members.
func (b *bench) freezes(n int) (entries []ledger.Entry, keys []ledger.BizID) {
	entries = b.orders(n, func(i int, op *ledger.Operation) {
		op.Account, op.Kind = "kylin", ledger.FreezePoint
		op.BizID = ledger.NewBizID("fz", "kylin", "shop", "order.paid", fmt.Sprint(i), "fz")
		op.Reference = ledger.ReferenceOf(op.BizID)
		op.Reason = "冻结 #" + op.Reference
	})
	for i := range entries {
		keys = append(keys, entries[i].Event.Operations[0].BizID)
	}
	return entries, keys
}

// A row that was tried is sent byte for byte as before, whatever the
// configuration has become, however it came to its sender; a row that was not
// tried is sent by the new one. The row that nobody knows an end of is the
// dangerous one.
func TestRowKeepsItsShape(t *testing.T) {
	t.Parallel()
	for what, status := range map[string]int{"in doubt": 500, "retryable": 409, "throttled": 429} {
		for how, handedOver := range map[string]bool{"claimed": false, "handed over": true} {
			t.Run(what+" "+how, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, sim.Config{})
				g := newGateway(t, status)
				old := b.shapedAccount(g.URL, "aupres", map[int]vendorapi.Outcome{409: vendorapi.Retryable})
				old.Schedule = dispatch.Schedule{time.Minute} // the rows wait for the other account
				if err := b.store.MarkAccountConfirmed(t.Context(), "kylin"); err != nil {
					t.Fatal(err)
				}
				d, stop := b.start(old)
				tried, keys := b.freezes(1)
				record := b.store.Record
				if handedOver {
					record = dispatch.NewHandover(b.store, []*dispatch.Dispatcher{d}).Record
				}
				if _, err := record(t.Context(), tried); err != nil {
					t.Fatal(err)
				}
				testkit.Eventually(t, 30*time.Second, "the first attempt", func() bool { return len(g.sent(keys[0])) == 1 })
				stop()
				g.answer(201)
				later, laterKeys := b.freezes(1)
				if _, err := b.store.Record(t.Context(), later); err != nil {
					t.Fatal(err)
				}
				if _, err := b.pool.Exec(t.Context(), `UPDATE outbox SET next_attempt_at = now()`); err != nil {
					t.Fatal(err)
				}
				if _, err := b.pool.Exec(t.Context(), `DELETE FROM gates`); err != nil { // throttled: the pause is over
					t.Fatal(err)
				}
				b.start(b.shapedAccount(g.URL, "another", nil))
				testkit.Eventually(t, 30*time.Second, "all to end", func() bool { return b.open() == 0 })
				bodies := g.sent(keys[0])
				if len(bodies) != 2 || bodies[0] != bodies[1] || !strings.Contains(bodies[0], `"memberType":"aupres"`) {
					t.Errorf("the tried row was sent as\n%s", strings.Join(bodies, "\n"))
				}
				if other := g.sent(laterKeys[0]); len(other) != 1 || !strings.Contains(other[0], `"memberType":"another"`) {
					t.Errorf("the new row was sent as\n%s", strings.Join(other, "\n"))
				}
			})
		}
	}
}

// A wrong setting is what suspicious refusals are about: what the gate gave back
// for it is sent by the mended one. What was not sent at all is, too.
func TestMendedShapeReachesWhatWasHeldBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{})
	g := newGateway(t, 400)
	_, stop := b.start(b.shapedAccount(g.URL, "wrong", nil))
	entries, keys := b.freezes(40)
	if _, err := b.store.Record(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 30*time.Second, "the gate to close", func() bool {
		return b.count(`SELECT count(*) FROM gates WHERE reason = 'suspicious_refusals'`) == 1
	})
	stop()
	parked := b.count(`SELECT count(*) FROM outbox WHERE state = 'parked'`)
	g.answer(201)
	b.start(b.shapedAccount(g.URL, "right", nil))
	testkit.Eventually(t, 60*time.Second, "the others to end", func() bool { return b.open() == 0 })
	posted := 0
	for _, key := range keys {
		if bodies := g.sent(key); strings.Contains(bodies[len(bodies)-1], `"memberType":"right"`) {
			posted++
		}
	}
	if parked >= 10 || posted != 40-parked {
		t.Errorf("%d are parked, and %d of 40 were sent by the mended account", parked, posted)
	}
}

// What registered a shape is lost, by a rollback say, while a worker goes on to
// give it to rows: it is kept again, so that a further configuration can send
// them as they were sent.
func TestLostShapeIsKeptAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{})
	g := newGateway(t, 500)
	old := b.shapedAccount(g.URL, "aupres", nil)
	old.Schedule = dispatch.Schedule{time.Minute}
	b.start(old)
	shapes := `SELECT count(*) FROM request_shapes`
	testkit.Eventually(t, 30*time.Second, "the shape to be registered", func() bool { return b.count(shapes) == 1 })
	tx, err := b.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	for _, sql := range []string{`SET LOCAL session_replication_role = replica`, `DELETE FROM request_shapes`} {
		if _, err := tx.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 30*time.Second, "the shape to be registered again", func() bool { return b.count(shapes) == 1 })
}

// claimsOf counts the claimed rows.
type claimsOf struct {
	counts
	rows atomic.Int64
}

func (c *claimsOf) Claimed(_ string, rows int, _ time.Duration) { c.rows.Add(int64(rows)) }

// A row whose shape nobody knows waits without being claimed over and over.
func TestUnknownShapeWaits(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{})
	g := newGateway(t, 201)
	entries, keys := b.freezes(2)
	if _, err := b.store.Record(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	if _, err := b.pool.Exec(t.Context(), `UPDATE outbox SET shape = 'lost' WHERE operation_id = (SELECT min(operation_id) FROM outbox)`); err != nil {
		t.Fatal(err)
	}
	claims := &claimsOf{}
	b.startWatched(b.shapedAccount(g.URL, "aupres", nil), claims)
	testkit.Eventually(t, 30*time.Second, "the other to be posted", func() bool { return b.count(`SELECT count(*) FROM postings`) == 1 })
	testkit.Eventually(t, 30*time.Second, "it to wait", func() bool {
		return b.count(`SELECT count(*) FROM outbox WHERE state = 'pending' AND next_attempt_at > now() + interval '30 s' AND first_sent_at IS NULL AND shape = 'lost'`) == 1
	})
	if n := claims.rows.Load(); n > 3 {
		t.Errorf("claimed %d rows, want 2 and at most one again", n)
	}
	if sent := len(g.sent(keys[0])) + len(g.sent(keys[1])); sent != 1 {
		t.Errorf("%d calls", sent)
	}
}
