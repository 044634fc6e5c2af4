package kinds_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"pointsledger/dispatch"
	"pointsledger/internal/accounts"
	"pointsledger/internal/config"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/ledger/knowledge"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/kinds"
	"pointsledger/vendorapi/kinds/testdata/stranger"
)

func TestMain(m *testing.M) { os.Exit(testkit.Run(m)) }

const strangersRules = `
programme: points
timezone: Asia/Shanghai
rules:
  - from: 2020-01-01T00:00:00+08:00
    events:
      - type: order.paid
        operations:
          - {vendor: stranger, call: points_add, source_type: 1, points: {value: 7}, reason: "订单{orderId}"}
vendors:
  - {name: stranger, kind: stranger, campaign: autumn, concurrency: 4, timeout: 1s}
`

// loaded reads a configuration of the shipped kinds and the stranger.
func loaded(rules string, environ ...string) (*config.Config, error) {
	table := append(kinds.All(), stranger.Kind())
	return config.LoadKinds(table, append(environ, "WORKER_CONFIG=points.yaml"), func(path string) ([]byte, error) {
		if path != "points.yaml" {
			return nil, fs.ErrNotExist
		}
		return []byte(rules), nil
	})
}

// received is what a stranger's server was sent.
type received struct {
	mu   sync.Mutex
	seen []string
}

func (r *received) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.seen)
}

func (r *received) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	if request.Header.Get("Pass") != "pass-word" {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, string(body))
}

// A vendor that nobody knew is a folder and a line in the table: configuration,
// rules, preview, ledger and dispatch take it as it is.
func TestStrangersVendor(t *testing.T) {
	t.Parallel()
	got := &received{}
	server := httptest.NewServer(got)
	t.Cleanup(server.Close)
	cfg, err := loaded(strangersRules, "STRANGER_URL="+server.URL, "STRANGER_PASS=pass-word")
	if err != nil {
		t.Fatal(err)
	}
	v, _ := cfg.Account("stranger")
	if !v.On() || v.Reads || v.Resolves || !v.KeysHonoured || v.InDoubt != config.InDoubtResend || v.ReasonMaxChars != 40 {
		t.Errorf("configured as %+v, off because %q", v, v.OffBecause())
	}
	account, err := accounts.New(v)
	if err != nil {
		t.Fatal(err)
	}

	m := ledger.Message{Stream: "POINTS", StreamCreated: time.Now().Add(-time.Hour), Seq: 1, Subject: "points.events.order.paid", BrokerTime: time.Now(),
		Payload: fmt.Appendf(nil, `{"specversion":"1.0","id":"1","source":"shop","type":"order.paid","time":%q,"data":{"orderId":"A1","amountFen":100,"member":{"customerId":"0042"},"channel":"pos"}}`, time.Now().Format(time.RFC3339))}
	decoded := cfg.Rules.Decode(m, nil)
	if decoded.Event == nil {
		t.Fatalf("rejected: %+v", decoded.Rejection)
	}
	entry := ledger.Entry{Message: m, Event: decoded.Event}
	preview := accounts.Preview(v, entry.Event.Operations[0].VendorCall(), "")
	if strings.Contains(fmt.Sprint(preview), "pass-word") || preview.URL != server.URL {
		t.Errorf("preview: %+v", preview)
	}

	pool := testkit.Pool(t)
	store := ledger.New(pool)
	if _, err := store.Record(t.Context(), []ledger.Entry{entry}); err != nil {
		t.Fatal(err)
	}
	serve(t, dispatch.NewLedger(store, pool), account)
	posted := func() bool {
		var n int
		err := pool.QueryRow(t.Context(), `SELECT count(*) FROM postings WHERE kind = 'posted' AND evidence = 'answered'`).Scan(&n)
		return err == nil && n == 1
	}
	testkit.Eventually(t, 30*time.Second, "the operation to be posted", posted)
	if all := got.all(); len(all) != 1 || all[0] != string(preview.Body) || !strings.Contains(all[0], `"member":"0042","points":7,"campaign":"autumn"`) {
		t.Errorf("sent %q, previewed %s", all, preview.Body)
	}
}

// serve runs a dispatcher until the test ends.
func serve(t *testing.T, store dispatch.Store, account dispatch.Account) {
	t.Helper()
	d, err := dispatch.New(store, account, zap.NewNop(), deaf{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx, context.Background()) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// What is wrong with a stranger's account is said as of any other.
func TestStrangersMistakes(t *testing.T) {
	t.Parallel()
	for edit, want := range map[[2]string]string{
		{"campaign: autumn", "campaign: a b"}:                 "points.yaml:11 vendors.stranger.campaign: want no spaces",
		{"campaign: autumn", "pass: abc"}:                     "points.yaml:11 vendors.stranger.pass: secrets do not stand in this file",
		{"campaign: autumn", "in_doubt: verify"}:              "verify: Stranger offers no records to read; want resend",
		{"kind: stranger", "kind: strange"}:                   `vendors.stranger.kind: want zhimai, kylin, custom or stranger, got "strange"`,
		{"points_add, source_type: 1", "freeze_point"}:        "freeze_point is a call of kylin, but the account stranger is of kind stranger",
		{"kind: stranger, campaign: autumn", "kind: kylin"}:   "points_add is a call of zhimai or stranger, but the account stranger is of kind kylin",
		{"campaign: autumn", "codes: {auth: [\"1\"]}"}:        "vendors.stranger.codes: not a known field here",
		{"campaign: autumn", "campaign: a, member_type: a"}:   "vendors.stranger.member_type: not a known field here",
		{"campaign: autumn", "campaign: a, verify_after: 5s"}: "vendors.stranger.verify_after: not a known field here",
	} {
		_, err := loaded(strings.Replace(strangersRules, edit[0], edit[1], 1), "STRANGER_URL=http://127.0.0.1:1", "STRANGER_PASS=p")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", edit[1], err, want)
		}
	}
	cfg, err := loaded(strangersRules, "STRANGER_URL=http://127.0.0.1:1", "STRANGER_PAS=p")
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := cfg.Account("stranger"); v.OffBecause() != "STRANGER_PASS is not set" {
		t.Errorf("off because %q", v.OffBecause())
	}
	if !slices.ContainsFunc(cfg.Warnings, func(w string) bool { return strings.Contains(w, "did you mean STRANGER_PASS?") }) {
		t.Errorf("warnings: %q", cfg.Warnings)
	}
}

// deaf is an observer that nobody listens to.
type deaf struct{}

func (deaf) Attempted(string, vendorapi.Outcome, time.Duration)  {}
func (deaf) Claimed(string, int, time.Duration)                  {}
func (deaf) Settled(string, string, int)                         {}
func (deaf) Written(string, int, time.Duration, []time.Duration) {}
func (deaf) LeasesLost(string, int)                              {}
func (deaf) LeasesExpired(string, int)                           {}
func (deaf) Sampled(string, knowledge.Sighting)                  {}
