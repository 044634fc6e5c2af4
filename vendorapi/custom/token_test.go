package custom_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pointsledger/vendorapi"
	"pointsledger/vendorapi/custom"
)

const withToken = head + `vendors:
  - name: shop
    kind: custom
    url: http://127.0.0.1:1
    secrets: {id: SHOP_ID, key: SHOP_KEY}
    token: {request: "GET /token?id={secret.id}&secret={secret.key}", at: /data/token, expires_in: /data/expires_in}
    calls:
      points_add:
        request: POST /add?access_token={token}
        form: {who: "{member_id}", points: "{points}"}
        outcomes:
          - {at: {/errcode: [0]}, means: applied}
          - {at: {/errcode: [40001]}, means: unauthorised}
`

// tokenServer gives tokens t1, t2, … for 7200 seconds; good are those that it accepts.
func tokenServer(t *testing.T, good func(token string) bool, answer func(fetched int) reply) *server {
	t.Helper()
	var mu sync.Mutex
	fetched := 0
	return serve(t, func(_ int, r got) reply {
		mu.Lock()
		defer mu.Unlock()
		if strings.HasPrefix(r.target, "GET /token?") {
			fetched++
			return answer(fetched)
		}
		if _, token, _ := strings.Cut(r.target, "access_token="); good(token) {
			return reply{body: `{"errcode":0}`}
		}
		return reply{body: `{"errcode":40001}`}
	})
}

func numbered(n int) reply {
	return reply{body: fmt.Sprintf(`{"data":{"token":"secret-token-%d","expires_in":"7200"}}`, n)}
}

var tokenEnvironment = []string{"SHOP_ID=id&x", shopKey}

func targets(s *server) string {
	var all []string
	for _, r := range s.requests() {
		all = append(all, r.target)
	}
	return strings.ReplaceAll(strings.Join(all, "\n"), "id=id%26x&secret=k3y%2Fof%20the%2Bshop", "…")
}

// A token is fetched once and kept; one that is refused is dropped and fetched once,
// and then the refusal is the account's.
func TestTokenIsKeptAndRenewed(t *testing.T) {
	t.Parallel()
	accepted := map[string]bool{"secret-token-1": true}
	s := tokenServer(t, func(token string) bool { return accepted[token] }, numbered)
	_, sender := open(t, withToken, s.url, tokenEnvironment...)
	for range 3 {
		if r := sender.Send(t.Context(), grant()); r.Outcome != vendorapi.Applied {
			t.Fatalf("%+v", r)
		}
	}
	accepted["secret-token-1"], accepted["secret-token-2"] = false, true
	if r := sender.Send(t.Context(), grant()); r.Outcome != vendorapi.Applied {
		t.Fatalf("%+v", r)
	}
	accepted["secret-token-2"] = false
	if r := sender.Send(t.Context(), grant()); r.Outcome != vendorapi.Unauthorised {
		t.Fatalf("%+v", r)
	}
	want := `GET /token?…
POST /add?access_token=secret-token-1
POST /add?access_token=secret-token-1
POST /add?access_token=secret-token-1
POST /add?access_token=secret-token-1
GET /token?…
POST /add?access_token=secret-token-2
POST /add?access_token=secret-token-2
GET /token?…
POST /add?access_token=secret-token-3`
	if got := targets(s); got != want {
		t.Errorf("requests\n%s\nwant\n%s", got, want)
	}
}

// A token that the vendor gives again is the one that it refused: the call is not made
// with it a second time.
func TestSameTokenAgain(t *testing.T) {
	t.Parallel()
	s := tokenServer(t, func(string) bool { return false }, func(int) reply { return numbered(1) })
	_, sender := open(t, withToken, s.url, tokenEnvironment...)
	if r := sender.Send(t.Context(), grant()); r.Outcome != vendorapi.Unauthorised {
		t.Errorf("%+v", r)
	}
	if got := targets(s); got != "GET /token?…\nPOST /add?access_token=secret-token-1\nGET /token?…" {
		t.Error(got)
	}
}

// Before its end a token is fetched anew.
func TestTokenEnds(t *testing.T) {
	t.Parallel()
	s := tokenServer(t, func(string) bool { return true }, numbered)
	_, sender := open(t, withToken, s.url, tokenEnvironment...)
	began := time.Now()
	for _, after := range []time.Duration{0, 7139 * time.Second, 7141 * time.Second} {
		custom.FixMoment(sender, began.Add(after), 1)
		sender.Send(t.Context(), grant())
	}
	if got := strings.Count(targets(s), "GET /token"); got != 2 {
		t.Errorf("fetched %d times:\n%s", got, targets(s))
	}
}

// A vendor may say until when instead of how long, in milliseconds too.
func TestTokenEndsAt(t *testing.T) {
	t.Parallel()
	began := time.Now()
	for text, want := range map[string]int{
		fmt.Sprint(began.Add(2 * time.Hour).UnixMilli()): 2, fmt.Sprint(began.Add(2 * time.Hour).Unix()): 2, "soon": 1, "0": 1, "1": 1,
	} {
		s := tokenServer(t, func(string) bool { return true }, func(int) reply {
			return reply{body: `{"data":{"token":"secret-token","expires":` + fmt.Sprintf("%q", text) + `}}`}
		})
		_, sender := open(t, strings.Replace(withToken, "expires_in: /data/expires_in", "expires_at: /data/expires", 1), s.url, tokenEnvironment...)
		for _, after := range []time.Duration{0, 7130 * time.Second, 7150 * time.Second} {
			custom.FixMoment(sender, began.Add(after), 1)
			sender.Send(t.Context(), grant())
		}
		if got := strings.Count(targets(s), "GET /token"); got != want {
			t.Errorf("%s: fetched %d times, want %d", text, got, want)
		}
	}
}

// One fetch serves all calls that need the token at once.
func TestTokenIsFetchedOnceForAll(t *testing.T) {
	t.Parallel()
	s := tokenServer(t, func(string) bool { return true }, numbered)
	_, sender := open(t, withToken, s.url, tokenEnvironment...)
	var group sync.WaitGroup
	for range 40 {
		group.Go(func() {
			if r := sender.Send(t.Context(), grant()); r.Outcome != vendorapi.Applied {
				t.Errorf("%+v", r)
			}
		})
	}
	group.Wait()
	if got := strings.Count(targets(s), "GET /token"); got != 1 {
		t.Errorf("fetched %d times", got)
	}
}

// Without a token the call is not sent; only an answer of the vendor's own says that we
// are refused. No error shows the query or the body's token.
func TestNoToken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer reply
		want   vendorapi.Outcome
	}{
		"the vendor's word":     {reply{body: `{"errcode":40013,"errmsg":"invalid appid k3y/of the+shop"}`}, vendorapi.Unauthorised},
		"401":                   {reply{status: 401}, vendorapi.Unauthorised},
		"429":                   {reply{status: 429}, vendorapi.Throttled},
		"500":                   {reply{status: 500}, vendorapi.NotSent},
		"HTML":                  {reply{body: "<html>"}, vendorapi.NotSent},
		"an empty token":        {reply{body: `{"data":{"token":""}}`}, vendorapi.Unauthorised},
		"a token of two":        {reply{body: `{"data":{"token":"a","token":"b"}}`}, vendorapi.Unauthorised},
		"a token with a secret": {reply{body: `{"data":{"token":["k3y/of the+shop"]}}`}, vendorapi.Unauthorised},
		"a redirect":            {reply{status: 302, header: map[string]string{"Location": "/token"}}, vendorapi.NotSent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tokenServer(t, func(string) bool { return true }, func(int) reply { return c.answer })
			_, sender := open(t, withToken, s.url, tokenEnvironment...)
			r := sender.Send(t.Context(), grant())
			if r.Outcome != c.want || strings.Contains(targets(s), "POST /add") {
				t.Errorf("%+v\n%s", r, targets(s))
			}
			if shown := fmt.Sprintf("%+v", r); strings.Contains(shown, "k3y") || strings.Contains(shown, "id=") {
				t.Errorf("shows %s", shown)
			}
		})
	}
}
