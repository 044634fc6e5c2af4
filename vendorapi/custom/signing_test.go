package custom_test

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"pointsledger/vendorapi"
	"pointsledger/vendorapi/custom"
)

// signedShop is a shop whose calls are signed.
func signedShop(sign, call string) string {
	return head + `vendors:
  - name: shop
    kind: custom
    url: http://127.0.0.1:1
    secrets: {key: SHOP_KEY}
    sign: ` + sign + `
    calls:
      points_add:
        outcomes: [{at: {/ok: [true]}, means: applied}]
` + call
}

const jsonCall = `        request: POST /add?a={biz_id}
        json: {who: "{member_id}", sign: "", points: {number: "{points}"}}
`

const formCall = `        request: POST /add?a={biz_id}
        form: {who: "{member_id}", points: "{points}"}
`

// Where a signature goes, and what it covers.
func TestSignatures(t *testing.T) {
	t.Parallel()
	const key = "k3y/of the+shop"
	keyed := func(text string) []byte {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	plain := md5.Sum([]byte(key + "2026-11-27 20:00:00" + key))
	upper := strings.ToUpper(hex.EncodeToString(plain[:]))
	over := "POST\n/add\na=pa7k2m\n1795780800\n1795780800123\n42\n"
	for name, c := range map[string]struct{ sign, call, header, target, body string }{
		"a header over the body": {
			`{algorithm: hmac-sha256, key: "{secret.key}", over: "{method}\n{path}\n{query}\n{timestamp}\n{timestamp_ms}\n{nonce}\n{body}", into: {header: x-sign}}`, jsonCall,
			hex.EncodeToString(keyed(over + `{"who":"0042","sign":"","points":7}`)), "POST /add?a=pa7k2m", `{"who":"0042","sign":"","points":7}`,
		},
		"json, encoded twice": {
			`{algorithm: hmac-sha256, key: "{secret.key}", over: "{query}{nonce}", encode: [base64, url], into: {json: /sign}}`, jsonCall,
			"", "POST /add?a=pa7k2m", `{"who":"0042","sign":"` + url.QueryEscape(base64.StdEncoding.EncodeToString(keyed("a=pa7k2m42"))) + `","points":7}`,
		},
		"json, where nothing stands": {
			`{algorithm: md5, over: "{secret.key}{timestamp_text}{secret.key}", encode: hex_upper, into: {json: /auth}}`, jsonCall,
			"", "POST /add?a=pa7k2m", `{"who":"0042","sign":"","points":7,"auth":"` + upper + `"}`,
		},
		"a form": {
			`{algorithm: md5, over: "{secret.key}{timestamp_text}{secret.key}", encode: hex_upper, into: {form: sign}}`, formCall,
			"", "POST /add?a=pa7k2m", `who=0042&points=7&sign=` + upper,
		},
		"a query": {
			`{algorithm: hmac-sha256, key: "{secret.key}", over: "{query}", encode: [base64], into: {query: sign}}`, formCall,
			"", "POST /add?a=pa7k2m&sign=" + url.QueryEscape(base64.StdEncoding.EncodeToString(keyed("a=pa7k2m"))), `who=0042&points=7`,
		},
		"a call's own": {
			`{algorithm: md5, over: x, into: {header: X-Other}}`, formCall + `        sign: {algorithm: hmac-sha256, key: "{secret.key}", over: "{member_id}{points}", into: {header: X-Sign}}` + "\n",
			hex.EncodeToString(keyed("00427")), "POST /add?a=pa7k2m", `who=0042&points=7`,
		},
		"none of its own": {
			`{algorithm: md5, over: x, into: {header: X-Sign}}`, formCall + "        sign: none\n", "", "POST /add?a=pa7k2m", `who=0042&points=7`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(_ int, r got) reply {
				return reply{body: `{"ok":true,"echo":` + fmt.Sprintf("%q", r.header.Get("X-Sign")) + `}`}
			})
			_, sender := open(t, signedShop(c.sign, c.call), s.url, shopKey)
			custom.FixMoment(sender, time.UnixMilli(1795780800123), 42)
			if r := sender.Send(t.Context(), grant()); r.Outcome != vendorapi.Applied {
				t.Fatalf("%+v", r)
			}
			sent := s.requests()[0]
			if sent.header.Get("X-Sign") != c.header || sent.target != c.target || sent.body != c.body || sent.header.Get("X-Other") != "" {
				t.Errorf("sent %s\n%q\n%s\nwant %s\n%q\n%s", sent.target, sent.header.Get("X-Sign"), sent.body, c.target, c.header, c.body)
			}
		})
	}
}

// A signature that the vendor echoes is masked, and a wrong one can be made.
func TestSignatureIsMasked(t *testing.T) {
	t.Parallel()
	text := signedShop(`{algorithm: hmac-sha256, key: "{secret.key}", over: "{body}", into: {header: X-Sign}}`, formCall)
	s := serve(t, func(_ int, r got) reply { return reply{status: 400, body: "wrong " + r.header.Get("X-Sign")} })
	settings, sender := open(t, text, s.url, shopKey)
	if r := sender.Send(t.Context(), grant()); r.Message != "wrong ***" {
		t.Errorf("%+v", r)
	}
	wrong, err := settings.(vendorapi.Signed).WithWrongKey().Open(s.url, vendorapi.HTTPConfig{})
	if err != nil {
		t.Fatal(err)
	}
	wrong.Send(t.Context(), grant())
	if all := s.requests(); all[0].header.Get("X-Sign") == all[1].header.Get("X-Sign") || all[0].body != all[1].body {
		t.Errorf("%+v", all)
	}
	if p := settings.Preview(s.url, grant(), ""); p.Header.Get("X-Sign") != "***" {
		t.Errorf("%+v", p)
	}
}
