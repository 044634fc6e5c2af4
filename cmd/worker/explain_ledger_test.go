package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/internal/config"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
)

// explainRig is a ledger that some events were recorded in.
type explainRig struct {
	t        *testing.T
	database string
	pool     *pgxpool.Pool
	config   *config.Config
	seq      uint64
}

func newExplainRig(t *testing.T) *explainRig {
	t.Helper()
	r := &explainRig{t: t, database: testkit.Postgres(t)}
	var err error
	if r.config, err = config.Load(rigCredentials, os.ReadFile); err != nil {
		t.Fatal(err)
	}
	if r.pool, err = database.OpenWorkerPool(t.Context(), r.database, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.pool.Close)
	return r
}

// rigCredentials have both accounts on.
var rigCredentials = []string{"ZHIMAI_OPEN_ID=o", "ZHIMAI_GRANT_CODE=g", "ZHIMAI_OPEN_KEY=k", "KYLIN_URL=http://127.0.0.1:1"}

func orderEvent(typ, data string) string {
	return `{"specversion":"1.0","id":"e1","source":"shop-sh","type":"` + typ + `","time":"2026-11-20T12:00:00+08:00","data":` + data + `}`
}

// record records events as a worker would.
func (r *explainRig) record(events ...string) {
	r.t.Helper()
	for _, event := range events {
		r.seq++
		m := ledger.Message{Stream: "POINTS", StreamCreated: time.Unix(1, 0), Seq: r.seq, BrokerTime: time.Date(2026, 11, 20, 4, 0, int(r.seq), 0, time.UTC), Payload: []byte(event)}
		d := r.config.Rules.Decode(m, nil)
		if d.Event == nil {
			r.t.Fatalf("%s: %v", event, d.Rejection)
		}
		if _, err := ledger.New(r.pool).Record(r.t.Context(), []ledger.Entry{{Message: m, Event: d.Event}}); err != nil {
			r.t.Fatal(err)
		}
	}
}

// post has every open operation of an account confirmed.
func (r *explainRig) post(account string) {
	r.t.Helper()
	if _, err := r.pool.Exec(r.t.Context(), `WITH gone AS (DELETE FROM outbox WHERE target = $1 RETURNING operation_id)
		INSERT INTO postings (operation_id, kind, evidence, member_id, attempts) SELECT operation_id, 'posted', 'answered', '7', 1 FROM gone`, account); err != nil {
		r.t.Fatal(err)
	}
}

func (r *explainRig) explain(event string, more ...string) (out, errs string, code int) {
	r.t.Helper()
	return runWorker(r.t, append(rigCredentials, "DATABASE_URL="+r.database), event, append([]string{"explain", "--ledger", "-"}, more...)...)
}

// With a ledger at hand a refund shows what it would take from which operation, and
// nothing is written.
func TestExplainInTheLedger(t *testing.T) {
	t.Parallel()
	r := newExplainRig(t)
	sale := orderEvent("order.paid", `{"orderId":"SO-1","member":{"customerId":"7","memberId":"m"},"channel":"pos","amountFen":12999,"pointsUsed":30}`)
	refund := func(id, fen string) string {
		return orderEvent("order.refunded", `{"refundId":"`+id+`","orderId":"SO-1","amountFen":`+fen+`}`)
	}
	cancel := func(order string) string { return orderEvent("order.cancelled", `{"orderId":"`+order+`"}`) }
	r.record(sale, refund("RF-1", "1200"), cancel("SO-8"))
	for _, c := range []struct {
		name, event string
		code        int
		words       []string
	}{
		{"a sale that is recorded", sale, 0, []string{"In the ledger, if it was recorded now", "a duplicate: it is recorded"}},
		{"a refund before it was sent", refund("RF-2", "1000"), 0, []string{"Take 1 of 2: points_deduct at zhimai", "the points_add of 129 points, operation 1: waiting", "2200 of 12999 fen, with this event",
			"117 points before, 107 after", "no call: that was not sent yet, and will send 107 points (netted)", "nothing to send: 0 points"}},
		{"all of it", cancel("SO-1"), 0, []string{"no call: that was not sent yet, and nothing is left of it", "Take 2 of 2: unfreeze_point at kylin"}},
		{"the same refund", refund("RF-1", "1200"), 0, []string{"a duplicate: it is recorded"}},
		{"the same refund with another share", refund("RF-1", "1201"), 1, []string{"rejected: conflict: order.refunded SO-1 was recorded before with other content", "amountFen 1200 before, 1201 now"}},
		{"too much", refund("RF-3", "11800"), 1, []string{"rejected: over_refunded: order.paid SO-1: a refund of 11800 fen after refunds of 1200 fen"}},
		{"a sale that is not known", cancel("SO-9"), 0, []string{"accepted, and waits: order.paid SO-9 is not recorded"}},
		{"one that waits", cancel("SO-8"), 0, []string{"a duplicate: it was published before, and waits for", "order.paid SO-8"}},
	} {
		out, errs, code := r.explain(c.event)
		if code != c.code || (code == 1) != strings.Contains(errs, "this event would be rejected") {
			t.Errorf("%s: exit %d: %s", c.name, code, errs)
		}
		flat := strings.Join(strings.Fields(out), " ")
		for _, word := range c.words {
			if !strings.Contains(flat, word) {
				t.Errorf("%s: no %q in:\n%s", c.name, word, out)
			}
		}
		if strings.Contains(out, "--ledger says") {
			t.Errorf("%s: still told to ask the ledger:\n%s", c.name, out)
		}
	}
	r.post("zhimai")
	out, errs, code := r.explain(cancel("SO-1"), "--json")
	var e struct {
		Ledger struct {
			Verdict string
			Takes   []struct {
				Kind, Fate string
				Points     int
				Waits      bool
				From       struct{ State string }
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &e); err != nil || code != 0 {
		t.Fatalf("exit %d, %v: %s%s", code, err, out, errs)
	}
	if l := e.Ledger; l.Verdict != "accepted" || len(l.Takes) != 2 || l.Takes[0].Points != 117 || l.Takes[0].From.State != "posted" || l.Takes[0].Fate != "work_item" || l.Takes[0].Waits ||
		l.Takes[1].Kind != "unfreeze_point" || l.Takes[1].Fate != "netted" {
		t.Errorf("got %+v", l)
	}
	out, _, code = r.explain(refund("RF-3", "11800"), "--json")
	var no struct {
		Rejected bool
		Code     string
		Ledger   struct{ Verdict string }
	}
	if err := json.Unmarshal([]byte(out), &no); err != nil || code != 1 || !no.Rejected || no.Code != "over_refunded" || no.Ledger.Verdict != "rejected" {
		t.Errorf("exit %d, %v, %+v", code, err, no)
	}
	var rows int
	if err := r.pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM operations) + (SELECT count(*) FROM waiting) + (SELECT count(*) FROM rejects) + (SELECT count(*) FROM mappings)`).Scan(&rows); err != nil || rows != 5 {
		t.Errorf("%d rows (%v), want the two of the sale, two of its refund, and one that waits", rows, err)
	}
}

// Without a database, and with one of another schema, it is said at once.
func TestExplainWithoutALedger(t *testing.T) {
	t.Parallel()
	_, errs, code := runWorker(t, nil, orderEvent("order.cancelled", `{"orderId":"SO-1"}`), "explain", "--ledger", "-")
	if code != 2 || !strings.Contains(errs, "DATABASE_URL is not set") {
		t.Errorf("exit %d: %s", code, errs)
	}
}
