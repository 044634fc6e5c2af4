package rules

import (
	"maps"
	"strings"
	"testing"

	"pointsledger/ledger"
)

func binaryHeader() map[string][]string {
	return map[string][]string{
		"ce-specversion": {"1.0"}, "ce-id": {"e1"}, "ce-source": {"shop-sh"}, "ce-type": {"order.paid"},
		"ce-time": {"2026-11-20T12:00:00+08:00"}, "content-type": {"application/json"}, "Nats-Msg-Id": {"shop-sh/e1"},
	}
}

func with(header map[string][]string, name string, values ...string) map[string][]string {
	header = maps.Clone(header)
	if values == nil {
		delete(header, name)
		return header
	}
	header[name] = values
	return header
}

func TestBinaryMode(t *testing.T) {
	t.Parallel()
	rules := defaultRules(t)
	want := accepted(t, rules, structured("order.paid", paid), nil)
	upper := map[string][]string{}
	for name, values := range binaryHeader() {
		upper[strings.ToUpper(name)] = values
	}
	for name, header := range map[string]map[string][]string{
		"plain":                  binaryHeader(),
		"upper case":             upper,
		"no content type":        with(binaryHeader(), "content-type"),
		"a content type's rest":  with(binaryHeader(), "content-type", "Application/JSON; charset=utf-8"),
		"another JSON type":      with(binaryHeader(), "content-type", "application/vnd.shop+json"),
		"percent-encoded":        with(binaryHeader(), "ce-source", "shop%2Dsh"),
		"in quotes":              with(binaryHeader(), "ce-source", `"shop-sh"`),
		"in quotes with escapes": with(binaryHeader(), "ce-source", `"shop\-sh"`),
		"an extension":           with(binaryHeader(), "ce-tenant", "%zz"),
	} {
		event := accepted(t, rules, message("order.paid", paid), header)
		if event.Content != want.Content || event.Operations[0].BizID != want.Operations[0].BizID || event.Source != "shop-sh" || event.ID != "e1" || !event.Time.Equal(want.Time) {
			t.Errorf("%s: got %+v", name, event)
		}
	}
	chinese := accepted(t, rules, message("order.paid", paid), with(binaryHeader(), "ce-source", "%E9%97%A8%E5%BA%97+1"))
	if chinese.Source != "门店+1" {
		t.Errorf("source %q, want 门店+1", chinese.Source)
	}
}

func TestStructuredModeInSpiteOfHeaders(t *testing.T) {
	t.Parallel()
	rules := defaultRules(t)
	for _, header := range []map[string][]string{
		nil,
		{},
		{"Nats-Msg-Id": {"x"}},
		{"Content-Type": {"application/cloudevents+json; charset=UTF-8"}},
		{"content-type": {"application/json"}},
		with(binaryHeader(), "content-type", "application/cloudevents+json"),
	} {
		accepted(t, rules, structured("order.paid", paid), header)
	}
}

// Headers that repeat what is said say nothing else.
func TestHeadersThatAgree(t *testing.T) {
	t.Parallel()
	rules := defaultRules(t)
	for name, header := range map[string]map[string][]string{
		"both content types":       with(binaryHeader(), "ce-datacontenttype", "application/json"),
		"with a charset":           with(with(binaryHeader(), "ce-datacontenttype", "application/json"), "content-type", "application/json; charset=UTF-8"),
		"in another case":          with(binaryHeader(), "CE-DataContentType", "Application/JSON"),
		"of a vendor's kind":       with(binaryHeader(), "ce-datacontenttype", "application/vnd.shop+json"),
		"an attribute twice":       with(binaryHeader(), "ce-id", "e1", "e1"),
		"in two cases":             with(binaryHeader(), "CE-ID", "e1"),
		"once quoted":              with(binaryHeader(), "CE-ID", `"e1"`),
		"once encoded":             with(binaryHeader(), "CE-ID", "%65%31"),
		"an encoding that is none": with(binaryHeader(), "ce-id", "100%"),
		"an empty password":        with(binaryHeader(), "X-Password", ""),
	} {
		if event := accepted(t, rules, message("order.paid", paid), header); event.Operations[0].Points != 129 {
			t.Errorf("%s: %+v", name, event)
		}
	}
}

func TestRejectsOfHeaders(t *testing.T) {
	t.Parallel()
	rules := defaultRules(t)
	whole := structured("order.paid", paid)
	body := message("order.paid", paid)
	for _, tc := range []struct {
		name   string
		m      ledger.Message
		header map[string][]string
		code   ledger.RejectCode
		reason string
	}{
		{"binary headers over a whole event", whole, binaryHeader(), ledger.NotCloudEvent, "the ce- headers say binary mode, but the body is a whole CloudEvent"},
		{"structured header over data", body, with(binaryHeader(), "content-type", "application/cloudevents+json"), ledger.NotCloudEvent, "the content-type says structured mode, but the attributes are in ce- headers"},
		{"no version among the headers", body, with(binaryHeader(), "ce-specversion"), ledger.NotCloudEvent, "the ce- headers lack ce-specversion"},
		{"an old version", body, with(binaryHeader(), "ce-specversion", "0.3"), ledger.NotCloudEvent, `specversion: want "1.0", got "0.3"`},
		{"a batch", whole, map[string][]string{"content-type": {"application/cloudevents-batch+json"}}, ledger.NotCloudEvent, "batches are not accepted"},
		{"Avro", whole, map[string][]string{"content-type": {"application/cloudevents+avro"}}, ledger.NotCloudEvent, `want application/cloudevents+json, got "application/cloudevents+avro"`},
		{"no id", body, with(binaryHeader(), "ce-id"), ledger.MissingField, "id: want a string of 1 to 256 characters, it is missing"},
		{"an empty id", body, with(binaryHeader(), "ce-id", ""), ledger.OutOfRange, `id: want 1 to 256 characters, got ""`},
		{"two ids", body, with(binaryHeader(), "ce-id", "1", "2"), ledger.BadType, "header ce-id is there more than once"},
		{"two spellings", body, with(binaryHeader(), "CE-ID", "e2"), ledger.BadType, `header ce-id is there more than once, as "e2" and as "e1"`},
		{"two content types", body, with(binaryHeader(), "ce-datacontenttype", "text/xml"), ledger.BadType, `header content-type is there more than once`},
		{"a password in a header", body, with(binaryHeader(), "X-Card-Password", "hunter2"), ledger.BadType, `header x-card-password: passwords are not accepted`},
		{"raw bytes", body, with(binaryHeader(), "ce-id", "\xb6\xa9"), ledger.NotUTF8, "header ce-id is not UTF-8"},
		{"NUL", body, with(binaryHeader(), "ce-id", "a%00"), ledger.BadType, "id: want no control characters"},
		{"XML", body, with(binaryHeader(), "content-type", "text/xml"), ledger.BadType, `datacontenttype: want application/json, got "text/xml"`},
		{"a list", message("order.paid", "[]"), binaryHeader(), ledger.BadType, "data: want an object with the fields of order.paid, got an array"},
		{"null", message("order.paid", "null"), binaryHeader(), ledger.MissingField, "data: "},
		{"empty", message("order.paid", ""), binaryHeader(), ledger.NotJSON, "empty"},
		{"a duplicate", message("order.paid", `{"a":{"b":1,"b":1}}`), binaryHeader(), ledger.NotJSON, "duplicate key data.a.b"},
		{"another subject", message("review.posted", paid), binaryHeader(), ledger.SubjectMismatch, ""},
	} {
		d := rejected(t, rules, tc.m, tc.header)
		if d.Rejection.Code != tc.code || !strings.Contains(d.Rejection.Reason, tc.reason) {
			t.Errorf("%s:\n got %v\nwant %s: …%s…", tc.name, d.Rejection, tc.code, tc.reason)
		}
	}
	if d := rejected(t, rules, message("order.paid", "{"), binaryHeader()); d.ID != "e1" || d.Source != "shop-sh" || d.Type != "order.paid" {
		t.Errorf("the headers' envelope is lost when the body is not JSON: %+v", d)
	}
}
