package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"pointsledger/dispatch"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

// scrape is the metrics page, without the status that get puts before it.
func scrape(t *testing.T, address string) string {
	t.Helper()
	page, found := strings.CutPrefix(get(t, address+"/metrics"), "200 ")
	if !found {
		t.Fatalf("metrics: %s", page)
	}
	return page
}

// A worker under way shows what it did, begins every known series at 0, keeps
// to Prometheus's conventions, and exports all that alerts and README name.
func TestMetricsOfARunningWorker(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	// What publishers say of the time is not the worker's latency.
	old := strings.ReplaceAll(orders(30), `{"specversion"`, `{"time":"`+time.Now().Add(-2*time.Hour).Format(time.RFC3339)+`","specversion"`)
	if _, errs, code := r.run(old+orders(5)+strings.Repeat(`{"garbage":1}`+"\n", 2), "publish", "--create-stream", "--raw", "--no-msg-id", "-"); code != 0 {
		t.Fatal(errs)
	}
	address := r.start("run").address()
	wanted := []string{
		`events_fetched_total 37`, `events_total{result="accepted"} 30`, `events_total{result="duplicate"} 5`,
		`events_total{result="rejected"} 2`, `operations_total 30`, `event_recorded_seconds_count 30`,
		`rejects_total{reason_code="not_cloudevent"} 2`, `rejects_total{reason_code="clock"} 0`,
		`open_rejects{reason_code="not_cloudevent"} 2`, `open_rejects{reason_code="conflict"} 0`,
		`dispatch_attempts_total{account="zhimai",outcome="applied"} 30`, `dispatch_attempts_total{account="kylin",outcome="unknown"} 0`,
		`dispatch_settled_total{account="zhimai",how="posted"} 30`, `dispatch_settled_total{account="zhimai",how="after_void"} 0`,
		`event_to_vendor_seconds_count{account="zhimai"} 30`, `event_to_vendor_seconds_bucket{account="zhimai",le="3600"} 30`,
		`event_to_vendor_seconds_count{account="kylin"} 0`,
		`dispatch_settle_rows_sum{account="zhimai"} 30`, `dispatch_claim_rows_sum{account="zhimai"} 30`,
		`outbox_rows{account="zhimai",state="pending"} 0`, `outbox_rows{account="kylin",state="parked"} 0`,
		`outbox_oldest_seconds{account="zhimai",state="parked"} 0`, `in_doubt_rows{account="zhimai"} 0`,
		`in_doubt_oldest_seconds{account="kylin"} 0`, `gate_closed{account="zhimai"} 0`, `gate_closed_seconds{account="zhimai"} 0`,
		`gate_reason{account="zhimai",reason="paused"} 0`, `dispatch_in_flight_calls{account="zhimai"} 0`,
		`dispatch_held_rows{account="zhimai"} 0`, `dispatch_senders{account="zhimai"} 64`,
		`samples_total{account="kylin",sighting="missed"} 0`, `lease_losses_total{account="zhimai"} 0`, `leases_expired_total{account="kylin"} 0`,
		`consumer_up 1`, `consumer_pending_events 0`, `consumer_unacknowledged_events 0`, `consumer_oldest_seconds 0`,
		`stream_max_age_seconds 2.592e+06`, `nats_connected 1`, `nats_reconnects_total 0`, `backlog_up 1`, `ready 1`, `degraded 0`,
	}
	var page string
	var missing []string
	defer func() {
		if len(missing) > 0 {
			t.Errorf("not there: %q", missing)
		}
	}()
	testkit.Eventually(t, time.Minute, "the metrics to tell of all events", func() bool {
		page = scrape(t, address)
		missing = slices.DeleteFunc(slices.Clone(wanted), func(line string) bool { return strings.Contains(page, "\npoints_ledger_"+line+"\n") })
		return len(missing) == 0
	})
	if problems, err := promlint.New(strings.NewReader(page)).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
	families := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE points_ledger_(\w+) `).FindAllStringSubmatch(page, -1) {
		families[m[1]] = true
	}
	checkDocumented(t, families)
	for name := range alertMetrics(t) {
		if !families[name] {
			t.Errorf("deploy/alerts.yml uses points_ledger_%s, which no worker exports", name)
		}
	}
	if series := len(regexp.MustCompile(`(?m)^points_ledger_`).FindAllString(page, -1)); series > 500 {
		t.Errorf("%d series for two accounts, want at most 500", series)
	}
	if profile := get(t, address+"/debug/pprof/"); !strings.HasPrefix(profile, "404 ") {
		t.Errorf("profiles that nobody asked for: %.80s", profile)
	}
}

// checkDocumented compares the metrics with the README's table, both ways.
func checkDocumented(t *testing.T, families map[string]bool) {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(readme), "| metric, all `points_ledger_…` | |")
	table, _, found := strings.Cut(table, "\n\n")
	if !found {
		t.Fatal("no table of metrics in README.md")
	}
	named := map[string]bool{}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		for _, m := range regexp.MustCompile("`(\\w+)").FindAllStringSubmatch(cells[min(1, len(cells)-1)], -1) {
			named[m[1]] = true
		}
	}
	for name := range families {
		if !named[name] {
			t.Errorf("README.md does not name the metric %s", name)
		}
	}
	for name := range named {
		if !families[name] {
			t.Errorf("README.md names a metric %s that no worker exports", name)
		}
	}
}

// alertRule is a rule of deploy/alerts.yml.
type alertRule struct {
	Alert, Expr         string
	Labels, Annotations map[string]string
}

func alertRules(t *testing.T) []alertRule {
	t.Helper()
	text, err := os.ReadFile("../../deploy/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct{ Rules []alertRule }
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var rules []alertRule
	for _, g := range file.Groups {
		rules = append(rules, g.Rules...)
	}
	return rules
}

// alertMetrics are the metrics that the alerts use, without the namespace.
func alertMetrics(t *testing.T) map[string]bool {
	t.Helper()
	used := map[string]bool{}
	for _, rule := range alertRules(t) {
		found := regexp.MustCompile(`points_ledger_(\w+)`).FindAllStringSubmatch(rule.Expr, -1)
		if len(found) == 0 {
			t.Errorf("%s uses no metric of ours", rule.Alert)
		}
		for _, m := range found {
			used[m[1]] = true
		}
	}
	return used
}

// Profiles are there when they are asked for.
func TestProfiles(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.env = append(r.env, "WORKER_PPROF=1")
	address := r.start("run").address()
	for path, want := range map[string]string{"": "goroutine", "goroutine?debug=1": "goroutine profile:", "cmdline": "run"} {
		if page := get(t, address+"/debug/pprof/"+path); !strings.HasPrefix(page, "200 ") || !strings.Contains(page, want) {
			t.Errorf("/debug/pprof/%s: %.80s", path, page)
		}
	}
}

// The closed lists here are those of the packages that own them.
func TestMetricLabelsAreComplete(t *testing.T) {
	t.Parallel()
	compare := func(file, kind string, have []string) {
		t.Helper()
		want := constants(t, file, kind)
		slices.Sort(want)
		slices.Sort(have)
		if len(want) == 0 || !slices.Equal(have, want) {
			t.Errorf("%s of %s: have %v, want %v", kind, file, have, want)
		}
	}
	var codes, reasons, seen []string
	for _, code := range ledger.AllRejectCodes() {
		codes = append(codes, string(code))
	}
	for _, reason := range gateReasons {
		reasons = append(reasons, string(reason))
	}
	for _, sighting := range sightings {
		seen = append(seen, string(sighting))
	}
	compare("../../ledger/knowledge/samples_learn.go", "Sighting", seen)
	compare("../../ledger/reject.go", "RejectCode", codes)
	compare("../../ledger/gates/gates.go", "", reasons)
	if after := vendorapi.Retryable + 1; after.String() != "unknown" {
		t.Errorf("there is an outcome after %v: %v", vendorapi.Retryable, after)
	}
	if fmt.Sprint(settledHow) != fmt.Sprint([...]string{"posted", "pending", "parked", "posted_before", "after_void", "set_aside"}) ||
		dispatch.SettledPosted != "posted" || ledger.Parked != "parked" {
		t.Errorf("settled: %v", settledHow)
	}
}

// constants are the values of a file's string constants of one type, empty for those
// without a type.
func constants(t *testing.T, file, kind string) (values []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		name, typed := spec.Type.(*ast.Ident)
		if typed != (kind != "") || typed && name.Name != kind || len(spec.Values) != 1 {
			return true
		}
		if literal, ok := spec.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
			value, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.ContainsRune(value, ' ') { // a statement
				values = append(values, value)
			}
		}
		return true
	})
	return values
}
