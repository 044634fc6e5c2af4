package kinds_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"pointsledger/dispatch"
	"pointsledger/internal/accounts"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
)

const describedRules = `
programme: points
timezone: Asia/Shanghai
rules:
  - from: 2020-01-01T00:00:00+08:00
    events:
      - type: order.paid
        operations:
          - {vendor: shop, call: points_add, source_type: 1, points: {value: 7}, reason: "订单{orderId}"}
vendors:
  - name: shop
    kind: custom
    url: URL
    secrets: {key: SHOP_KEY}
    timeout: 2s
    verify_after: 0s
    retry_schedule: [100ms]
    token: {request: "GET /token?key={secret.key}", at: /token}
    calls:
      points_add:
        request: POST /add
        headers: {Authorization: "Bearer {token}"}
        json: {id: "{biz_id}", who: "{member_id}", points: {number: "{points}"}, remark: "{reason}"}
        outcomes:
          - {at: {/ok: [true]}, means: applied}
          - {status: 401, means: unauthorised}
      records: {request: "GET /records?who={member_id}&page={page}", headers: {Authorization: "Bearer {token}"}, list: /items, points: /points, text: /remark, at: /at, page: {}}
      member: {request: "GET /member?code={code}", headers: {Authorization: "Bearer {token}"}, id: /id}
`

// describedVendor keeps what it was told to add. Its first answer to an addition gets
// lost, and its first token ends after the member was looked up.
type describedVendor struct {
	mu     sync.Mutex
	tokens int
	added  []map[string]any
	calls  []string
}

func (v *describedVendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.calls = append(v.calls, r.URL.Path)
	answer := func(value any) { _ = json.NewEncoder(w).Encode(value) }
	if r.URL.Path == "/token" {
		v.tokens++
		answer(map[string]any{"token": fmt.Sprint("token-", v.tokens)})
		return
	}
	if good := fmt.Sprint("Bearer token-", 1+min(1, strings.Count(strings.Join(v.calls, " "), "/member"))); r.URL.Path != "/member" && r.Header.Get("Authorization") != good {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	switch r.URL.Path {
	case "/add":
		var body map[string]any
		_ = json.NewDecoder(r.Body).Decode(&body)
		body["at"] = time.Now().Unix()
		v.added = append(v.added, body)
		w.WriteHeader(http.StatusBadGateway)
	case "/records":
		items := []any{}
		if r.URL.Query().Get("page") == "1" {
			for _, one := range v.added {
				if one["who"] == r.URL.Query().Get("who") {
					items = append(items, one)
				}
			}
		}
		answer(map[string]any{"items": items})
	case "/member":
		answer(map[string]any{"id": "m-" + r.URL.Query().Get("code")})
	}
}

// A vendor that is only described is called as any other: its member is looked up, its
// token renewed, and an addition whose answer was lost is found in its records.
func TestDescribedVendor(t *testing.T) {
	t.Parallel()
	vendor := &describedVendor{}
	server := httptest.NewServer(vendor)
	t.Cleanup(server.Close)
	cfg, err := loaded(strings.Replace(describedRules, "URL", server.URL, 1), "SHOP_KEY=the-shops-key")
	if err != nil {
		t.Fatal(err)
	}
	account, err := accounts.New(cfg.Accounts[0])
	if err != nil {
		t.Fatal(err)
	}
	entry := func(seq uint64, member string) ledger.Entry {
		m := ledger.Message{Stream: "POINTS", StreamCreated: time.Now().Add(-time.Hour), Seq: seq, Subject: "points.events.order.paid", BrokerTime: time.Now(),
			Payload: fmt.Appendf(nil, `{"specversion":"1.0","id":"%d","source":"shop","type":"order.paid","time":%q,"data":{"orderId":"A%[1]d","amountFen":100,"member":%[3]s,"channel":"pos"}}`,
				seq, time.Now().Format(time.RFC3339), member)}
		decoded := cfg.Rules.Decode(m, nil)
		if decoded.Event == nil {
			t.Fatalf("rejected: %+v", decoded.Rejection)
		}
		return ledger.Entry{Message: m, Event: decoded.Event}
	}
	pool := testkit.Pool(t)
	store := ledger.New(pool)
	if _, err := store.Record(t.Context(), []ledger.Entry{entry(1, `{"userCode":"1385550042"}`), entry(2, `{"memberId":"oX-1_a"}`)}); err != nil {
		t.Fatal(err)
	}
	serve(t, dispatch.NewLedger(store, pool), account)
	testkit.Eventually(t, 30*time.Second, "the operations to be posted by their records", func() bool {
		var n int
		err := pool.QueryRow(t.Context(), `SELECT count(*) FROM postings WHERE kind = 'posted' AND evidence = 'verified' AND member_id IN ('m-1385550042', 'oX-1_a')`).Scan(&n)
		return err == nil && n == 2
	})
	vendor.mu.Lock()
	defer vendor.mu.Unlock()
	if len(vendor.added) != 2 || vendor.added[0]["points"] != 7.0 || vendor.tokens != 2 {
		t.Errorf("added %v with %d tokens: %v", vendor.added, vendor.tokens, vendor.calls)
	}
}
