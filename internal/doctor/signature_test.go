package doctor

import (
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pointsledger/internal/config"
	"pointsledger/vendorapi/sim"
)

// examined is what an examination finds at the first account of a configuration.
func examined(t *testing.T, text string, environ ...string) []Line {
	t.Helper()
	cfg, err := config.Load(append(environ, "WORKER_CONFIG=points.yaml"), func(path string) ([]byte, error) {
		if path != "points.yaml" {
			return nil, fs.ErrNotExist
		}
		return []byte(text), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	d := New(cfg, Worker{})
	t.Cleanup(d.Close)
	d.checkAccount(t.Context(), cfg.Accounts[0])
	return d.Checks
}

// wantLine wants a line of a check with a verdict and words.
func wantLine(t *testing.T, lines []Line, check string, v Verdict, words ...string) {
	t.Helper()
	for _, line := range lines {
		text := line.Found + " → " + line.Do
		if strings.Contains(text, "kept-secret") {
			t.Errorf("a secret is shown: %s", text)
		}
		fits := line.Check == check && line.Verdict == v
		for _, word := range words {
			fits = fits && strings.Contains(text, word)
		}
		if fits {
			return
		}
	}
	t.Errorf("no line %s %s with %q in %+v", check, v, words, lines)
}

// However Zhimai signs of the ways that its pages leave open, the doctor says which
// lines to write; with another key it says that none of them is accepted.
func TestDoctorFindsTheSignature(t *testing.T) {
	t.Parallel()
	const capitals, lower = "GrantCode={GrantCode}&Nonce={Nonce}&OpenId={OpenId}&Timestamp={Timestamp}", "grantCode={GrantCode}&nonce={Nonce}&openId={OpenId}&timestamp={Timestamp}"
	for _, c := range []struct {
		payload, openKey, listed string
		plain                    bool
		lines                    string // empty: none to write
		verdict                  Verdict
	}{
		{capitals, "key-kept-secret", "", false, "", Note},
		{capitals, "key-kept-secret", "", true, "write into the account zhimai: signing_payload: " + capitals + "; signing_url_encode: false", Wrong},
		{lower, "key-kept-secret", "", false, "signing_payload: " + lower + "; signing_url_encode: true", Wrong},
		{lower, "key-kept-secret", `"40101"`, true, "signing_payload: " + lower + "; signing_url_encode: false", Wrong},
		{lower, "another-key-kept-secret", "", false, "compare the account's secrets", Wrong},
		{capitals, "another-key-kept-secret", `"40101"`, true, "compare the account's secrets", Wrong},
	} {
		simulator, err := sim.New(sim.Config{Zhimai: sim.ZhimaiConfig{GrantCode: "grant-kept-secret", OpenKey: "key-kept-secret", SigningPayload: c.payload, PlainToken: c.plain}})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(simulator)
		t.Cleanup(server.Close)
		text := strings.Replace(string(config.DefaultFile()), "      auth: []", "      auth: ["+c.listed+"]", 1)
		lines := examined(t, text, "ZHIMAI_URL="+server.URL+"/api/v2", "ZHIMAI_OPEN_ID="+sim.DefaultOpenID,
			"ZHIMAI_GRANT_CODE=grant-kept-secret", "ZHIMAI_OPEN_KEY="+c.openKey)
		wantLine(t, lines, "account zhimai signature", c.verdict, c.lines)
	}
}

const described = `programme: points
timezone: Asia/Shanghai
rules:
  - from: 2026-01-01T00:00:00+08:00
    events:
      - type: order.paid
        operations:
          - {vendor: shop, call: points_add, source_type: 1, points: {value: 7}, reason: "{orderId}"}
vendors:
  - name: shop
    kind: custom
    url: URL
    secrets: {key: SHOP_KEY}
    token: {request: "GET /token?key={secret.key}", at: /token}
    calls:
      points_add: {request: "POST /add?t={token}", json: {who: "{member_id}", points: "{points}"}, outcomes: [{at: {/ok: [1]}, means: applied}]}
`

// A described vendor is asked something harmless where the file says how, and nothing is
// granted.
func TestDoctorReadsADescribedVendor(t *testing.T) {
	t.Parallel()
	const member = "      member: {request: \"GET /member?t={token}&code={code}\", id: /id}\n"
	const records = "      records: {request: \"GET /records?t={token}&who={member_id}\", list: /items, points: /p}\n"
	for name, c := range map[string]struct {
		calls, answer string
		status        int
		check         string
		verdict       Verdict
		words         string
	}{
		"nobody":     {member, `{"id":null}`, 200, "read", OK, "accepted: asked who has a code that nobody has"},
		"no outcome": {member, `{"code":7}`, 200, "read", Note, "nothing at /id"},
		"refused":    {member, `{}`, 401, "read", Wrong, "compare the account's secrets and its url"},
		"throttled":  {member, `{}`, 429, "read", Note, "run doctor again later"},
		"no records": {records, `{"items":[]}`, 200, "read", OK, "asked for the records of a member that nobody is"},
		"HTML":       {records, `<html>`, 200, "read", Note, "list what it means"},
		"a token":    {"", ``, 200, "read", OK, "accepted: asked for a token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			granted := false
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				granted = granted || r.URL.Path == "/add"
				if r.URL.Path == "/token" {
					_, _ = io.WriteString(w, `{"token":"token-kept-secret"}`)
					return
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.answer)
			}))
			t.Cleanup(server.Close)
			lines := examined(t, strings.Replace(described, "URL", server.URL, 1)+c.calls, "SHOP_KEY=key-kept-secret")
			wantLine(t, lines, "account shop "+c.check, c.verdict, c.words)
			if granted {
				t.Error("points were granted")
			}
		})
	}
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	wantLine(t, examined(t, strings.Replace(described, "URL", server.URL, 1), "SHOP_KEY=key-kept-secret"), "account shop read", Wrong, "GET /token: no outcome fits status 404")
	without := strings.NewReplacer("URL", server.URL, "    token: {request: \"GET /token?key={secret.key}\", at: /token}\n", "", "?t={token}", "").Replace(described)
	wantLine(t, examined(t, without, "SHOP_KEY=key-kept-secret"), "account shop address", OK, "nothing there can be read")
	wantLine(t, examined(t, strings.Replace(described, "URL", "http://127.0.0.1:1", 1)+member, "SHOP_KEY=key-kept-secret"),
		"account shop read", Wrong, "the vendor cannot be asked", "GET /token: call vendor")
}
