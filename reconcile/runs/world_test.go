package runs_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
	"pointsledger/reconcile/match"
	"pointsledger/reconcile/runs"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/sim"
	"pointsledger/vendorapi/zhimai"
)

// world is a ledger, a vendor and the calls between them, which a test bends.
type world struct {
	*testing.T
	pool   *pgxpool.Pool
	book   *ledger.Store
	vendor *sim.Simulator
	client *zhimai.Client
	runs   *runs.Runs
	seq    uint64
	orders int
}

// account is the only one of a world; its records show references.
const account = "zhimai"

func newWorld(t *testing.T, config sim.Config) *world {
	t.Helper()
	pool, err := database.OpenReplayPool(t.Context(), testkit.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	config.Zhimai.Records.EchoReason = !config.Zhimai.Records.EchoReason // the zero value shows them
	vendor, err := sim.New(config)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(vendor)
	t.Cleanup(server.Close)
	client, err := zhimai.New(zhimai.Config{URL: server.URL + "/api/v2", OpenID: sim.DefaultOpenID, GrantCode: sim.DefaultGrantCode, OpenKey: sim.DefaultOpenKey,
		Signing: zhimai.Signing{Payload: sim.DefaultSigningPayload, URLEncode: true}, HTTP: vendorapi.HTTPConfig{ConnectTimeout: 5 * time.Second, Timeout: 10 * time.Second, MaxConns: 4}})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, pool: pool, book: ledger.New(pool), vendor: vendor, client: client}
	w.runs = runs.New(pool, []runs.Account{{Name: account, Reader: client}})
	return w
}

// member is the id of a member by number.
func member(n int) string { return fmt.Sprintf("38393309145595%04d", n) }

// grant records a grant that is open.
func (w *world) grant(member string, points ledger.Points) ledger.Claimed {
	w.Helper()
	w.orders++
	w.seq++
	e := orders.Paid(w.seq, fmt.Sprintf("SO-%d", w.orders))
	op := &e.Event.Operations[0]
	op.MemberID, op.Points = member, points
	w.record(e)
	return w.claim()
}

func (w *world) record(entries ...ledger.Entry) {
	w.Helper()
	verdicts, err := w.book.Record(w.Context(), entries)
	if err != nil {
		w.Fatal(err)
	}
	for _, v := range verdicts {
		if v.Kind != ledger.Accepted {
			w.Fatalf("record: %+v", verdicts)
		}
	}
}

// claim claims the one row that is due.
func (w *world) claim() ledger.Claimed {
	w.Helper()
	rows, err := w.book.Claim(w.Context(), ledger.Claim{Account: account, Token: 7, Limit: 10, Lease: time.Minute, KeyMemory: time.Hour})
	if err != nil || len(rows) != 1 {
		w.Fatalf("claim: %d rows, %v", len(rows), err)
	}
	return rows[0]
}

// send has the vendor apply a call of a row, as edited.
func (w *world) send(row *ledger.Claimed, edit func(*ledger.VendorCall)) {
	w.Helper()
	call := row.VendorCall
	if edit != nil {
		edit(&call)
	}
	if reply := w.client.Send(w.Context(), &call); reply.Outcome != vendorapi.Applied {
		w.Fatalf("send: %v %v", reply.Outcome, reply.Err)
	}
}

func (w *world) confirm(row *ledger.Claimed) {
	w.Helper()
	done, err := w.book.Confirm(w.Context(), []ledger.Confirmation{{ID: row.ID, Evidence: ledger.Answered, MemberID: row.MemberID, HTTPStatus: 200}})
	if err != nil || done.Posted != 1 {
		w.Fatalf("confirm: %+v, %v", done, err)
	}
}

// post is a grant that was sent and confirmed, as all should be.
func (w *world) post(member string, points ledger.Points) ledger.Claimed {
	w.Helper()
	row := w.grant(member, points)
	w.send(&row, nil)
	w.confirm(&row)
	return row
}

// void gives a row up, as a person does.
func (w *world) void(row *ledger.Claimed) {
	w.Helper()
	w.exec(`WITH gone AS (DELETE FROM outbox WHERE operation_id = $1 RETURNING operation_id)
		INSERT INTO postings (operation_id, kind, evidence, member_id, attempts) SELECT operation_id, 'voided', 'manual', $2, 1 FROM gone`, row.ID, row.MemberID)
}

func (w *world) exec(sql string, args ...any) {
	w.Helper()
	if _, err := w.pool.Exec(w.Context(), sql, args...); err != nil {
		w.Fatalf("%s: %v", sql, err)
	}
}

// asked compares yesterday to tomorrow: the test may run at midnight.
func asked() runs.Asked {
	zone := time.FixedZone("Asia/Shanghai", 8*60*60)
	now := time.Now().In(zone)
	return runs.Asked{Account: account, From: now.AddDate(0, 0, -1).Format(time.DateOnly), To: now.AddDate(0, 0, 1).Format(time.DateOnly), Zone: zone, MadeBy: "test"}
}

func (w *world) run(a runs.Asked) runs.Summary {
	w.Helper()
	s, err := w.runs.Run(w.Context(), a)
	if err != nil {
		w.Fatal(err)
	}
	return s
}

func (w *world) items(run int64, kind match.Kind) (items []runs.ItemView) {
	w.Helper()
	if err := w.runs.Items(w.Context(), runs.ItemsAsked{Run: run, Kind: kind}, func(v *runs.ItemView) error {
		items = append(items, *v)
		return nil
	}); err != nil {
		w.Fatal(err)
	}
	return items
}

// only wants one item of a kind, and no other difference.
func (w *world) only(s runs.Summary, kind match.Kind, ledgerPoints, vendorPoints int64) runs.ItemView {
	w.Helper()
	items := w.items(s.Run, "")
	if len(items) != 1 || items[0].Kind != kind || items[0].LedgerPoints != ledgerPoints || items[0].VendorPoints != vendorPoints {
		w.Fatalf("want one %s of %d and %d points, got %+v", kind, ledgerPoints, vendorPoints, items)
	}
	if s.Items[kind] != 1 || s.Unexplained != 1 || s.Agrees || s.UnexplainedPoints != max(ledgerPoints-vendorPoints, vendorPoints-ledgerPoints) {
		w.Errorf("one %s: %+v", kind, s)
	}
	if kind != match.BalanceDiffers && s.DifferencePoints != ledgerPoints-vendorPoints+s.InTransitPoints {
		w.Errorf("%s: the difference is %d, the items' %d", kind, s.DifferencePoints, ledgerPoints-vendorPoints)
	}
	if !strings.Contains(items[0].Evidence, " ") {
		w.Errorf("%s: evidence %q", kind, items[0].Evidence)
	}
	return items[0]
}
