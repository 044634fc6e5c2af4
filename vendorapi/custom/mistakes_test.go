package custom_test

import (
	"slices"
	"strings"
	"testing"

	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

const rich = head + `vendors:
  - name: shop
    kind: custom
    url: http://127.0.0.1:1
    secrets: {id: SHOP_ID, key: SHOP_KEY}
    token:
      request: GET /token?id={secret.id}
      at: /token
    sign: {algorithm: hmac-sha256, key: "{secret.key}", over: "{path}{body}", encode: [hex], into: {header: X-Sign}}
    calls:
      points_add:
        request: POST /add?t={token}
        headers: {X-Request-Id: "{biz_id}"}
        json: {who: "{member_id}", points: {number: "{points}"}, n: 1}
        outcomes:
          - {status: 200, at: {/errcode: [0]}, means: applied}
          - {status: 4xx, means: refused}
      points_deduct: &take
        request: POST /take
        json: {who: "{member_id}", points: {number: "{points}"}, n: 1}
        outcomes: [{at: {/errcode: [0]}, means: applied}]
      freeze_point: *take
      unfreeze_point: *take
      consume_frozen: *take
      records: {request: "GET /records?who={member_id}&page={page}", list: /items, points: /score, page: {size: 20}}
      member: {request: "GET /member?code={code}", id: /id}
`

// All that is wrong with an account is said with its line, and what to write instead.
func TestMistakes(t *testing.T) {
	t.Parallel()
	for edit, want := range map[[2]string]string{
		{"id: SHOP_ID,", "id: shop-id,"}:                                                "points.yaml:13 vendors.shop.secrets.id: want the name of an environment variable in capital letters: secrets do not stand in this file (the text is not shown)",
		{"{id: SHOP_ID,", "{Id: SHOP_ID,"}:                                              `points.yaml:13 vendors.shop.secrets.Id: want a name of a-z, 0-9 and _, got "Id"`,
		{"{secret.id}", "{secret.ids}"}:                                                 `points.yaml:15 vendors.shop.token.request: {secret.ids} is not known; name its variable under secrets; did you mean "secret.id"?`,
		{"      at: /token\n", ""}:                                                      "points.yaml:14 vendors.shop.token.at: missing; want a JSON pointer such as /data/id",
		{"at: /token", "at: token"}:                                                     `points.yaml:16 vendors.shop.token.at: want a JSON pointer such as /data/id, got "token"`,
		{"at: /token", "at: /token\n      ats: 1"}:                                      "points.yaml:17 vendors.shop.token.ats: not a known field here; want request, headers, json, form, outcomes, code, words, at, expires_in, expires_at, sign",
		{"hmac-sha256", "hmac-sha265"}:                                                  `points.yaml:17 vendors.shop.sign.algorithm: want one of hmac-md5, md5, hmac-sha1, sha1, hmac-sha256, sha256, hmac-sha512, sha512, got "hmac-sha265"; did you mean "hmac-sha256"?`,
		{`key: "{secret.key}"`, `key: "abc"`}:                                           "points.yaml:17 vendors.shop.sign.key: want a {secret.…} in it: secrets do not stand in this file (the text is not shown)",
		{`key: "{secret.key}", `, ``}:                                                   `points.yaml:17 vendors.shop.sign: an hmac needs a key, such as key: "{secret.app_secret}"`,
		{"hmac-sha256", "sha256"}:                                                       "points.yaml:17 vendors.shop.sign.key: sha256 has no key; put the secret into over",
		{`"{path}{body}"`, `"{path}{points}"`}:                                          "points.yaml:17 vendors.shop.sign.over: {points} is not known here; want one of timestamp timestamp_ms timestamp_text nonce secret.id secret.key token method path query body",
		{"[hex]", "[hex, base64]"}:                                                      `points.yaml:17 vendors.shop.sign.encode[1]: want one of url, got "base64"`,
		{"{header: X-Sign}", "{json: /sign}"}:                                           "points.yaml:17 vendors.shop.sign.into: the signature stands in the body, so that it cannot cover {body}",
		{"{header: X-Sign}", "{header: X-Sign, form: a}"}:                               "points.yaml:17 vendors.shop.sign.into: want where the signature goes: one of",
		{`"{path}{body}"`, `"{path}", extra: 1`}:                                        "points.yaml:17 vendors.shop.sign.extra: not a known field here; want algorithm, key, over, encode, into",
		{"POST /add?t={token}", "POS /add"}:                                             "points.yaml:20 vendors.shop.calls.points_add.request: want a method and a path such as POST",
		{"POST /add?t={token}", "POST add"}:                                             "points.yaml:20 vendors.shop.calls.points_add.request: want a path that begins with / after POST",
		{"POST /add?t={token}", "POST /a b"}:                                            "points.yaml:20 vendors.shop.calls.points_add.request: ' ' cannot stand in a URL as it is; write it as %20",
		{"POST /add?t={token}", "POST /add#x"}:                                          "points.yaml:20 vendors.shop.calls.points_add.request: '#' cannot stand in a URL as it is; write it as %23",
		{"POST /add?t={token}", "POST /add%2"}:                                          "points.yaml:20 vendors.shop.calls.points_add.request: want two hex digits after each %",
		{"POST /add?t={token}", "GET /add"}:                                             "points.yaml:20 vendors.shop.calls.points_add.request: a GET has no body",
		{"{biz_id}", "{bizid}"}:                                                         `points.yaml:21 vendors.shop.calls.points_add.headers.X-Request-Id: {bizid} is not known here; want one of biz_id points member_id`,
		{"{biz_id}", "{biz_id"}:                                                         "points.yaml:21 vendors.shop.calls.points_add.headers.X-Request-Id: a { without its }; write {{ for a brace",
		{"{biz_id}", "{page}"}:                                                          "points.yaml:21 vendors.shop.calls.points_add.headers.X-Request-Id: {page} is not known here",
		{"X-Request-Id:", "Content-Length:"}:                                            "points.yaml:21 vendors.shop.calls.points_add.headers.Content-Length: Content-Length is set by the client itself",
		{"X-Request-Id:", "authorization:"}:                                             "points.yaml:21 vendors.shop.calls.points_add.headers.authorization: want a {secret.…} or the {token} in it",
		{`"{biz_id}"}`, `a, x-request-id: b}`}:                                          "points.yaml:21 vendors.shop.calls.points_add.headers.x-request-id: X-Request-Id stands twice",
		{"n: 1}", "n: 1, form: {a: b}}"}:                                                "", // a field of the body may have any name
		{"n: 1}", "n: 010}"}:                                                            "points.yaml:22 vendors.shop.calls.points_add.json.n: 010 is no number as JSON writes it; for a text put it in quotes",
		{`{number: "{points}"}, n`, `{number: "+{points}"}, n`}:                         "points.yaml:19 vendors.shop.calls.points_add: no request can be made of it: +{points} is no JSON number",
		{`points: {number: "{points}"}, n`, `n`}:                                        "points.yaml:19 vendors.shop.calls.points_add: {points} stands nowhere in the request: it would be the same for any number of points",
		{"    url: http", "    keys: honoured\n    url: http"}:                          "points.yaml:27 vendors.shop.calls.points_deduct: {biz_id} stands nowhere in the request: keys: honoured says that the vendor knows a repeat by its key",
		{"{status: 200, at: {/errcode: [0]}, ", "{status: 200, "}:                       "points.yaml:24 vendors.shop.calls.points_add.outcomes[0]: a status alone does not prove it",
		{"{status: 4xx, means: refused}", "{status: 5xx, means: refused}"}:              "points.yaml:25 vendors.shop.calls.points_add.outcomes[1]: a status of 3xx or 5xx alone may come from a proxy",
		{"{status: 4xx, means: refused}", "{means: already_applied}"}:                   "points.yaml:25 vendors.shop.calls.points_add.outcomes[1]: a status alone does not prove it",
		{"{status: 4xx, means: refused}", "{status: 4x, means: refused}"}:               `points.yaml:25 vendors.shop.calls.points_add.outcomes[1].status: want an HTTP status such as 200, or 2xx, 3xx, 4xx, 5xx, got "4x"`,
		{"{status: 4xx, means: refused}", "{status: 4xx}"}:                              "points.yaml:25 vendors.shop.calls.points_add.outcomes[1].means: missing; want one of already_applied, applied, refused",
		{"{status: 4xx, means: refused}", "{status: 4xx, means: answered}"}:             `points.yaml:25 vendors.shop.calls.points_add.outcomes[1].means: want one of already_applied, applied, refused, retryable, throttled, unauthorised, unknown, got "answered"`,
		{"{status: 4xx, means: refused}", "{empty: true, at: {/a: 1}, means: applied}"}: "points.yaml:25 vendors.shop.calls.points_add.outcomes[1]: an answer without a body has nothing at a pointer",
		{"/errcode: [0]}, means: applied}", "/errcode: [0]}, means: refused}"}:          "points.yaml:23 vendors.shop.calls.points_add.outcomes: want at least one that means applied",
		{"/errcode: [0]", "/errcode: []"}:                                               "points.yaml:24 vendors.shop.calls.points_add.outcomes[0].at./errcode: want at least one value; an empty list as a value is [[]]",
		{"/errcode: [0]", "/errcode: [{a: 1}]"}:                                         "points.yaml:24 vendors.shop.calls.points_add.outcomes[0].at./errcode[0]: want a plain value, null, [], {} or {present: true}",
		{"unfreeze_point: *take", `unfreeze_point: {request: "POST /free/{member_id}", outcomes: [{status: 200, empty: true, means: applied}]}`}: "points.yaml:31 vendors.shop.calls.unfreeze_point: neither {origin_biz_id} nor {points} stands in the request: the vendor could not know which freeze is meant",
		{"{biz_id}", "{origin_biz_id}"}:                 "points.yaml:21 vendors.shop.calls.points_add.headers.X-Request-Id: {origin_biz_id} is not known here",
		{"points_deduct:", "points_deducts:"}:           `points.yaml:26 vendors.shop.calls.points_deducts: not a known field here; want points_add, points_deduct, freeze_point, unfreeze_point, consume_frozen, records, member; did you mean "points_deduct"?`,
		{"freeze_point: *take", "freeze_point: *taken"}: "points.yaml:30 vendors.shop.calls.freeze_point: no anchor &taken stands in this file",
		{"who={member_id}&page", "page"}:                "points.yaml:33 vendors.shop.calls.records.request: {member_id} stands nowhere in it",
		{"&page={page}", ""}:                            "points.yaml:33 vendors.shop.calls.records.page: neither {page} nor {offset} stands in the request",
		{"points: /score, ", ""}:                        "points.yaml:33 vendors.shop.calls.records.points: missing",
		{"{size: 20}", "{size: 0}"}:                     `points.yaml:33 vendors.shop.calls.records.page.size: want a whole number from 1 to 1000, got "0"`,
		{"code={code}", "code=1"}:                       "points.yaml:34 vendors.shop.calls.member.request: {code} stands nowhere in it",
		{"    secrets:", "    secretz:"}:                `points.yaml:13 vendors.shop.secretz: not a known field here; did you mean "secrets"?`,
		{"call: points_add", "call: points_pay"}:        "points_pay",
	} {
		_, err := load(strings.Replace(rich, edit[0], edit[1], 1), "SHOP_ID=i", shopKey)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v\nwant %s", edit[1], err, want)
		}
		if !strings.Contains(rich, edit[0]) {
			t.Errorf("%s is not there to be edited", edit[0])
		}
	}
}

// An account offers what its file has: those calls are its calls, and no others.
func TestOffers(t *testing.T) {
	t.Parallel()
	cfg, err := load(rich, "SHOP_ID=i", shopKey)
	if err != nil {
		t.Fatal(err)
	}
	v := cfg.Accounts[0]
	if want := []ledger.Kind{"points_add", "points_deduct", "freeze_point", "unfreeze_point", "consume_frozen"}; !slices.Equal(v.Calls, want) {
		t.Errorf("calls %v", v.Calls)
	}
	if !v.On() || !v.Reads || !v.Resolves || v.InDoubt != "verify" || v.KeysHonoured {
		t.Errorf("%+v", v)
	}
	if cfg, err = load(shop); err != nil {
		t.Fatal(err)
	}
	if v = cfg.Accounts[0]; v.OffBecause() != "SHOP_KEY is not set" || v.Reads || v.Resolves || v.InDoubt != "resend" {
		t.Errorf("%+v, off because %q", v, v.OffBecause())
	}
	_, sender := open(t, shop, "http://127.0.0.1:1", shopKey)
	if _, reads := sender.(vendorapi.RecordReader); reads {
		t.Error("reads records that nobody described")
	}
	if _, resolves := sender.(vendorapi.Resolver); resolves {
		t.Error("resolves codes")
	}
	if r := sender.Send(t.Context(), &ledger.VendorCall{Kind: ledger.FreezePoint}); r.Outcome != vendorapi.Refused {
		t.Errorf("%+v", r)
	}
	_, err = load(strings.Replace(shop, "call: points_add, source_type: 1,", "call: freeze_point,", 1), shopKey)
	if err == nil || !strings.Contains(err.Error(), "freeze_point is not among the calls of the account shop") {
		t.Errorf("%v", err)
	}
	if _, err = load(strings.Replace(shop, "kind: custom", "kind: custom\n    in_doubt: verify", 1), shopKey); err == nil || !strings.Contains(err.Error(), "offers no records to read; want resend") {
		t.Errorf("%v", err)
	}
}

// A row that was tried is sent in the shape that it had, with the secrets and the
// meanings of the day.
func TestShapes(t *testing.T) {
	t.Parallel()
	s := always(t, 200, `{"errcode":0,"data":1}`)
	_, before := open(t, shop, s.url, shopKey)
	changed := strings.NewReplacer("POST /add", "POST /v2/add", `who: "{member_id}"`, `member: "{member_id}"`, "/errcode: [0]", "/errcode: [99]").Replace(shop)
	settings, now := open(t, changed, s.url, "SHOP_KEY=another-key")
	shape := before.(vendorapi.Shaped).Shape()
	if shape == now.(vendorapi.Shaped).Shape() || strings.Contains(shape, "k3y") {
		t.Errorf("shape %s", shape)
	}
	_, again := open(t, strings.Replace(shop, "/errcode: [0]", "/errcode: [1]", 1), s.url, "SHOP_KEY=a-third")
	if again.(vendorapi.Shaped).Shape() != shape {
		t.Error("what an answer means is no part of the shape")
	}
	old, err := now.(vendorapi.Shaped).InShape(shape)
	if err != nil {
		t.Fatal(err)
	}
	before.Send(t.Context(), grant())
	if r := old.Send(t.Context(), grant()); r.Outcome != vendorapi.Unknown {
		t.Errorf("%+v", r)
	}
	all := s.requests()
	if all[0].target != all[1].target || all[0].body != all[1].body || all[1].header.Get("X-Key") != "another-key" {
		t.Errorf("%+v", all)
	}
	if p := settings.Preview(s.url, grant(), shape); string(p.Body) != all[0].body || !strings.HasSuffix(p.URL, "/add") || strings.Contains(p.URL, "/v2/") {
		t.Errorf("%+v", p)
	}
	if old.(vendorapi.Shaped).Shape() != shape {
		t.Error("the shape is not kept")
	}
	for _, broken := range []string{"", "{", "[]", `{"points_add":{}}`, `{"points_add":{"request":"POST /{secret.gone}"}}`} {
		if _, err := now.(vendorapi.Shaped).InShape(broken); err == nil {
			t.Errorf("%s is taken for a shape", broken)
		}
	}
}
