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
	"pointsledger/rules"
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
	own := regexp.MustCompile("(?s)```yaml\n(- type: review.removed\n.*?)```").FindSubmatch(page)
	if own == nil {
		t.Fatal("the page has no type of one's own that takes back")
	}
	indented := "      " + strings.ReplaceAll(strings.TrimSpace(string(own[1])), "\n", "\n      ") + "\n"
	review := "      - {type: review.posted, operations: [{vendor: zhimai, call: points_add, source_type: 11, points: 10}]}\n"
	general, rest, _ := strings.Cut(string(config.DefaultFile()), "\nrules:\n")
	_, vendors, found := strings.Cut(rest, "\nvendors:\n")
	if !found {
		t.Fatal("the built-in file has no vendors")
	}
	north := "\n  - {name: zhimai-north, kind: zhimai}\n"
	file := general + "\n" + string(example[1]) + review + indented + "\nvendors:\n" + vendors + north
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
		{"x", "order.refunded", `{"refundId":"R","orderId":"1","amountFen":1200,"orderSource":"shop-sh"}`, "order.paid 1 of shop-sh, 1200 fen: 订单1退款扣回积分"},
		{"shop-sh", "order.refunded", `{"orderId":"1","amountFen":1200}`, "missing_field"},
		{"shop-sh", "order.cancelled", `{"orderId":"1"}`, "order.paid 1 of shop-sh: 订单1取消，扣回积分"},
		{"shop-sh", "order.completed", `{"orderId":"1"}`, "order.paid 1 of shop-sh spent: 订单1完成核销积分"},
		{"shop-sh", "review.removed", `{"reviewId":"7","removalId":"1"}`, "review.posted 7 of shop-sh: 评价7已删除"},
	} {
		m := ledger.Message{Stream: "POINTS", Seq: 1, Subject: "points.events." + tc.typ, BrokerTime: time.Now(),
			Payload: []byte(`{"specversion":"1.0","id":"e1","source":"` + tc.source + `","type":"` + tc.typ + `","time":"` + time.Now().Format(time.RFC3339) + `","data":` + tc.data + `}`)}
		explained, rejection := cfg.Rules.Explain(m, nil)
		got := ""
		switch {
		case rejection != nil:
			got = string(rejection.Code)
		case explained.Event.Refers != nil:
			got = aboutWords(&explained)
		default:
			o := explained.Event.Operations[0]
			got = o.Account + " " + strconv.Itoa(int(o.Points))
			if tc.typ == "order.paid" && !o.HeldUntil.Equal(explained.Event.Time.Add(7*24*time.Hour)) {
				t.Errorf("%s: held until %s", tc.data, o.HeldUntil)
			}
		}
		if got != tc.want {
			t.Errorf("%s of %s, %s: got %s (%v), want %s", tc.typ, tc.source, tc.data, got, rejection, tc.want)
		}
	}
}

// aboutWords say what an event is about.
func aboutWords(x *rules.Explanation) string {
	r := x.Event.Refers
	text := r.Origin + " of " + x.Origin.Parts[0].Value
	switch {
	case r.Consumes:
		return text + " spent: " + r.Texts[ledger.ConsumeFrozen]
	case r.ShareFen != nil:
		text += ", " + strconv.FormatInt(*r.ShareFen, 10) + " fen"
	}
	return text + ": " + r.Texts[ledger.PointsDeduct]
}
