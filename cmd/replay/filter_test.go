package main

import (
	"encoding/csv"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/overview"
	"pointsledger/ledger"
	"pointsledger/ledger/gates"
	"pointsledger/ledger/knowledge"
	"pointsledger/vendorapi"
)

// A printed command means the same set: every field of a filter is written as
// flags, and read back as it was. What a plan alone sets is no field of a person's.
func TestFilterArgsMeanTheSame(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 11, 20, 2, 0, 0, 123456789, time.UTC)
	full := desk.OpenFilter{State: "pending", Account: "zhimai", Cause: "refused", Member: "42", BusinessKey: "SO 1'$(rm)", BizID: "pa", EventType: "order.paid",
		EventSource: "shop-sh", Kind: ledger.PointsAdd, SourceType: 11, PointsChannel: 9, ShopCode: "S7", Outcome: "refused", Code: "HTTP 500",
		InDoubt: true, Refunded: true, Since: since, Until: since.Add(time.Hour), By: desk.TimeFailed}
	for i, fields := 0, reflect.ValueOf(full); i < fields.NumField(); i++ {
		if fields.Type().Field(i).IsExported() && fields.Field(i).IsZero() {
			t.Fatalf("field %s is not in this test", fields.Type().Field(i).Name)
		}
	}
	parked := desk.OpenFilter{State: "parked", By: desk.TimeRecorded}
	until := parked
	until.Until = since
	for _, f := range []desk.OpenFilter{full, parked, until} {
		var flags filterFlags
		c := &cobra.Command{}
		flags.register(c)
		flags.registerState(c)
		if err := c.ParseFlags(filterArgs(f)); err != nil {
			t.Fatal(err)
		}
		got, err := flags.filter(c, time.Now())
		if err != nil || got != f {
			t.Errorf("%v\ngot  %+v %v\nwant %+v", filterArgs(f), got, err, f)
		}
	}
}

// Each filter of list finds its own, also as CSV and page by page.
func TestListFilters(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.record("SO-0", func(o *ledger.Operation) { o.ShopCode, o.Points = "S7", 300 })
	c.record("SO-1", func(o *ledger.Operation) { o.SourceType, o.Points = 11, 1500 })
	c.record("SO-2", func(o *ledger.Operation) { o.PointsChannel = 9 })
	c.record("SO-3", func(o *ledger.Operation) {
		o.Account, o.Kind, o.SourceType, o.PointsChannel = "kylin", ledger.FreezePoint, 0, 0
	})
	c.park("refused", 0, false)
	c.answered(1, 1, "refused", 200, "40301", "frozen")
	c.answered(2, 2, "unknown", 500, "", "")
	for order, args := range map[string]string{
		"SO-0": "--shop S7", "SO-1": "--source-type 11", "SO-2": "--channel 9", "SO-3": "--kind freeze_point",
		"SO-0 SO-3":           "--outcome none",
		"SO-1 ":               "--outcome refused --source shop-sh --by failed --since 1h",
		" SO-2":               "--outcome unknown --by event --since 1h",
		"":                    "--source shop-bj",
		" ":                   "--by failed --until 1h",
		"SO-1 SO-0 SO-2 SO-3": "--sort points",
		"SO-2 SO-1 SO-0 SO-3": "--sort failed",
	} {
		var page overview.Listing
		c.json(&page, append([]string{"list"}, strings.Fields(args)...)...)
		var orders []string
		for _, o := range page.Operations {
			orders = append(orders, o.BusinessKey)
		}
		if got := strings.Join(orders, " "); got != strings.TrimSpace(order) {
			t.Errorf("list %s: %q, want %q", args, got, order)
		}
	}
	contains(t, c.must(0, "list", "--sort", "failed"), "FAILED", "never")
	contains(t, c.must(0, "list", "--sort", "due"), " DUE ")

	var orders []string
	after := ""
	for range 4 {
		_, out, errOut := c.run("list", "--csv", "--sort", "points", "--limit", "1", "--after", after)
		records, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		if err != nil || len(records) != 2 {
			t.Fatalf("%v: %s%s", err, out, errOut)
		}
		orders = append(orders, records[1][10])
		if _, rest, more := strings.Cut(errOut, "--after "); more {
			after = strings.TrimSpace(rest)
		}
	}
	if got := fmt.Sprint(orders); got != "[SO-1 SO-0 SO-2 SO-3]" {
		t.Errorf("page by page: %s", got)
	}
	for _, args := range [][]string{{"--sort", "age"}, {"--after", "x"}, {"--after", "1:2"}, {"--after", "2", "--sort", "points"}, {"--after", "1:-2", "--sort", "due"}} {
		c.must(2, append([]string{"list"}, args...)...)
	}
}

// The request is shown as it would be sent, without secrets and mobile numbers.
func TestShowRequest(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.env = append(c.env, "ZHIMAI_OPEN_KEY=hunter2", "ZHIMAI_OPEN_ID=open-17", "ZHIMAI_GRANT_CODE=grant-18", "ZHIMAI_URL=http://vendor.example/api/v2")
	op := c.record("SO-1", func(o *ledger.Operation) { o.MemberID = "13812345678" })
	out := c.must(0, "show", "SO-1")
	contains(t, out, "waits for a worker", "request now POST http://vendor.example/api/v2", `"Action":"user.points-add"`, string(op.BizID), `"customerId":"138****5678"`)
	for _, secret := range []string{"hunter2", "open-17", "grant-18", "13812345678"} {
		if strings.Contains(out, secret) {
			t.Errorf("%s is shown: %s", secret, out)
		}
	}
	c.exec(`UPDATE outbox SET next_attempt_at = now() + interval '2 hours'`)
	contains(t, c.must(0, "show", "SO-1"), "waits for its time, in 1h59m")
	c.exec(`UPDATE outbox SET state = 'sending', lease_token = 5, lease_until = now() + interval '1 minute', first_sent_at = now()`)
	contains(t, c.must(0, "show", "SO-1"), "waits for the vendor's answer")
	c.exec(`WITH gone AS (DELETE FROM outbox)
	        INSERT INTO postings (operation_id, kind, evidence, member_id, attempts) VALUES (1, 'posted', 'answered', '42', 1)`)
	if out := c.must(0, "show", "SO-1"); strings.Contains(out, "waits for") || strings.Contains(out, "request now") {
		t.Errorf("what has ended waits for nothing: %s", out)
	}
}

// A row that was tried is shown in the shape that it is sent in, whatever the
// configuration here says; one that was not, by the configuration.
func TestShowRequestInItsShape(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.record("SO-1", func(o *ledger.Operation) {
		o.Account, o.Kind, o.SourceType, o.PointsChannel = "kylin", ledger.FreezePoint, 0, 0
	})
	contains(t, c.must(0, "show", "SO-1"), `"memberType":"aupres"`)
	c.exec(`INSERT INTO request_shapes (hash, shape) VALUES ('h', '{"memberType":"older","pointBizType":"OLD","channelType":"WECHAT","idempotentMode":"1"}')`)
	c.exec(`UPDATE outbox SET shape = 'h', attempts = 1`)
	contains(t, c.must(0, "show", "SO-1"), `"memberType":"older"`, `"pointBizType":"OLD"`)
}

// status knows the pace, how long the rest takes, and what was learned.
func TestStatusPace(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.env = append(c.env, "ZHIMAI_URL=http://vendor.example/api/v2", "ZHIMAI_OPEN_ID=open-17", "ZHIMAI_GRANT_CODE=grant-18", "ZHIMAI_OPEN_KEY=hunter2")
	for i := range 5 {
		c.record(fmt.Sprintf("SO-%d", i))
	}
	c.exec(`WITH gone AS (DELETE FROM outbox WHERE operation_id <= 3 RETURNING operation_id)
	        INSERT INTO postings (operation_id, kind, evidence, member_id, attempts, posted_at)
	        SELECT operation_id, 'posted', 'answered', '42', 1, now() - CASE operation_id WHEN 1 THEN interval '1 hour' ELSE interval '5 seconds' END FROM gone`)
	contains(t, c.must(0, "status"), "2/min 1m", "nothing is known of this endpoint")
	c.exec(`INSERT INTO accounts (target) VALUES ('zhimai') ON CONFLICT DO NOTHING`)
	honoured := true
	vendor, err := url.Parse("http://vendor.example/api/v2")
	if err != nil {
		t.Fatal(err)
	}
	endpoint := vendorapi.EndpointName(vendor, "open-17")
	for name, finding := range map[string]knowledge.LiveFinding{endpoint: {Honoured: &honoured, Echoed: true}, "elsewhere 0": {}} {
		if err := knowledge.New(c.pool).KeepLiveFinding(t.Context(), "zhimai", name, finding); err != nil {
			t.Fatal(err)
		}
	}
	var report overview.Report
	c.json(&report, "status")
	a := report.Accounts[0]
	if a.PerSecond != 0.033 || a.DrainsInMs == nil || *a.DrainsInMs != 60_000 || a.Known == nil || a.Known.Endpoint != endpoint ||
		a.Known.References != knowledge.ReferencesShown || a.Known.KeysHonouredAt == nil || report.Accounts[1].ConfirmedAt != nil {
		t.Errorf("account %+v", a)
	}
	contains(t, c.must(0, "status"), "zhimai confirmed its first call", "its records show our references, since", "a repeated key was seen honoured", "no sample yet")
	if err := gates.New(c.pool).CloseGate(t.Context(), "zhimai", "failing", "", time.Minute, 1); err != nil {
		t.Fatal(err)
	}
	contains(t, c.must(0, "status"), "2/min closed")
}
