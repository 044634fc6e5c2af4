package custom_test

import (
	"strings"
	"testing"

	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

const shop = head + `vendors:
  - name: shop
    kind: custom
    url: http://127.0.0.1:1
    secrets: {key: SHOP_KEY}
    calls:
      points_add:
        request: POST /add
        headers: {X-Key: "{secret.key}"}
        json: {id: "{biz_id}", who: "{member_id}", points: {number: "{points}"}}
        code: /errcode
        words: /errmsg
        outcomes:
          - {status: 200, at: {/errcode: [0], /data: {present: true}}, means: applied}
          - {status: 200, at: {/errcode: [30017, "dup"]}, means: already_applied}
          - {status: 204, empty: true, means: applied}
          - {status: 429, means: throttled}
          - {status: [401, 403], means: unauthorised}
          - {status: 200, at: {/errcode: [45009]}, means: retryable}
          - {status: 409, at: {/errcode: [1]}, means: refused}
          - {status: 503, at: {/errcode: [2]}, means: throttled}
          - {status: 4xx, means: refused, words: /detail/0}
`

const shopKey = "SHOP_KEY=k3y/of the+shop"

func grant() *ledger.VendorCall {
	return &ledger.VendorCall{Kind: ledger.PointsAdd, BizID: "pa7k2m", Points: 7, SourceType: 1, PointsChannel: 3, Reason: "订单 #7K2M", MemberID: "0042"}
}

// What an answer means: the first outcome that fits, and unknown for what fits none.
func TestOutcomesOfAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		want   vendorapi.Outcome
		code   string
	}{
		"applied":                     {200, `{"errcode":0,"errmsg":"ok","data":{}}`, vendorapi.Applied, "0"},
		"a number as text":            {200, `{"errcode":"0","data":"x"}`, vendorapi.Applied, "0"},
		"a byte order mark":           {200, "\xef\xbb\xbf" + `{"errcode":0,"data":1}`, vendorapi.Applied, "0"},
		"nothing at one of two":       {200, `{"errcode":0}`, vendorapi.Unknown, "0"},
		"null where something counts": {200, `{"errcode":0,"data":null}`, vendorapi.Unknown, "0"},
		"another zero":                {200, `{"errcode":0.0,"data":1}`, vendorapi.Unknown, "0.0"},
		"a name twice":                {200, `{"errcode":1,"errcode":0,"data":1}`, vendorapi.Unknown, ""},
		"a name in other letters":     {200, `{"Errcode":0,"data":1}`, vendorapi.Unknown, ""},
		"in a list":                   {200, `[{"errcode":0,"data":1}]`, vendorapi.Unknown, ""},
		"HTML":                        {200, `<html>{"errcode":0,"data":1}</html>`, vendorapi.Unknown, ""},
		"half a JSON":                 {200, `{"errcode":0,"data":1`, vendorapi.Unknown, ""},
		"two JSONs":                   {200, `{"errcode":0,"data":1}{"errcode":1}`, vendorapi.Unknown, ""},
		"an empty 200":                {200, ``, vendorapi.Unknown, ""},
		"an empty 204":                {204, ``, vendorapi.Applied, ""},
		"already":                     {200, `{"errcode":30017}`, vendorapi.AlreadyApplied, "30017"},
		"already by a word":           {200, `{"errcode":"dup"}`, vendorapi.AlreadyApplied, "dup"},
		"another success":             {201, `{"errcode":0,"data":1}`, vendorapi.Unknown, "0"},
		"retryable":                   {200, `{"errcode":45009}`, vendorapi.Retryable, "45009"},
		"an unlisted code":            {200, `{"errcode":-1,"data":1}`, vendorapi.Unknown, "-1"},
		"throttled":                   {429, `<html>`, vendorapi.Throttled, ""},
		"unauthorised":                {401, ``, vendorapi.Unauthorised, ""},
		"4xx":                         {422, `{"errcode":9,"detail":["no such member"]}`, vendorapi.Refused, "9"},
		"408 is not among 4xx":        {408, ``, vendorapi.Unknown, ""},
		"425 is not among 4xx":        {425, ``, vendorapi.Unknown, ""},
		"409 where it is named":       {409, `{"errcode":1}`, vendorapi.Refused, "1"},
		"409 with something else":     {409, `{"errcode":7}`, vendorapi.Unknown, "7"},
		"502":                         {502, `{"errcode":0,"data":1}`, vendorapi.Unknown, "0"},
		"503 with the vendor's word":  {503, `{"errcode":2}`, vendorapi.Throttled, "2"},
		"a redirect":                  {302, `{"errcode":0,"data":1}`, vendorapi.Unknown, "0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(int, got) reply {
				return reply{c.status, c.body, map[string]string{"Retry-After": "17", "Location": "/add"}}
			})
			_, sender := open(t, shop, s.url, shopKey)
			r := sender.Send(t.Context(), grant())
			if r.Outcome != c.want || r.Code != c.code || r.HTTPStatus != c.status {
				t.Errorf("%+v; want %s, code %q", r, c.want, c.code)
			}
			if c.want == vendorapi.Unknown && r.Err == nil || c.want != vendorapi.Unknown && r.Err != nil {
				t.Errorf("error %v", r.Err)
			}
			if (r.RetryAfter > 0) != (c.want == vendorapi.Throttled) {
				t.Errorf("retry after %s", r.RetryAfter)
			}
			if n := len(s.requests()); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// An outcome's own words go before those of the call; without any a person sees the
// body.
func TestWordsOfAnswers(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"errcode":9,"errmsg":"a","detail":["no such member"]}`: "no such member",
		`{"errcode":9,"errmsg":"a"}`:                             `{"errcode":9,"errmsg":"a"}`,
		"<h1>no</h1>":                                            "<h1>no</h1>",
		`{"detail":["k3y/of the+shop is wrong"]}`:                "*** is wrong",
		`{"detail":["k3y%2Fof%20the%2Bshop is wrong"]}`:          "*** is wrong",
	} {
		s := always(t, 400, body)
		_, sender := open(t, shop, s.url, shopKey)
		if r := sender.Send(t.Context(), grant()); r.Message != want || r.Outcome != vendorapi.Refused {
			t.Errorf("%s: %+v", body, r)
		}
	}
}

// What was never sent is NotSent, and its error names neither query nor values.
func TestNotSent(t *testing.T) {
	t.Parallel()
	text := strings.Replace(shop, "POST /add", "POST /add/{member_id}?key={secret.key}&who={member_id}", 1)
	_, sender := open(t, text, "http://127.0.0.1:1", shopKey)
	r := sender.Send(t.Context(), grant())
	if r.Outcome != vendorapi.NotSent || !strings.HasPrefix(r.Err.Error(), "POST /add/{member_id}: call vendor: ") {
		t.Errorf("%+v", r)
	}
	for _, hidden := range []string{"k3y", "key=", "0042"} {
		if strings.Contains(r.Err.Error(), hidden) {
			t.Errorf("%v shows %s", r.Err, hidden)
		}
	}
}
