package rules

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"pointsledger/ledger"
	"pointsledger/rules/cloudevent"
)

const paid = `{"orderId":"SO-1","member":{"customerId":"383933091455959041"},"channel":"pos","amountFen":12999}`

func TestOrderPaid(t *testing.T) {
	t.Parallel()
	event := accepted(t, defaultRules(t), structured("order.paid", paid), nil)
	fen := int64(12999)
	want := &ledger.Event{
		Source: "shop-sh", ID: "e1", Type: "order.paid", Time: event.Time,
		Content: `{"amountFen":12999,"businessDate":null,"channel":3,"member":{"customerId":"383933091455959041","memberId":null,"userCode":null},"orderId":"SO-1","points":null,"pointsUsed":null,"shopCode":null}`,
		FactKey: ledger.NewFactKey("shop-sh", "order.paid", "SO-1"),
		Operations: []ledger.Operation{{
			Account: "zhimai", Kind: ledger.PointsAdd, BizID: "pajwgi7fm3svrndg2zioa45cgmpi", BusinessKey: "SO-1",
			MemberID: "383933091455959041", Points: 129, SourceType: 1, PointsChannel: 3,
			Reason: "订单SO-1消费积分 #HZWYJ1K057VY5", Reference: "HZWYJ1K057VY5", BusinessDate: "2026-11-20",
			AmountFen: &fen, MappingVersion: "v1",
		}},
	}
	if !reflect.DeepEqual(event, want) {
		t.Errorf("got  %+v\nwant %+v", event, want)
	}
	if !event.Time.Equal(brokerTime) {
		t.Errorf("time %s, want %s", event.Time, brokerTime)
	}
}

func TestOrderPaidWithPointsUsedFreezesToo(t *testing.T) {
	t.Parallel()
	event := accepted(t, defaultRules(t), structured("order.paid", `{"orderId":"SO-1","member":{"userCode":"QR 7","memberId":"M-9"},"channel":1,"amountFen":0,"pointsUsed":50,"shopCode":"S1","businessDate":"2026-11-19"}`), nil)
	if len(event.Operations) != 2 {
		t.Fatalf("%d operations, want 2", len(event.Operations))
	}
	grant, freeze := event.Operations[0], event.Operations[1]
	if grant.MemberCode != "QR 7" || grant.MemberID != "" || grant.Points != 0 || grant.PointsChannel != 1 {
		t.Errorf("grant %+v", grant)
	}
	if freeze.Account != "kylin" || freeze.Kind != ledger.FreezePoint || freeze.BizID != "fzuqfgomyu45nawe5eyudyhijym5" || freeze.MemberID != "M-9" || freeze.MemberCode != "" ||
		freeze.Points != 50 || freeze.SourceType != 0 || freeze.BusinessDate != "2026-11-19" || freeze.ShopCode != "S1" || freeze.Reason != "订单SO-1使用积分冻结 #HQK740TNY8032" {
		t.Errorf("freeze %+v", freeze)
	}
	if want := `"member":{"customerId":null,"memberId":"M-9","userCode":"QR 7"}`; !strings.Contains(event.Content, want) {
		t.Errorf("content %s lacks %s", event.Content, want)
	}
}

func TestPointsOfEachType(t *testing.T) {
	t.Parallel()
	rules := defaultRules(t)
	const who = `"member":{"customerId":"7"},"channel":"pos"`
	for _, tc := range []struct {
		name, typ, data string
		points          ledger.Points
		sourceType      int
	}{
		{"the rate rounds down", "order.paid", `{"orderId":"1",` + who + `,"amountFen":199}`, 1, 1},
		{"below one point", "order.paid", `{"orderId":"1",` + who + `,"amountFen":99}`, 0, 1},
		{"nothing paid", "order.paid", `{"orderId":"1",` + who + `,"amountFen":0}`, 0, 1},
		{"minus nothing", "order.paid", `{"orderId":"1",` + who + `,"amountFen":-0}`, 0, 1},
		{"up to the limit", "order.paid", `{"orderId":"1",` + who + `,"amountFen":10000099}`, 100000, 1},
		{"a rate by channel", "order.paid", `{"orderId":"1","member":{"customerId":"7"},"channel":"mini_program","amountFen":199}`, 3, 1},
		{"points override the rate", "order.paid", `{"orderId":"1",` + who + `,"amountFen":100,"points":77}`, 77, 1},
		{"points override with 0", "order.paid", `{"orderId":"1",` + who + `,"amountFen":100,"points":0}`, 0, 1},
		{"an override beats what is too large", "order.paid", `{"orderId":"1",` + who + `,"amountFen":9223372036854775807,"points":1}`, 1, 1},
		{"an anonymous sale", "order.paid", `{"orderId":"1","member":null,"channel":"pos","amountFen":500000}`, 0, 1},
		{"an anonymous sale of any amount", "order.paid", `{"orderId":"1","member":null,"channel":"pos","amountFen":9223372036854775807}`, 0, 1},
		{"a check-in", "member.checked_in", `{` + who + `}`, 5, 5},
		{"a check-in with points", "member.checked_in", `{` + who + `,"points":8}`, 8, 5},
		{"a review", "review.posted", `{"reviewId":"1",` + who + `}`, 10, 11},
		{"a review without a photo", "review.posted", `{"reviewId":"1",` + who + `,"hasPhoto":false,"rating":1}`, 10, 11},
		{"a review with a photo", "review.posted", `{"reviewId":"1",` + who + `,"hasPhoto":true,"rating":5,"orderId":"o"}`, 20, 11},
		{"a review with points", "review.posted", `{"reviewId":"1",` + who + `,"hasPhoto":true,"points":3}`, 3, 11},
		{"an anonymous review", "review.posted", `{"reviewId":"1","member":null,"channel":9}`, 0, 11},
		{"a type of the rule file", "lottery.won", `{"ticketId":"1",` + who + `,"prizePoints":12,"vip":true,"drawnOn":"1999-01-01"}`, 12, 7},
		{"a freeze by the rule file", "order.placed", `{"orderId":"1","line":2,"member":{"memberId":"m"},"pointsUsed":3}`, 3, 0},
		{"no condition holds", "order.placed", `{"orderId":"1","line":2,"member":{"memberId":"m"}}`, 0, 0},
		{"no condition holds for nobody", "order.placed", `{"orderId":"1","line":2,"member":null,"pointsUsed":0}`, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			event := accepted(t, rules, structured(tc.typ, tc.data), nil)
			o := event.Operations[0]
			if len(event.Operations) != 1 || o.Points != tc.points || o.SourceType != tc.sourceType {
				t.Errorf("got %d operations, %d points, source type %d, want 1, %d, %d", len(event.Operations), o.Points, o.SourceType, tc.points, tc.sourceType)
			}
		})
	}
}

func TestCheckInKey(t *testing.T) {
	t.Parallel()
	rules := defaultRules(t)
	rules.programme = "aupres"
	at := func(source, time, data string) *ledger.Event {
		return accepted(t, rules, message("member.checked_in", `{"specversion":"1.0","id":"e","source":"`+source+`","type":"member.checked_in",`+time+`"data":{"member":{"customerId":"383933091455959041"},"channel":"app"`+data+`}}`), nil)
	}
	first := at("shop-sh", `"time":"2026-11-20T00:00:00+08:00",`, ``)
	if o := first.Operations[0]; o.BizID != "paiexqr4vhyhq7tcptdi7mzr4b62" || o.BusinessKey != "383933091455959041/2026-11-20" || o.Reason != "2026-11-20签到积分 #043G2SV7WQWBS" {
		t.Errorf("operation %+v", o)
	}
	if !first.RepeatIsDuplicate {
		t.Error("a second check-in of the day is a conflict, want a duplicate")
	}
	for name, event := range map[string]*ledger.Event{
		"another shop":         at("shop-bj", `"time":"2026-11-20T12:00:00+08:00",`, ``),
		"the same day in UTC":  at("shop-sh", `"time":"2026-11-19T16:00:00Z",`, ``),
		"date without time":    at("shop-sh", ``, `,"date":"2026-11-20"`),
		"date beats time":      at("shop-sh", `"time":"2026-11-19T12:00:00+08:00",`, `,"date":"2026-11-20"`),
		"whatever else it has": at("shop-sh", ``, `,"date":"2026-11-20","points":9,"shopCode":"x"`),
	} {
		if event.Operations[0].BizID != first.Operations[0].BizID {
			t.Errorf("%s: another key, want the same", name)
		}
	}
	if other := at("shop-sh", `"time":"2026-11-19T15:59:59Z",`, ``); other.Operations[0].BizID == first.Operations[0].BizID {
		t.Error("the day before has the same key")
	}
}

func TestKeyIsBySourceAndNotByEnvelope(t *testing.T) {
	t.Parallel()
	rules := defaultRules(t)
	id := func(envelope, data string) ledger.BizID {
		return accepted(t, rules, message("order.paid", `{"specversion":"1.0","type":"order.paid",`+envelope+`,"data":`+data+`}`), nil).Operations[0].BizID
	}
	first := id(`"id":"1","source":"a"`, paid)
	if id(`"id":"2","source":"a","time":"2026-11-01T00:00:00Z"`, paid) != first {
		t.Error("a re-sent event has another key")
	}
	if id(`"id":"1","source":"b"`, paid) == first {
		t.Error("another source has the same key")
	}
	if id(`"id":"1","source":"a"`, strings.Replace(paid, "SO-1", "so-1", 1)) == first {
		t.Error("another order has the same key")
	}
}

func TestContentIsOnlyWhatCounts(t *testing.T) {
	t.Parallel()
	rules := defaultRules(t)
	content := func(payload string) string { return accepted(t, rules, message("order.paid", payload), nil).Content }
	first := content(`{"specversion":"1.0","id":"e1","source":"s","type":"order.paid","data":` + paid + `}`)
	for name, payload := range map[string]string{
		"other envelope":       `{"specversion":"1.0","id":"e9","source":"t","type":"order.paid","time":"2026-11-01T00:00:00Z","x":1,"data":` + paid + `}`,
		"other order":          `{"data":{"amountFen":12999,"channel":"pos","member":{"customerId":"383933091455959041"},"orderId":"SO-1"},"type":"order.paid","source":"s","id":"1","specversion":"1.0"}`,
		"the channel's number": `{"specversion":"1.0","id":"e1","source":"s","type":"order.paid","data":` + strings.Replace(paid, `"pos"`, `3`, 1) + `}`,
		"an alias":             `{"specversion":"1.0","id":"e1","source":"s","type":"order.paid","data":` + strings.Replace(paid, `"pos"`, `"offline"`, 1) + `}`,
		"nulls":                `{"specversion":"1.0","id":"e1","source":"s","type":"order.paid","dataschema":null,"data":{"points":null,"pointsUsed":null,"shopCode":null,` + strings.Replace(paid[1:], `041"`, `041","userCode":null`, 1) + `}`,
		"unknown fields":       `{"specversion":"1.0","id":"e1","source":"s","type":"order.paid","data":{"x":{"orderId":[1,{"y":2}]},"z":"\u0000",` + paid[1:] + `}`,
		"escapes":              `{"specversion":"1.0","id":"e1","source":"s","type":"order\u002epaid","d\u0061ta":` + strings.Replace(strings.Replace(paid, "SO", `S\u004f`, 1), "orderId", `order\u0049d`, 1) + `}`,
	} {
		if got := content(payload); got != first {
			t.Errorf("%s:\n got %s\nwant %s", name, got, first)
		}
	}
	for name, data := range map[string]string{
		"amount":       strings.Replace(paid, "12999", "12998", 1),
		"member":       strings.Replace(paid, "041", "042", 1),
		"leading zero": strings.Replace(paid, `"383`, `"0383`, 1),
		"anonymous":    strings.Replace(paid, `{"customerId":"383933091455959041"}`, `null`, 1),
		"channel":      strings.Replace(paid, "pos", "eleme", 1),
		"points":       strings.Replace(paid, `{`, `{"points":0,`, 1),
		"date":         strings.Replace(paid, `{`, `{"businessDate":"2026-11-20",`, 1),
	} {
		if content(`{"specversion":"1.0","id":"e1","source":"s","type":"order.paid","data":`+data+`}`) == first {
			t.Errorf("another %s has the same content", name)
		}
	}
}

func TestOdditiesThatAreAccepted(t *testing.T) {
	t.Parallel()
	rules := defaultRules(t)
	with := func(old, new string) string { return strings.Replace(paid, old, new, 1) }
	deep := strings.Repeat("[", cloudevent.MaxDepth-2) + strings.Repeat("]", cloudevent.MaxDepth-2)
	for name, tc := range map[string]struct{ data, key string }{
		"beyond 2^53":              {with("383933091455959041", "999999999999999999"), "SO-1"},
		"leading zeros":            {with("383933091455959041", "000001"), "SO-1"},
		"32 digits":                {with("383933091455959041", strings.Repeat("9", 32)), "SO-1"},
		"emoji":                    {with("SO-1", "订单😀-1"), "订单😀-1"},
		"an escaped emoji":         {with("SO-1", `\ud83d\ude00`), "😀"},
		"64 characters":            {with("SO-1", strings.Repeat("单", 64)), strings.Repeat("单", 64)},
		"10 kB of unknown fields":  {with("{", `{"x":"`+strings.Repeat("y", 10_000)+`",`), "SO-1"},
		"as deep as is allowed":    {with("{", `{"x":`+deep+`,`), "SO-1"},
		"1e400 that nobody reads":  {with("{", `{"x":1e400,`), "SO-1"},
		"a name in another case":   {with("{", `{"ORDERID":"no",`), "SO-1"},
		"U+0000 that nobody reads": {with("{", `{"x\u0000":"\u0000",`), "SO-1"},
	} {
		event := accepted(t, rules, structured("order.paid", tc.data), nil)
		if got := event.Operations[0].BusinessKey; got != tc.key {
			t.Errorf("%s: business key %q, want %q", name, got, tc.key)
		}
	}
	m := structured("order.paid", paid)
	m.Payload = append([]byte("\xef\xbb\xbf \n"), append(m.Payload, " \r\n\t"...)...)
	if event := accepted(t, rules, m, nil); event.Operations[0].Points != 129 {
		t.Errorf("with a byte order mark: %+v", event)
	}
}

func TestIgnoredType(t *testing.T) {
	t.Parallel()
	d := defaultRules(t).Decode(structured("order.created", `{"anything":[1]}`), nil)
	if !d.Ignored || d.Event != nil || d.Rejection != nil || d.Type != "order.created" {
		t.Errorf("got %+v, want it ignored", d)
	}
}

func TestBrokerTimePicksTheRuleSet(t *testing.T) {
	t.Parallel()
	file := defaultRulesFile()
	change := brokerTime.Add(time.Hour)
	second := RuleSetFile{From: change, Events: []RuleFile{{Type: "order.paid", Operations: []OperationFile{
		{Vendor: "zhimai", Call: "points_add", SourceType: 1, Points: PointsFile{Value: ptr(int64(1))}},
	}}}}
	file.Rules = append(file.Rules, second)
	rules := compiled(t, file, defaultAccounts())
	for _, tc := range []struct {
		broker time.Time
		points ledger.Points
	}{
		{change.Add(-time.Nanosecond), 129}, {change, 1}, {change.Add(time.Hour), 1},
		{file.Rules[0].From.Add(-time.Hour), 129},
	} {
		m := message("order.paid", `{"specversion":"1.0","id":"e1","source":"s","type":"order.paid","data":`+paid+`}`)
		m.BrokerTime = tc.broker
		if got := accepted(t, rules, m, nil).Operations[0].Points; got != tc.points {
			t.Errorf("at %s: %d points, want %d", tc.broker, got, tc.points)
		}
	}
	m := structured("review.posted", `{}`)
	m.BrokerTime = change
	if d := rejected(t, rules, m, nil); d.Rejection.Code != ledger.UnknownType || !strings.Contains(d.Rejection.Reason, "at that time; known types: day.declared, order.paid") {
		t.Errorf("a type of the first set only: %v", d.Rejection)
	}
}

func TestAccountThatIsOffRejectsTheWholeEvent(t *testing.T) {
	t.Parallel()
	accounts := defaultAccounts()
	accounts[1].On = false
	rules := compiled(t, defaultRulesFile(), accounts)
	accepted(t, rules, structured("order.paid", paid), nil)
	d := rejected(t, rules, structured("order.paid", `{"orderId":"1","member":{"customerId":"1","memberId":"m"},"channel":1,"amountFen":1,"pointsUsed":1}`), nil)
	if d.Rejection.Code != ledger.VendorNotConfigured || !strings.Contains(d.Rejection.Reason, `freeze_point at the account "kylin"`) {
		t.Errorf("got %v", d.Rejection)
	}
}
