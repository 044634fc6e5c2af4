package custom_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"

	"pointsledger/vendorapi"
)

const everywhere = head + `vendors:
  - name: shop
    kind: custom
    url: http://127.0.0.1:1/base/
    secrets: {key: SHOP_KEY}
    calls:
      points_add:
        request: PUT /m/{member_id}/add?who={member_id}&fixed=a%2Fb&key={secret.key}
        headers: {X-Reason: "r {reason}"}
        json:
          open: "{{{reason}}}"
          list: ["{reason}", {object: {number: "{reason}"}}, null, true, -1.5e3]
          shop: {optional: "{shop_code}"}
          points: {number: "{points}.00"}
          "{reason}": "{member_id}"
        outcomes: [{at: {/ok: [true]}, means: applied}]
`

const asForm = head + `vendors:
  - name: shop
    kind: custom
    url: http://127.0.0.1:1
    calls:
      points_add:
        request: POST /add
        form: {who: "{member_id}", "a b": "x{reason}y", points: "{points}"}
        outcomes: [{at: {/ok: [true]}, means: applied}]
`

// nasty are texts that would be more than a value if they could.
func nasty() []string {
	return []string{`a","points":"9999`, `{"points":1}`, "{secret.key}", "{token}", "{{biz_id}}", "{", "}", "a b+c%2Fd&e=f#g?h;i", "../../admin", "..%2f",
		"<script>&amp;'\\", "购物 😀", "half \xff a character", "$(id) ${key} %{key} `id`"}
}

// Whatever an operation's texts hold, they stay values: in a path, a query, a header, a
// JSON body, a form.
func TestValuesStayValues(t *testing.T) {
	t.Parallel()
	s := always(t, 200, `{"ok":true}`)
	_, sender := open(t, everywhere, s.url+"/base", shopKey)
	_, form := open(t, asForm, s.url)
	for _, text := range nasty() {
		operation := grant()
		operation.Reason, operation.MemberID = text, text
		if r := sender.Send(t.Context(), operation); r.Outcome != vendorapi.Applied {
			t.Fatalf("%q: %+v", text, r)
		}
		if r := form.Send(t.Context(), operation); r.Outcome != vendorapi.Applied {
			t.Fatalf("%q: %+v", text, r)
		}
		all := s.requests()
		first, second := all[len(all)-2], all[len(all)-1]
		want := "PUT /base/m/" + escaped(text) + "/add?who=" + escaped(text) + "&fixed=a%2Fb&key=k3y%2Fof%20the%2Bshop"
		if first.target != want {
			t.Errorf("sent %s\nwant %s", first.target, want)
		}
		if got := first.header.Get("X-Reason"); got != "r "+text {
			t.Errorf("header %q", got)
		}
		valid := strings.ToValidUTF8(text, "\uFFFD")
		var body map[string]any
		if err := json.Unmarshal([]byte(first.body), &body); err != nil {
			t.Fatalf("%s: %v", first.body, err)
		}
		list := body["list"].([]any)
		if len(body) != 4 || body["open"] != "{"+valid+"}" || list[0] != valid || list[1].(map[string]any)["number"] != valid || body["{reason}"] != valid {
			t.Errorf("body %s", first.body)
		}
		if !strings.Contains(first.body, `,null,true,-1.5e3],"points":7.00,`) {
			t.Errorf("body %s", first.body)
		}
		fields, err := url.ParseQuery(second.body)
		if err != nil || len(fields) != 3 || fields.Get("who") != text || fields.Get("a b") != "x"+text+"y" {
			t.Errorf("form %q: %v", second.body, err)
		}
	}
}

func escaped(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// A value that would make the request another one is not sent: the row is parked.
func TestUnsendable(t *testing.T) {
	t.Parallel()
	s := always(t, 200, `{"ok":true}`)
	asNumber := strings.Replace(everywhere, `"{reason}": "{member_id}"`, `who: {number: "{member_id}"}`, 1)
	for _, c := range []struct{ config, member, reason, why string }{
		{everywhere, "..", "r", "another path"},
		{everywhere, ".", "r", "another path"},
		{everywhere, "42", "a\r\nX-Admin: 1", "header X-Reason"},
		{everywhere, "42", "a\x00", "header X-Reason"},
		{everywhere, "42", "ends with a space ", "header X-Reason"},
		{asNumber, "0042", "r", "{member_id} is no JSON number"},
		{asNumber, `1,"points":9`, "r", "{member_id} is no JSON number"},
		{asNumber, "0x1f", "r", "{member_id} is no JSON number"},
	} {
		_, sender := open(t, c.config, s.url, shopKey)
		operation := grant()
		operation.MemberID, operation.Reason = c.member, c.reason
		r := sender.Send(t.Context(), operation)
		if r.Outcome != vendorapi.NotSent || !errors.Is(r.Err, vendorapi.ErrUnsendable) || !strings.Contains(r.Err.Error(), c.why) {
			t.Errorf("%q %q: %+v", c.member, c.reason, r)
		}
	}
	if n := len(s.requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// A preview is the request, with what is secret or of the moment masked.
func TestPreview(t *testing.T) {
	t.Parallel()
	cfg, err := load(strings.Replace(everywhere, "fixed=a%2Fb", "at={timestamp}", 1), shopKey)
	if err != nil {
		t.Fatal(err)
	}
	p := cfg.Accounts[0].Settings.Preview(cfg.Accounts[0].URL, grant(), "")
	if want := "http://127.0.0.1:1/base/m/0042/add?who=0042&at=***&key=***"; p.URL != want || p.Method != "PUT" {
		t.Errorf("%s %s\nwant %s", p.Method, p.URL, want)
	}
	want := `{"open":"{订单 #7K2M}","list":["订单 #7K2M",{"number":"订单 #7K2M"},null,true,-1.5e3],"points":7.00,"{reason}":"0042"}`
	if string(p.Body) != want || p.Header.Get("X-Reason") != "r 订单 #7K2M" || p.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s\nwant %s\n%v", p.Body, want, p.Header)
	}
	form, err := load(asForm)
	if err != nil {
		t.Fatal(err)
	}
	p = form.Accounts[0].Settings.Preview("", grant(), "")
	if string(p.Body) != `"who=0042&a+b=x%E8%AE%A2%E5%8D%95+%237K2My&points=7"` || p.URL != "/add" {
		t.Errorf("%+v %s", p, p.Body)
	}
	if _, err := json.Marshal(p); err != nil {
		t.Error(err)
	}
}
