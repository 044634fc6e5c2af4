package custom_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pointsledger/vendorapi"
)

// What a vendor could answer to hurt: nothing of it is taken for an answer, and nothing
// of it takes much memory.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"a megabyte and more":      `{"errcode":0,"data":1,"x":"` + strings.Repeat("a", 1<<20) + `"}`,
		"a million empty objects":  `{"errcode":0,"data":1,"x":[` + strings.Repeat("{},", 300_000) + `{}]}`,
		"lists in lists":           `{"errcode":0,"data":1,"x":` + strings.Repeat("[", 500_000) + strings.Repeat("]", 500_000) + `}`,
		"a name that is two":       `{"errcode":0,"data":1,"\u0065rrcode":9}`,
		"a name with a null":       `{"errcode\u0000":0,"data":1}`,
		"a number of a mile":       `{"errcode":` + strings.Repeat("0", 1) + `e0,"data":1}`,
		"another number, the same": `{"errcode":-0,"data":1}`,
		"a comment":                `/* */{"errcode":0,"data":1}`,
		"a comma too many":         `{"errcode":0,"data":1,}`,
		"UTF-16":                   "\xff\xfe{\x00}\x00",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, sender := open(t, shop, always(t, 200, body).url, shopKey)
			if r := sender.Send(t.Context(), grant()); r.Outcome != vendorapi.Unknown || len(r.Message) > 600 || len(r.Err.Error()) > 600 {
				t.Errorf("%s, %d bytes of words, %v", r.Outcome, len(r.Message), r.Err)
			}
		})
	}
}

// A slow body ends with the call's time, a slow token with the same: then nothing of the
// call was sent.
func TestSlowAnswers(t *testing.T) {
	t.Parallel()
	released := make(chan struct{})
	slow := func(path string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != path {
				fmt.Fprint(w, `{"data":{"token":"secret-token"}}`)
				return
			}
			fmt.Fprint(w, `{"errcode":0,`)
			w.(http.Flusher).Flush()
			<-released
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	defer close(released)
	text := strings.Replace(withToken, "kind: custom", "kind: custom\n    timeout: 300ms", 1)
	for path, want := range map[string]vendorapi.Outcome{"/add": vendorapi.Unknown, "/token": vendorapi.NotSent} {
		_, sender := open(t, text, slow(path), tokenEnvironment...)
		r := sender.Send(t.Context(), grant())
		if r.Outcome != want || r.Err == nil || r.Duration > 5*time.Second {
			t.Errorf("%s: %+v", path, r)
		}
	}
}

// A token that could be more than a value is none.
func TestHostileTokens(t *testing.T) {
	t.Parallel()
	for _, token := range []string{`a\r\nX-Admin: 1`, `a b`, `a\u0000`, strings.Repeat("a", 9000), `中`, ` `} {
		s := tokenServer(t, func(string) bool { return true }, func(int) reply { return reply{body: `{"data":{"token":"` + token + `"}}`} })
		_, sender := open(t, withToken, s.url, tokenEnvironment...)
		if r := sender.Send(t.Context(), grant()); r.Outcome != vendorapi.Unauthorised || strings.Contains(targets(s), "/add") {
			t.Errorf("%.40q: %+v", token, r)
		}
	}
	for _, token := range []string{"a&access_token=b", "a#b", "{secret.key}", "a%2Fb"} {
		s := tokenServer(t, func(string) bool { return true }, func(int) reply { return reply{body: `{"data":{"token":"` + token + `"}}`} })
		_, sender := open(t, withToken, s.url, tokenEnvironment...)
		r := sender.Send(t.Context(), grant())
		if got := s.requests()[1].target; r.Outcome != vendorapi.Applied || got != "POST /add?access_token="+escaped(token) {
			t.Errorf("%s: %s %+v", token, got, r)
		}
	}
}

// No text of a reply shows a secret, the token or a signature, in whatever spelling the
// vendor echoes them.
func TestEchoedSecrets(t *testing.T) {
	t.Parallel()
	text := strings.Replace(withToken, "    calls:\n", `    sign: {algorithm: hmac-sha256, key: "{secret.key}", over: "{body}", encode: [base64, url], into: {header: X-Sign}}
    calls:
`, 1)
	s := serve(t, func(_ int, r got) reply {
		if strings.HasPrefix(r.target, "GET /token") {
			return reply{body: `{"data":{"token":"tok/en+kept"}}`}
		}
		return reply{status: 500, body: "you sent " + r.target + " signed " + r.header.Get("X-Sign") + ` with k3y/of the+shop k3y%2Fof%20the%2Bshop k3y%2Fof+the%2Bshop tok/en+kept`}
	})
	_, sender := open(t, text, s.url, tokenEnvironment...)
	r := sender.Send(t.Context(), grant())
	shown := fmt.Sprintf("%+v", r)
	for _, hidden := range []string{"k3y", "tok/en", "tok%2F", s.requests()[1].header.Get("X-Sign")} {
		if strings.Contains(shown, hidden) {
			t.Errorf("%s is shown: %s", hidden, shown)
		}
	}
	if !strings.Contains(r.Message, "you sent POST /add?access_token=***") {
		t.Errorf("%+v", r)
	}
}

// A file that names itself, or too much, is an error and no end of the program.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 40) + strings.Repeat("]", 40)
	for body, want := range map[string]string{
		"&loop {a: *loop}":   "vendors.shop.calls.points_add.json",
		"{a: " + deep + "}":  "want at most 20000 values in all and 30 in one another",
		"{<<: {a: b}}":       "<< is not read here",
		"{a: !!binary aGk=}": "want a text, a number, a list or a mapping",
		"{a: .inf}":          "want",
	} {
		_, err := load(strings.Replace(shop, `{id: "{biz_id}", who: "{member_id}", points: {number: "{points}"}}`, body, 1), shopKey)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %.300v\nwant %s", body, err, want)
		}
	}
}
