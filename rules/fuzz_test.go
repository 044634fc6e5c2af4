package rules

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"testing"
	"unicode/utf8"

	"pointsledger/ledger"
	"pointsledger/rules/cloudevent"
)

// FuzzDecode: whatever the bytes are, there is exactly one result, all of it
// can be stored, and an accepted event that is written in another order and
// with further fields is the same event.
func FuzzDecode(f *testing.F) {
	for typ, data := range map[string]string{
		"order.paid":        paid,
		"member.checked_in": `{"member":{"customerId":"1"},"channel":"app","date":"2026-11-20"}`,
		"review.posted":     `{"reviewId":"r","member":{"userCode":"c"},"channel":2,"rating":5,"hasPhoto":true}`,
		"lottery.won":       `{"ticketId":"1","member":{"customerId":"1"},"channel":"jd","prizePoints":1,"vip":true,"drawnOn":"2020-02-29"}`,
		"order.placed":      `{"orderId":"1","line":1,"member":{"memberId":"m"},"pointsUsed":2}`,
		"order.refunded":    refunded,
		"order.completed":   `{"orderId":"1","orderSource":"s%E9%97%A8"}`,
		"line.dropped":      `{"dropId":"D","orderId":"1","line":2,"worthFen":7}`,
		"day.declared":      `{"day":"2026-11-19","orders":3,"amountFen":100,"source":"s%E9%97%A8","shopCode":"1"}`,
	} {
		f.Add(structured(typ, data).Payload, false)
		f.Add([]byte(data), true)
	}
	rules := compiled(f, lifeRules(), defaultAccounts())
	f.Fuzz(func(t *testing.T, payload []byte, binary bool) {
		var header map[string][]string
		if binary {
			header = binaryHeader()
		}
		m := message("order.paid", "")
		m.Payload, m.Subject = bytes.Clone(payload), ""
		d := rules.Decode(m, header)
		if !bytes.Equal(m.Payload, payload) {
			t.Fatal("the payload was changed")
		}
		checkOneResult(t, d)
		if d.Event == nil {
			return
		}
		checkEvent(t, d.Event)
		m.Payload = rewritten(t, bytes.TrimPrefix(payload, []byte("\xef\xbb\xbf")), !binary)
		again := rules.Decode(m, header)
		if again.Event == nil {
			t.Fatalf("%s\nis rejected once rewritten: %v", m.Payload, again.Rejection)
		}
		if again.Event.Content != d.Event.Content {
			t.Fatalf("content %s\nonce rewritten %s", d.Event.Content, again.Event.Content)
		}
		if again.Event.FactKey != d.Event.FactKey || !reflect.DeepEqual(again.Event.Refers, d.Event.Refers) {
			t.Fatalf("refers to %+v, once rewritten to %+v", d.Event.Refers, again.Event.Refers)
		}
		if !slices.Equal(bizIDs(again.Event), bizIDs(d.Event)) {
			t.Fatalf("keys %v, once rewritten %v", bizIDs(d.Event), bizIDs(again.Event))
		}
	})
}

func checkOneResult(t *testing.T, d Decoded) {
	t.Helper()
	results := 0
	for _, is := range []bool{d.Event != nil, d.Rejection != nil, d.Ignored} {
		if is {
			results++
		}
	}
	if results != 1 {
		t.Fatalf("%d results: %+v", results, d)
	}
	for _, text := range []string{d.Source, d.ID, d.Type} {
		checkStorable(t, text)
	}
	if d.Rejection == nil {
		return
	}
	checkStorable(t, d.Rejection.Reason)
	if d.Rejection.Code == "" || d.Rejection.Reason == "" || len(d.Rejection.Reason) > cloudevent.MaxReasonBytes {
		t.Fatalf("rejection %+v", d.Rejection)
	}
	if again, changed := cloudevent.Redact(d.RedactedPayload); d.Redact && changed && !bytes.Equal(again, d.RedactedPayload) {
		t.Fatalf("masked %q, masked again %q", d.RedactedPayload, again)
	}
}

func checkStorable(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) || cloudevent.HasControl(text) {
		t.Fatalf("%q cannot be stored", text)
	}
}

func checkEvent(t *testing.T, event *ledger.Event) {
	t.Helper()
	if !json.Valid([]byte(event.Content)) || (len(event.Operations) == 0) == (event.Refers == nil && event.Declares == nil) {
		t.Fatalf("event %+v", event)
	}
	if event.Refers != nil {
		checkReferral(t, event.Refers)
	}
	for _, text := range []string{event.Source, event.ID, event.Type, event.Content} {
		checkStorable(t, text)
	}
	for _, o := range event.Operations {
		limit := 50
		if o.Account == "kylin" {
			limit = 255
		}
		switch {
		case o.Points < 0 || o.Points > defaultPointsLimit,
			o.Points > 0 && o.MemberID == "" && o.MemberCode == "",
			o.MemberID != "" && o.MemberCode != "",
			o.Kind == ledger.PointsAdd && (o.PointsChannel < 1 || o.PointsChannel > 9 || o.SourceType < 1),
			utf8.RuneCountInString(o.Reason) > limit,
			!ledger.ValidReference(o.Reference),
			len(o.BizID) != 28, len(o.BusinessDate) != 10:
			t.Fatalf("operation %+v", o)
		}
		for _, text := range []string{o.BusinessKey, o.Reason, o.MemberID, o.MemberCode, o.ShopCode} {
			checkStorable(t, text)
		}
	}
}

func checkReferral(t *testing.T, r *ledger.Referral) {
	t.Helper()
	if len(r.Origins) == 0 || r.Origins[0] == (ledger.FactKey{}) || r.ShareFen != nil && *r.ShareFen < 0 || len(r.Texts) == 0 || len(r.BusinessDate) != 10 {
		t.Fatalf("referral %+v", r)
	}
	for _, text := range r.Texts {
		checkStorable(t, text)
		if utf8.RuneCountInString(text)+referenceTail > 50 {
			t.Fatalf("text %q", text)
		}
	}
	checkStorable(t, r.BusinessKey)
	checkStorable(t, r.Origin)
}

func bizIDs(event *ledger.Event) []ledger.BizID {
	var ids []ledger.BizID
	for i := range event.Operations {
		ids = append(ids, event.Operations[i].BizID)
	}
	return ids
}

// rewritten is the event with its members in the reverse order of their names,
// each object that matters with one member more.
func rewritten(t *testing.T, payload []byte, structured bool) []byte {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(payload, &members); err != nil {
		t.Fatalf("accepted, but encoding/json says %v", err)
	}
	inner := "member"
	if structured {
		inner = "data"
	}
	if raw := members[inner]; len(raw) > 0 && raw[0] == '{' {
		if structured {
			members[inner] = rewritten(t, raw, false)
		} else {
			members[inner] = reversed(t, raw)
		}
	}
	return written(members)
}

func reversed(t *testing.T, raw json.RawMessage) json.RawMessage {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		t.Fatal(err)
	}
	return written(members)
}

func written(members map[string]json.RawMessage) json.RawMessage {
	members["zz unknown"] = json.RawMessage(`[{"a":[1e400,"\u0000"]}]`)
	names := slices.Sorted(maps.Keys(members))
	slices.Reverse(names)
	out := []byte{'{'}
	for i, name := range names {
		if i > 0 {
			out = append(out, " ,\n"...)
		}
		out = append(append(cloudevent.AppendQuoted(out, name), ':'), members[name]...)
	}
	return append(out, '}')
}
