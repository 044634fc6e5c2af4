package docs_test

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"pointsledger/internal/config"
	"pointsledger/ledger"
)

// The whole rule set on the page of the rule file is one that a worker takes, and
// does what the page says.
func TestRulesPageExampleWorks(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("rules.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)```yaml\n(rules:.*?)```").FindSubmatch(page)
	if example == nil {
		t.Fatal("the page has no whole rule set")
	}
	general, rest, _ := strings.Cut(string(config.DefaultFile()), "\nrules:\n")
	_, vendors, found := strings.Cut(rest, "\nvendors:\n")
	if !found {
		t.Fatal("the built-in file has no vendors")
	}
	north := "\n  - {name: zhimai-north, kind: zhimai}\n"
	file := general + "\n" + string(example[1]) + "\nvendors:\n" + vendors + north
	cfg, err := config.Load([]string{"WORKER_CONFIG=points.yaml"}, func(string) ([]byte, error) { return []byte(file), nil })
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ source, typ, data, want string }{
		{"shop-sh", "order.paid", `{"orderId":"1","amountFen":99950,"channel":"pos","member":{"customerId":"1"}}`, "zhimai 1000"},
		{"shop-bj", "order.paid", `{"orderId":"1","amountFen":100000,"channel":"pos","member":{"customerId":"1"}}`, "zhimai-north 2000"},
		{"shop-bj", "order.paid", `{"orderId":"1","amountFen":100000,"channel":"mini_program","member":{"customerId":"1"}}`, "zhimai-north 3000"},
		{"shop-bj", "order.paid", `{"orderId":"1","amountFen":9000000,"channel":"pos","member":{"customerId":"1"}}`, "zhimai-north 5000"},
		{"shop-gz", "order.paid", `{"orderId":"1","amountFen":100,"channel":"pos","member":{"customerId":"1"}}`, "vendor_not_configured"},
		{"x", "member.checked_in", `{"points":50,"channel":"pos","member":{"customerId":"1"}}`, "zhimai 50"},
		{"x", "member.checked_in", `{"points":51,"channel":"pos","member":{"customerId":"1"}}`, "over_limit"},
		{"x", "member.checked_in", `{"date":"` + time.Now().AddDate(0, 0, -9).Format(time.DateOnly) + `","channel":"pos","member":{"customerId":"1"}}`, "clock"},
		{"x", "lottery.won", `{"ticketId":"1","prize":"gold","channel":"pos","member":{"customerId":"1"}}`, "zhimai 100"},
		{"x", "lottery.won", `{"ticketId":"1","prize":"tin","channel":"pos","member":{"customerId":"1"}}`, "out_of_range"},
	} {
		m := ledger.Message{Stream: "POINTS", Seq: 1, Subject: "points.events." + tc.typ, BrokerTime: time.Now(),
			Payload: []byte(`{"specversion":"1.0","id":"e1","source":"` + tc.source + `","type":"` + tc.typ + `","time":"` + time.Now().Format(time.RFC3339) + `","data":` + tc.data + `}`)}
		explained, rejection := cfg.Rules.Explain(m, nil)
		got := ""
		if rejection != nil {
			got = string(rejection.Code)
		} else {
			o := explained.Event.Operations[0]
			got = o.Account + " " + strconv.Itoa(int(o.Points))
		}
		if got != tc.want {
			t.Errorf("%s of %s, %s: got %s (%v), want %s", tc.typ, tc.source, tc.data, got, rejection, tc.want)
		}
	}
}
