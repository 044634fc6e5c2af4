package rules

import (
	"bytes"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func schemaOf(t *testing.T, rules *Rules, typ string) *jsonschema.Schema {
	t.Helper()
	text, err := Schema(rules, typ)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("event.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("event.json")
	if err != nil {
		t.Fatalf("schema of %s: %v\n%s", typ, err, text)
	}
	return schema
}

// Schema and Decode must agree about each sample, except where a schema cannot
// be as strict.
func TestSchemaAgreesWithDecode(t *testing.T) {
	t.Parallel()
	rules := compiled(t, lifeRules(), defaultAccounts())
	order := func(old, new string) string { return strings.Replace(paid, old, new, 1) }
	samples := map[string][]string{
		"order.paid": {
			paid, `{}`, `[]`, `null`,
			order(`{"customerId":"383933091455959041"}`, `null`), order(`{"customerId":"383933091455959041"}`, `{}`),
			order(`"customerId"`, `"userCode"`), order(`"customerId"`, `"memberId"`), order(`"customerId"`, `"customerID"`),
			order(`{"customerId"`, `{"userCode":"1","customerId"`), order(`{"customerId"`, `{"userCode":null,"customerId"`),
			order(`{"customerId"`, `{"password":"1","customerId"`), order(`{"customerId"`, `{"card_pwd2":"1","customerId"`), order(`{`, `{"密码":"1",`),
			order(`"383933091455959041"`, `383933091455959041`), order(`"383933091455959041"`, `"38x"`), order("383933091455959041", strings.Repeat("1", 33)),
			order(`"pos"`, `3`), order(`"pos"`, `10`), order(`"pos"`, `"douyin"`), order(`"pos"`, `"POS"`), order(`"pos"`, `"3"`), order(`"pos"`, `null`),
			order("12999", "-1"), order("12999", "0"), order("12999", `"1"`), order("12999", "12.5"), order("12999", "null"), order("12999", "9223372036854775808"),
			order("amountFen", "amountfen"), order("SO-1", ""), order("SO-1", strings.Repeat("单", 64)), order("SO-1", strings.Repeat("单", 65)), order("SO-1", `\u0000`), order("SO-1", "😀"),
			order(`"SO-1"`, `7`), order("{", `{"unknown":[{"x":1}],`), order("{", `{"points":5,`), order("{", `{"points":-5,`), order("{", `{"points":null,`),
			order("{", `{"pointsUsed":1,`), order("{", `{"pointsUsed":0,`), order(`{"customerId"`, `{"memberId":"m","customerId"`),
			strings.Replace(order(`{"customerId"`, `{"memberId":"m","customerId"`), `{`, `{"pointsUsed":1,`, 1),
			`{"orderId":"1","member":null,"channel":1,"amountFen":1,"pointsUsed":1}`,
			order("{", `{"businessDate":"2026-11-19",`), order("{", `{"businessDate":"2026-02-30",`), order("{", `{"businessDate":"2026-2-3",`), order("{", `{"shopCode":"",`),
		},
		"member.checked_in": {
			`{"member":{"customerId":"1"},"channel":1}`, `{"member":{"customerId":"1","memberId":"m"},"channel":1,"date":"2026-11-20"}`,
			`{"member":null,"channel":1}`, `{"member":{"userCode":"1"},"channel":1}`, `{"member":{"customerId":"1"}}`, `{"member":{"customerId":"1"},"channel":1,"date":20261120}`,
		},
		"review.posted": {
			`{"reviewId":"1","member":null,"channel":1,"rating":5,"hasPhoto":true}`, `{"reviewId":"1","member":null,"channel":1,"rating":6}`,
			`{"reviewId":"1","member":null,"channel":1,"rating":0}`, `{"reviewId":"1","member":null,"channel":1,"hasPhoto":1}`, `{"member":null,"channel":1}`,
		},
		"lottery.won": {
			`{"ticketId":"1","member":{"customerId":"1"},"channel":1,"prizePoints":1}`, `{"ticketId":"1","member":null,"channel":1,"prizePoints":1}`,
			`{"ticketId":"` + strings.Repeat("1", 21) + `","member":{"customerId":"1"},"channel":1,"prizePoints":1}`, `{"ticketId":"1","member":{"customerId":"1"},"channel":1,"prizePoints":-11}`,
			`{"ticketId":"1","member":{"customerId":"1"},"prizePoints":1}`, `{"ticketId":"1","member":{"memberId":"1"},"channel":1,"prizePoints":1}`,
		},
		"order.placed": {
			`{"orderId":"1","line":1,"amountFen":1,"member":null}`, `{"orderId":"1","line":1,"amountFen":1,"member":{"customerId":"1"}}`, `{"orderId":"1","line":1,"amountFen":1,"member":{"customerId":"1"},"pointsUsed":2}`,
			`{"orderId":"1","line":1,"amountFen":1,"member":{"memberId":"1"},"pointsUsed":2}`, `{"orderId":"1","line":0,"amountFen":1,"member":null}`, `{"orderId":"1","member":null}`,
		},
		"order.refunded": {
			refunded, `{"refundId":"1","orderId":"1"}`, `{"refundId":"1","amountFen":1}`, `{"orderId":"1","amountFen":1}`, `{"refundId":"1","orderId":"1","amountFen":-1}`,
			`{"refundId":"1","orderId":"1","amountFen":0,"orderSource":null}`, `{"refundId":"1","orderId":"1","amountFen":1,"orderSource":""}`, `{"refundId":1,"orderId":"1","amountFen":1}`,
			`{"refundId":"1","orderId":"1","amountFen":1,"orderSource":"` + strings.Repeat("s", 256) + `","member":5}`, `{"refundId":"1","orderId":"1","amountFen":1,"orderSource":"` + strings.Repeat("s", 257) + `"}`,
		},
		"day.declared": {
			`{"day":"2026-11-19","orders":3,"amountFen":100}`, `{"day":"2026-11-19","orders":0,"amountFen":0,"source":"s","shopCode":"1","points":-5}`, `{"day":"2026-11-19","orders":3}`,
			`{"orders":3,"amountFen":100}`, `{"day":"2026-11-19","orders":-1,"amountFen":100}`, `{"day":"2026-11-19","orders":"3","amountFen":100}`, `{"day":"2026-11-19","orders":3,"amountFen":1.5}`,
			`{"day":20261119,"orders":3,"amountFen":100}`, `{"day":"2026-11-19","orders":3,"amountFen":100,"source":""}`, `{"day":"2026-11-19","orders":3,"amountFen":100,"shopCode":1}`,
		},
		"order.cancelled": {`{"orderId":"1"}`, `{"orderId":"1","businessDate":"2026-11-20"}`, `{}`, `{"orderId":1}`},
		"line.dropped":    {`{"dropId":"D","orderId":"1","line":2,"worthFen":7}`, `{"dropId":"D","orderId":"1","worthFen":7}`},
	}
	for typ, data := range samples {
		schema := schemaOf(t, rules, typ)
		both := map[bool]int{}
		for _, one := range data {
			both[agree(t, rules, schema, typ, string(structured(typ, one).Payload))]++
		}
		if both[true] == 0 || both[false] == 0 {
			t.Errorf("%s: %d samples accepted, %d rejected, want some of both", typ, both[true], both[false])
		}
	}
}

// agree says whether Decode accepts the payload, and fails when the schema says
// otherwise.
func agree(t *testing.T, rules *Rules, schema *jsonschema.Schema, typ, payload string) bool {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	d := rules.Decode(message(typ, payload), nil)
	if err := schema.Validate(document); (err == nil) != (d.Event != nil) {
		t.Errorf("%s\nDecode: %v\nschema: %v", payload, d.Rejection, err)
	}
	return d.Event != nil
}

func TestSchemaOfTheEnvelope(t *testing.T) {
	t.Parallel()
	rules := defaultRules(t)
	order, checkIn := schemaOf(t, rules, "order.paid"), schemaOf(t, rules, "member.checked_in")
	for _, envelope := range []string{
		`{"specversion":"1.0","id":"1","source":"s","type":"order.paid","data":DATA}`,
		`{"specversion":"0.3","id":"1","source":"s","type":"order.paid","data":DATA}`,
		`{"specversion":"1.0","id":"","source":"s","type":"order.paid","data":DATA}`,
		`{"specversion":"1.0","id":1,"source":"s","type":"order.paid","data":DATA}`,
		`{"specversion":"1.0","id":"1","type":"order.paid","data":DATA}`,
		`{"specversion":"1.0","id":"1","source":"s","type":"order.paid"}`,
		`{"specversion":"1.0","id":"1","source":"s","type":"order.paid","time":"2026-11-20T12:00:00","data":DATA}`,
		`{"specversion":"1.0","id":"1","source":"s","type":"order.paid","time":null,"data":DATA}`,
		`{"specversion":"1.0","id":"1","source":"s","type":"order.paid","datacontenttype":"text/xml","data":DATA}`,
		`{"specversion":"1.0","id":"1","source":"s","type":"order.paid","datacontenttype":"application/json; charset=utf-8","tenant":"x","data":DATA}`,
		`{"specversion":"1.0","id":"1","source":"s","type":"order.paid","data_base64":"e30=","data":DATA}`,
	} {
		agree(t, rules, order, "order.paid", strings.Replace(envelope, "DATA", paid, 1))
	}
	for _, envelope := range []string{
		`{"specversion":"1.0","id":"1","source":"s","type":"member.checked_in","data":{"member":{"customerId":"1"},"channel":1}}`,
		`{"specversion":"1.0","id":"1","source":"s","type":"member.checked_in","data":{"member":{"customerId":"1"},"channel":1,"date":null}}`,
		`{"specversion":"1.0","id":"1","source":"s","type":"member.checked_in","data":{"member":{"customerId":"1"},"channel":1,"date":"2026-11-20"}}`,
		`{"specversion":"1.0","id":"1","source":"s","type":"member.checked_in","time":"2026-11-20T12:00:00+08:00","data":{"member":{"customerId":"1"},"channel":1}}`,
	} {
		agree(t, rules, checkIn, "member.checked_in", envelope)
	}
}

func TestSchemaIsThereForEachType(t *testing.T) {
	t.Parallel()
	rules := defaultRules(t)
	if got := strings.Join(rules.Types(), " "); got != "day.declared lottery.won member.checked_in order.paid order.placed review.posted" {
		t.Errorf("types %s", got)
	}
	for _, typ := range rules.Types() {
		schemaOf(t, rules, typ)
	}
	if _, err := Schema(rules, "order.refunded"); err == nil || !strings.Contains(err.Error(), "order.paid") {
		t.Errorf("a type without a rule: %v", err)
	}
}
