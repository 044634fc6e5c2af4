package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pointsledger/ledger"
	"pointsledger/rules/cloudevent"
)

// reject is a line of the table of rejects: a message and what its publisher
// is told.
type reject struct {
	name    string
	message ledger.Message
	code    ledger.RejectCode
	reason  string
}

func checkRejects(t *testing.T, rules *Rules, table []reject) {
	t.Helper()
	for _, tc := range table {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := rejected(t, rules, tc.message, nil)
			if d.Rejection.Code != tc.code || !strings.Contains(d.Rejection.Reason, tc.reason) {
				t.Errorf("got  %v\nwant %s: …%s…", d.Rejection, tc.code, tc.reason)
			}
			if d.Event != nil || d.Ignored || d.Redact {
				t.Errorf("more than a rejection: %+v", d)
			}
		})
	}
}

// orderWith is an order.paid with one part of its data replaced.
func orderWith(old, new string) ledger.Message {
	return structured("order.paid", strings.Replace(paid, old, new, 1))
}

func TestRejectsOfBytes(t *testing.T) {
	t.Parallel()
	whole := `{"specversion":"1.0","id":"e1","source":"s","type":"order.paid","data":` + paid + `}`
	checkRejects(t, defaultRules(t), []reject{
		{"empty", message("order.paid", ""), ledger.NotJSON, "the message is empty"},
		{"white space", message("order.paid", " \n"), ledger.NotJSON, "the message is empty"},
		{"a mark only", message("order.paid", "\xef\xbb\xbf"), ledger.NotJSON, "the message is empty"},
		{"garbage", message("order.paid", "hello"), ledger.NotJSON, "not JSON at byte 0: "},
		{"a comma too many", message("order.paid", `{"id":"1",}`), ledger.NotJSON, "not JSON at byte 9: "},
		{"offset with a mark", message("order.paid", "\xef\xbb\xbf"+`{"id":"1",}`), ledger.NotJSON, "not JSON at byte 12: "},
		{"a number as a name", message("order.paid", `{1:2}`), ledger.NotJSON, "want a name in double quotes"},
		{"cut", message("order.paid", whole[:90]), ledger.NotJSON, "ends in the middle, after 90 bytes"},
		{"cut in a string", message("order.paid", whole[:12]), ledger.NotJSON, "ends in the middle, after 12 bytes"},
		{"two events", message("order.paid", whole+"\n"+whole), ledger.NotJSON, fmt.Sprintf("more data after the JSON value, at byte %d: want one event a message", len(whole)+1)},
		{"rubbish behind", message("order.paid", whole+"x"), ledger.NotJSON, fmt.Sprintf("at byte %d", len(whole))},
		{"a raw NUL", orderWith("SO-1", "SO\x00"), ledger.NotJSON, "not JSON at byte "},
		{"half a surrogate", orderWith("SO-1", `\ud83d`), ledger.NotJSON, "not JSON at byte "},
		{"duplicate key", orderWith(`"amountFen"`, `"amountFen":1,"amountFen"`), ledger.NotJSON, "duplicate key data.amountFen at byte "},
		{"duplicate key in the envelope", message("order.paid", `{"id":"1","id":"1"}`), ledger.NotJSON, "duplicate key id"},
		{"duplicate key in an unknown field", orderWith("{", `{"x":[{"y":1,"y":2}],`), ledger.NotJSON, "duplicate key data.x.0.y"},
		{"duplicate key by an escape", orderWith("{", `{"orderI\u0064":1,`), ledger.NotJSON, "duplicate key data.orderId"},
		{"33 levels", orderWith("{", `{"x":`+strings.Repeat("[", cloudevent.MaxDepth-1)+strings.Repeat("]", cloudevent.MaxDepth-1)+`,`), ledger.TooLarge, "nested deeper than 32 levels"},
		{"33 levels of objects", orderWith("{", `{"x":`+strings.Repeat(`{"a":`, cloudevent.MaxDepth-1)+"1"+strings.Repeat("}", cloudevent.MaxDepth-1)+`,`), ledger.TooLarge, "nested deeper than 32 levels"},
		{"20,000 levels", message("order.paid", strings.Repeat("[", 20000)), ledger.TooLarge, "nested deeper than 32 levels"},
		{"too large", message("order.paid", strings.Repeat(" ", cloudevent.MaxPayload+1)), ledger.TooLarge, "the message has 262145 bytes, at most 262144 are accepted"},
		{"GB18030", orderWith("SO-1", "\xb6\xa9\xb5\xa5-1"), ledger.NotUTF8, `read as GB18030 it says "订单": convert it to UTF-8 before publishing`},
		{"Latin 1", orderWith("SO-1", "caf\xe9"), ledger.NotUTF8, "the message is not UTF-8 at byte "},
		{"UTF-16", message("order.paid", "\xff\xfe{\x00"), ledger.NotUTF8, "UTF-16"},
		{"an array", message("order.paid", `[]`), ledger.NotCloudEvent, "want a CloudEvent as a JSON object, got an array"},
		{"encoded twice", message("order.paid", `"{}"`), ledger.NotCloudEvent, "JSON inside a string?"},
	})
}

func TestRejectsOfTheEnvelope(t *testing.T) {
	t.Parallel()
	envelope := func(text string) ledger.Message {
		return message("order.paid", strings.Replace(text, "DATA", paid, 1))
	}
	const start = `{"specversion":"1.0","id":"e1","source":"s",`
	checkRejects(t, defaultRules(t), []reject{
		{"no envelope", message("order.paid", paid), ledger.NotCloudEvent, `with "specversion": "1.0", it is missing`},
		{"another case", envelope(`{"specVersion":"1.0","data":DATA}`), ledger.NotCloudEvent, `found "specVersion": names are case-sensitive`},
		{"an old version", envelope(`{"specversion":"0.3","id":"1","source":"s","type":"order.paid","data":DATA}`), ledger.NotCloudEvent, `specversion: want "1.0", got "0.3"`},
		{"a number as the version", envelope(`{"specversion":1.0,"id":"1","source":"s","type":"order.paid","data":DATA}`), ledger.NotCloudEvent, `got 1.0`},
		{"no id", envelope(`{"specversion":"1.0","source":"s","type":"order.paid","data":DATA}`), ledger.MissingField, "id: want a string of 1 to 256 characters, it is missing"},
		{"an id that is null", envelope(`{"specversion":"1.0","id":null,"source":"s","type":"order.paid","data":DATA}`), ledger.MissingField, "id: "},
		{"a number as the id", envelope(`{"specversion":"1.0","id":7,"source":"s","type":"order.paid","data":DATA}`), ledger.BadType, "id: want a string, got 7"},
		{"an object as the id", envelope(`{"specversion":"1.0","id":{"a":1},"source":"s","type":"order.paid","data":DATA}`), ledger.BadType, "id: want a string, got an object"},
		{"an empty source", envelope(`{"specversion":"1.0","id":"1","source":"","type":"order.paid","data":DATA}`), ledger.OutOfRange, `source: want 1 to 256 characters, got ""`},
		{"a long source", envelope(`{"specversion":"1.0","id":"1","source":"` + strings.Repeat("s", 257) + `","type":"order.paid","data":DATA}`), ledger.OutOfRange, "source: want 1 to 256 characters"},
		{"NUL in the id", envelope(`{"specversion":"1.0","id":"a\u0000","source":"s","type":"order.paid","data":DATA}`), ledger.BadType, `id: want no control characters, got "a\u0000"`},
		{"no type", envelope(start + `"data":DATA}`), ledger.MissingField, "type: "},
		{"no data", envelope(start + `"type":"order.paid"}`), ledger.MissingField, "data: want an object with the fields of order.paid"},
		{"data that is null", envelope(start + `"type":"order.paid","data":null}`), ledger.MissingField, "data: "},
		{"Data", envelope(start + `"type":"order.paid","Data":DATA}`), ledger.MissingField, `found "Data"`},
		{"data as a string", envelope(start + `"type":"order.paid","data":"{}"}`), ledger.BadType, "data: want an object with the fields of order.paid, got a string (JSON inside a string?"},
		{"data as a list", envelope(start + `"type":"order.paid","data":[DATA]}`), ledger.BadType, "got an array"},
		{"base64", envelope(start + `"type":"order.paid","data_base64":"e30="}`), ledger.BadType, "data_base64: want the fields as JSON in data"},
		{"XML", envelope(start + `"type":"order.paid","datacontenttype":"text/xml","data":DATA}`), ledger.BadType, `datacontenttype: want application/json, got "text/xml"`},
		{"a content type that is a number", envelope(start + `"type":"order.paid","datacontenttype":1,"data":DATA}`), ledger.BadType, "datacontenttype: "},
		{"a time without an offset", envelope(start + `"type":"order.paid","time":"2026-11-20T12:00:00","data":DATA}`), ledger.BadType, "time: want RFC 3339 with an offset"},
		{"Unix time", envelope(start + `"type":"order.paid","time":1795000000,"data":DATA}`), ledger.BadType, "got 1795000000"},
		{"an unknown type", message("order.payed", `{"specversion":"1.0","id":"e1","source":"s","type":"order.payed","data":{}}`), ledger.UnknownType, `no rule for "order.payed"; known types: day.declared, lottery.won, member.checked_in, order.paid, order.placed, review.posted`},
		{"a type without a call", structured("order.refunded", `{}`), ledger.NoVendorCall, "order.refunded: the vendors offer no deduct call"},
	})
}

func TestRejectsOfData(t *testing.T) {
	t.Parallel()
	checkRejects(t, defaultRules(t), []reject{
		{"a fraction", orderWith("12999", "12.50"), ledger.BadType, "data.amountFen: want an integer in fen, got 12.50: write it without a fraction"},
		{"a fraction of nothing", orderWith("12999", "12.0"), ledger.BadType, "data.amountFen: want an integer in fen, got 12.0"},
		{"a string", orderWith("12999", `"12.50"`), ledger.BadType, `data.amountFen: want an integer in fen, got "12.50"`},
		{"an exponent", orderWith("12999", "1e3"), ledger.BadType, "got 1e3"},
		{"1e400", orderWith("12999", "1e400"), ledger.BadType, "data.amountFen: want an integer in fen, got 1e400"},
		{"negative", orderWith("12999", "-5"), ledger.OutOfRange, "data.amountFen: want an integer in fen of at least 0, got -5"},
		{"2^63", orderWith("12999", "9223372036854775808"), ledger.OutOfRange, "data.amountFen: want an integer in fen that fits 64 bits, got 9223372036854775808"},
		{"a long number", orderWith("12999", strings.Repeat("9", 500)), ledger.OutOfRange, "got " + strings.Repeat("9", 60) + "…"},
		{"true", orderWith("12999", "true"), ledger.BadType, "got true"},
		{"no amount", orderWith(`,"amountFen":12999`, ""), ledger.MissingField, "data.amountFen: want an integer in fen of at least 0, it is missing"},
		{"null amount", orderWith("12999", "null"), ledger.MissingField, "data.amountFen: "},
		{"amount in another case", orderWith("amountFen", "amountfen"), ledger.MissingField, `data.amountFen: want an integer in fen of at least 0, it is missing; found "amountfen": names are case-sensitive`},
		{"order in another case", orderWith("orderId", "orderid"), ledger.MissingField, `data.orderId: want a string of 1 to 64 characters, it is missing; found "orderid": names are case-sensitive`},
		{"order with an underscore", orderWith("orderId", "order_id"), ledger.MissingField, `found "order_id": names must be exact`},
		{"a number as the order", orderWith(`"SO-1"`, "7"), ledger.BadType, "data.orderId: want a string of 1 to 64 characters, got 7: write it in quotes, numbers lose digits beyond 2^53"},
		{"an empty order", orderWith("SO-1", ""), ledger.OutOfRange, "data.orderId: want a string of 1 to 64 characters, got 0"},
		{"65 characters", orderWith("SO-1", strings.Repeat("单", 65)), ledger.OutOfRange, "got 65: "},
		{"NUL", orderWith("SO-1", `SO\u0000`), ledger.BadType, `data.orderId: want no control characters (such as U+0000 or a line break), got "SO\u0000"`},
		{"a line break", orderWith("SO-1", `SO\n`), ledger.BadType, "data.orderId: want no control characters"},
		{"an unknown channel", orderWith("pos", "taobao"), ledger.UnknownChannel, `data.channel: want one of alipay, wechat, pos, meituan, eleme, youzan, third_party, other, koubei or its number 1 to 9 (also app, douyin, jd, mini_program, offline, tmall, web, xiaohongshu), got "taobao"`},
		{"a channel in another case", orderWith("pos", "POS"), ledger.UnknownChannel, `got "POS"`},
		{"channel 0", orderWith(`"pos"`, "0"), ledger.UnknownChannel, "got 0"},
		{"channel 10", orderWith(`"pos"`, "10"), ledger.UnknownChannel, "got 10"},
		{"channel as digits in quotes", orderWith("pos", "3"), ledger.UnknownChannel, `got "3"`},
		{"channel 3.0", orderWith(`"pos"`, "3.0"), ledger.BadType, "data.channel: want a channel's name or its number 1 to 9, got 3.0"},
		{"no channel", orderWith(`"channel":"pos",`, ""), ledger.MissingField, "data.channel: "},
		{"negative points", orderWith("{", `{"points":-1,`), ledger.OutOfRange, "data.points: want an integer in points of at least 0, got -1"},
		{"negative points used", orderWith("{", `{"pointsUsed":-1,`), ledger.OutOfRange, "data.pointsUsed: "},
		{"points used as text", orderWith("{", `{"pointsUsed":"5",`), ledger.BadType, `data.pointsUsed: want an integer in points, got "5"`},
		{"a long shop code", orderWith("{", `{"shopCode":"`+strings.Repeat("s", 65)+`",`), ledger.OutOfRange, "data.shopCode: "},
		{"a date that is none", orderWith("{", `{"businessDate":"2026-02-30",`), ledger.BadType, `data.businessDate: want a date as "YYYY-MM-DD", got "2026-02-30"`},
		{"a short date", orderWith("{", `{"businessDate":"2026-2-3",`), ledger.BadType, "data.businessDate: "},
		{"a date as a number", orderWith("{", `{"businessDate":20261120,`), ledger.BadType, "data.businessDate: "},
		{"stars", structured("review.posted", `{"reviewId":"1","member":null,"channel":1,"rating":6}`), ledger.OutOfRange, "data.rating: want an integer from 1 to 5, got 6"},
		{"no star", structured("review.posted", `{"reviewId":"1","member":null,"channel":1,"rating":0}`), ledger.OutOfRange, "data.rating: "},
		{"a photo in words", structured("review.posted", `{"reviewId":"1","member":null,"channel":1,"hasPhoto":"yes"}`), ledger.BadType, `data.hasPhoto: want true or false, got "yes"`},
		{"a review as a list", structured("review.posted", `{"reviewId":["1"],"member":null,"channel":1}`), ledger.BadType, "data.reviewId: want a string of 1 to 64 characters, got an array"},
		{"over the limit", orderWith("12999", "10000100"), ledger.OverLimit, "data.amountFen: gives 100001 points, and one operation has at most 100000"},
		{"points over the limit", orderWith("{", `{"points":100001,`), ledger.OverLimit, "data.points: gives 100001 points, and one operation has at most 100000"},
		{"a rule's length", structured("lottery.won", `{"ticketId":"`+strings.Repeat("1", 21)+`","member":{"customerId":"1"},"channel":1,"prizePoints":1}`), ledger.OutOfRange, "data.ticketId: want a string of 1 to 20 characters, got 21"},
		{"a rule's range", structured("lottery.won", `{"ticketId":"1","member":{"customerId":"1"},"channel":1,"prizePoints":-11}`), ledger.OutOfRange, "data.prizePoints: want an integer in points from -10 to 1000000000, got -11"},
		{"negative points of a rule", structured("lottery.won", `{"ticketId":"1","member":{"customerId":"1"},"channel":1,"prizePoints":-10}`), ledger.OutOfRange, "data.prizePoints: want points of at least 0, got -10"},
		{"too many points of a rule", structured("lottery.won", `{"ticketId":"1","member":{"customerId":"1"},"channel":1,"prizePoints":100001}`), ledger.OverLimit, "data.prizePoints: gives 100001"},
		{"no channel for a grant", structured("lottery.won", `{"ticketId":"1","member":{"customerId":"1"},"prizePoints":1}`), ledger.MissingField, "data.channel: "},
	})
}

func TestRejectsOfMembers(t *testing.T) {
	t.Parallel()
	who := func(member string) ledger.Message {
		return orderWith(`{"customerId":"383933091455959041"}`, member)
	}
	checkIn := func(member string) ledger.Message {
		return structured("member.checked_in", `{"channel":1,"member":`+member+`}`)
	}
	checkRejects(t, defaultRules(t), []reject{
		{"absent", orderWith(`"member":{"customerId":"383933091455959041"},`, ""), ledger.MissingField, `it is missing; write "member": null for an anonymous sale`},
		{"Member", orderWith(`"member"`, `"Member"`), ledger.MissingField, `found "Member": names are case-sensitive`},
		{"a string", who(`"383"`), ledger.BadType, `data.member: want an object like {"customerId": "383933091455959041"}, got "383"`},
		{"empty", who(`{}`), ledger.MissingField, "data.member.customerId: want customerId or userCode, both are missing"},
		{"nulls", who(`{"customerId":null,"userCode":null}`), ledger.MissingField, "both are missing"},
		{"another case", who(`{"customerID":"1"}`), ledger.MissingField, `found "customerID": names are case-sensitive`},
		{"a number", who(`{"customerId":383933091455959041}`), ledger.BadType, "data.member.customerId: want 1 to 32 digits as a string, got 383933091455959041: ids are strings: numbers lose digits beyond 2^53"},
		{"letters", who(`{"customerId":"38a"}`), ledger.BadType, `data.member.customerId: want 1 to 32 digits as a string, got "38a"`},
		{"Arabic digits", who(`{"customerId":"٣"}`), ledger.BadType, "data.member.customerId: "},
		{"33 digits", who(`{"customerId":"` + strings.Repeat("1", 33) + `"}`), ledger.OutOfRange, "data.member.customerId: want 1 to 32 digits as a string, got 33"},
		{"no digits", who(`{"customerId":""}`), ledger.OutOfRange, "got 0"},
		{"a code that cannot be printed", who(`{"userCode":"a\tb"}`), ledger.BadType, "data.member.userCode: want 1 to 64 printable characters as a string"},
		{"a long code", who(`{"userCode":"` + strings.Repeat("x", 65) + `"}`), ledger.OutOfRange, "data.member.userCode: "},
		{"both", who(`{"customerId":"1","userCode":"2"}`), ledger.BadType, "data.member: want either customerId or userCode, got both"},
		{"only Kylin's id", who(`{"memberId":"m"}`), ledger.MissingField, "data.member.customerId: want customerId or userCode, as points are to be granted"},
		{"a freeze without Kylin's id", orderWith("{", `{"pointsUsed":1,`), ledger.MissingField, "data.member.memberId: want Kylin's member id, as points are to be frozen, it is missing"},
		{"a freeze for nobody", structured("order.paid", `{"orderId":"1","member":null,"channel":1,"amountFen":1,"pointsUsed":1}`), ledger.MissingField, "data.member.memberId: "},
		{"a check-in of nobody", checkIn(`null`), ledger.MissingField, "data.member: want a member, got null"},
		{"a check-in by code", checkIn(`{"userCode":"1"}`), ledger.MissingField, "data.member.customerId: want 1 to 32 digits as a string, it is missing: a userCode changes"},
		{"a check-in by Kylin's id", checkIn(`{"memberId":"1"}`), ledger.MissingField, "data.member.customerId: "},
		{"a prize for nobody", structured("lottery.won", `{"ticketId":"1","member":null,"channel":1,"prizePoints":1}`), ledger.MissingField, "data.member: want a member, got null: lottery.won needs to know"},
	})
}

func TestClock(t *testing.T) {
	t.Parallel()
	rules := defaultRules(t)
	const layout = "2006-01-02T15:04:05.999999999Z07:00"
	at := func(time, data string) ledger.Message {
		return message("order.paid", `{"specversion":"1.0","id":"e1","source":"s","type":"order.paid","time":"`+time+`","data":{`+data+paid[1:]+`}`)
	}
	for _, tc := range []struct {
		name   string
		m      ledger.Message
		reason string
		date   string
	}{
		{"10 minutes ahead", at(brokerTime.Add(maxAhead).Format(layout), ""), "", "2026-11-20"},
		{"more than 10 minutes ahead", at(brokerTime.Add(maxAhead+1).Format(layout), ""), "time: 2026-11-20T04:10:00Z is more than 10 minutes after the broker's time 2026-11-20T12:00:00+08:00", ""},
		{"400 days old", at(brokerTime.Add(-maxAge).Format(layout), ""), "", "2025-10-16"},
		{"more than 400 days old", at(brokerTime.Add(-maxAge-1).Format(layout), ""), "is more than 400 days before the broker's time", ""},
		{"year 1", at("0001-01-01T00:00:00Z", ""), "is more than 400 days before", ""},
		{"tomorrow's date", at("2026-11-20T04:00:00Z", `"businessDate":"2026-11-21",`), "", "2026-11-21"},
		{"the day after tomorrow", at("2026-11-20T04:00:00Z", `"businessDate":"2026-11-22",`), "data.businessDate: 2026-11-22 is more than a day after the broker's date 2026-11-20", ""},
		{"a date 400 days old", at("2026-11-20T04:00:00Z", `"businessDate":"2025-10-16",`), "", "2025-10-16"},
		{"a date 401 days old", at("2026-11-20T04:00:00Z", `"businessDate":"2025-10-15",`), "data.businessDate: 2025-10-15 is more than 400 days before", ""},
		{"year 0", at("2026-11-20T04:00:00Z", `"businessDate":"0000-01-01",`), "is more than 400 days before", ""},
		{"the evening in Shanghai", at("2026-11-19T15:59:59Z", ""), "", "2026-11-19"},
		{"midnight in Shanghai", at("2026-11-19T16:00:00Z", ""), "", "2026-11-20"},
	} {
		d := rules.Decode(tc.m, nil)
		switch {
		case tc.reason == "" && d.Event == nil:
			t.Errorf("%s: %v", tc.name, d.Rejection)
		case tc.reason == "" && d.Event.Operations[0].BusinessDate != tc.date:
			t.Errorf("%s: business date %s, want %s", tc.name, d.Event.Operations[0].BusinessDate, tc.date)
		case tc.reason != "" && (d.Rejection == nil || d.Rejection.Code != ledger.Clock || !strings.Contains(d.Rejection.Reason, tc.reason)):
			t.Errorf("%s: got %v, want clock: …%s…", tc.name, d.Rejection, tc.reason)
		}
	}
	evening := message("order.paid", `{"specversion":"1.0","id":"e1","source":"s","type":"order.paid","data":`+paid+`}`)
	evening.BrokerTime = time.Date(2026, 11, 19, 16, 30, 0, 0, time.UTC)
	event := accepted(t, rules, evening, nil)
	if event.Operations[0].BusinessDate != "2026-11-20" || !event.Time.Equal(evening.BrokerTime) {
		t.Errorf("without a time: date %s, time %s", event.Operations[0].BusinessDate, event.Time)
	}
	noDay := message("member.checked_in", `{"specversion":"1.0","id":"e1","source":"s","type":"member.checked_in","data":{"channel":1,"member":{"customerId":"1"}}}`)
	if d := rejected(t, rules, noDay, nil); d.Rejection.Code != ledger.MissingField || !strings.Contains(d.Rejection.Reason, "data.date: want the date, or the envelope's time") {
		t.Errorf("a check-in without a day: %v", d.Rejection)
	}
}

func TestSubject(t *testing.T) {
	t.Parallel()
	rules := defaultRules(t)
	for subject, ok := range map[string]bool{
		"points.events.order.paid":            true,
		"points.events.order.paid.shop7.pos1": true,
		"":                                    true,
		"points.events.order.paid.":           true,
		"points.events.order.paidx":           false,
		"points.events.order":                 false,
		"points.events.review.posted":         false,
		"points.event.order.paid":             false,
		"order.paid":                          false,
		"points.events.order.paid.\xff":       false,
		"points.events.order.paid.a\x01":      false,
	} {
		m := structured("order.paid", paid)
		m.Subject = subject
		d := rules.Decode(m, nil)
		if (d.Event != nil) != ok {
			t.Errorf("subject %q: %v", subject, d.Rejection)
		}
		if !ok && d.Rejection.Code != ledger.SubjectMismatch {
			t.Errorf("subject %q: code %s", subject, d.Rejection.Code)
		}
	}
	m := structured("order.paid", paid)
	m.Subject = "points.events.review.posted"
	if d := rejected(t, rules, m, nil); d.Rejection.Reason != `the type is "order.paid", the subject "points.events.review.posted": want the subject points.events.order.paid` {
		t.Errorf("reason %q", d.Rejection.Reason)
	}
}

func TestRejectKeepsWhatIsKnownStorable(t *testing.T) {
	t.Parallel()
	rules := defaultRules(t)
	m := message("order.paid", `{"specversion":"1.0","id":"e\u00001","source":"`+strings.Repeat("订", 300)+`","type":"x\u202ey","data":{}}`)
	d := rejected(t, rules, m, nil)
	if d.ID != "e\ufffd1" || d.Source != strings.Repeat("订", 85) || d.Type != "x\ufffdy" {
		t.Errorf("id %q, source %q, type %q", d.ID, d.Source, d.Type)
	}
	long := orderWith("{", `{"`+strings.Repeat("long", 5000)+`":{"a":1,"a":2},`)
	d = rejected(t, rules, long, nil)
	if len(d.Rejection.Reason) > cloudevent.MaxReasonBytes || !utf8.ValidString(d.Rejection.Reason) {
		t.Errorf("a reason of %d bytes", len(d.Rejection.Reason))
	}
}
