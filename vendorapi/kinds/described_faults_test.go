package kinds_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/dispatch"
	"pointsledger/internal/accounts"
	"pointsledger/internal/config"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/vendorapi/sim"
)

// faultyOperations is how many operations meet the faults, for a tenth as many members.
const faultyOperations = 80

// hurried are settings that do not make a test wait.
const hurried = "    timeout: 500ms\n    lease: 6s\n    retry_schedule: [100ms]\n    give_up_after: 1m\n    probe_every: 1s\n"

// The examples of Zhimai and Kylin as data meet vendors that drop, cut, hang, lie and
// answer HTML: the vendors' own books say that nothing was applied twice, and that all
// that is posted was applied.
func TestDescribedVendorsMeetFaults(t *testing.T) {
	t.Parallel()
	heavy, err := sim.FaultsPreset("heavy")
	if err != nil {
		t.Fatal(err)
	}
	heavy.UnauthorisedFor, heavy.HangFor = 50*time.Millisecond, 700*time.Millisecond
	for name, c := range map[string]struct {
		vendor   sim.Vendor
		config   sim.Config
		settings string
		variable []string
		member   string
		// all: every operation is posted in the end; otherwise doubt may wait for proof,
		// which a vendor without traffic gives only after minutes.
		all bool
	}{
		"zhimai": {sim.Zhimai, sim.Config{Seed: 7, Zhimai: sim.ZhimaiConfig{Faults: heavy, Dedup: sim.Dedup{Mode: sim.DedupOff}, Records: sim.RecordsConfig{EchoReason: true}}},
			"    verify_after: 0s\n", []string{"ZHIMAI_OPEN_ID=" + sim.DefaultOpenID, "ZHIMAI_GRANT_CODE=" + sim.DefaultGrantCode, "ZHIMAI_OPEN_KEY=" + sim.DefaultOpenKey}, "38393309145595900%d", false},
		"kylin": {sim.Kylin, sim.Config{Seed: 8, Kylin: sim.KylinConfig{Faults: heavy}}, "", []string{"KYLIN_AUTHORIZATION=Bearer x"}, "m-%d", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			simulator, err := sim.New(c.config)
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(simulator)
			t.Cleanup(server.Close)
			text, err := os.ReadFile("../../docs/vendors/" + name + ".yaml")
			if err != nil {
				t.Fatal(err)
			}
			cfg, err := loaded(strings.NewReplacer("http://openapi.zvcms.com", server.URL, "https://crm.example.com", server.URL,
				"    kind: custom\n", "    kind: custom\n"+hurried+c.settings).Replace(string(text)), c.variable...)
			if err != nil {
				t.Fatal(err)
			}
			account, err := accounts.New(cfg.Accounts[0])
			if err != nil {
				t.Fatal(err)
			}
			pool := testkit.Pool(t)
			store := ledger.New(pool)
			if _, err := store.Record(t.Context(), sales(t, cfg, c.member)); err != nil {
				t.Fatal(err)
			}
			serve(t, dispatch.NewLedger(store, pool), account)
			var waiting, posted int
			testkit.Eventually(t, 90*time.Second, "every operation to have ended, or to wait in doubt", func() bool {
				err := pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM outbox WHERE state <> 'parked' AND ($1 OR NOT in_doubt)), (SELECT count(*) FROM postings WHERE kind = 'posted')`, c.all).Scan(&waiting, &posted)
				return err == nil && waiting == 0
			})
			faults := 0
			for _, n := range simulator.Totals(c.vendor).Faults {
				faults += int(n)
			}
			compareBooks(t, pool, simulator)
			if faults < 10 || posted < faultyOperations/2 || c.all && posted < faultyOperations {
				t.Errorf("%d posted after %d faults", posted, faults)
			}
		})
	}
}

// sales are the operations of a tenth as many members as there are sales.
func sales(t *testing.T, cfg *config.Config, member string) (entries []ledger.Entry) {
	t.Helper()
	for i := range faultyOperations {
		m := ledger.Message{Stream: "POINTS", StreamCreated: time.Now().Add(-time.Hour), Seq: uint64(i + 1), Subject: "points.events.order.paid", BrokerTime: time.Now(),
			Payload: fmt.Appendf(nil, `{"specversion":"1.0","id":"%d","source":"shop","type":"order.paid","time":%q,"data":{"orderId":"A%[1]d","amountFen":%[3]d,"member":{"memberId":%[4]q},"channel":"pos"}}`,
				i, time.Now().Format(time.RFC3339), 100*(i+1), fmt.Sprintf(member, i%(faultyOperations/10)))}
		decoded := cfg.Rules.Decode(m, nil)
		if decoded.Event == nil {
			t.Fatalf("rejected: %+v", decoded.Rejection)
		}
		entries = append(entries, ledger.Entry{Message: m, Event: decoded.Event})
	}
	return entries
}

// compareBooks holds the postings against the vendor's own book, which is read after
// them.
func compareBooks(t *testing.T, pool *pgxpool.Pool, simulator *sim.Simulator) {
	t.Helper()
	rows, err := pool.Query(t.Context(), `SELECT o.biz_id FROM postings p JOIN operations o ON o.id = p.operation_id WHERE p.kind = 'posted'`)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	applied := map[string]int{}
	for _, entry := range simulator.Book() {
		applied[entry.Key] = entry.Applied
		if entry.Applied > 1 {
			t.Errorf("%s was applied %d times", entry.Key, entry.Applied)
		}
	}
	for _, key := range keys {
		if applied[key] != 1 {
			t.Errorf("%s is posted and was applied %d times", key, applied[key])
		}
	}
}
