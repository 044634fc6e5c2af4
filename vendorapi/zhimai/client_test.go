package zhimai

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"pointsledger/vendorapi"
)

// The values of the pages' examples, and a key of our own.
const (
	testOpenID    = "6dc05b4ac175cf316d226252b05cf685"
	testGrantCode = "782c281f62"
	testOpenKey   = "k3y-of-the-golden-tests"
	testMember    = "383933091455959041"
	success       = `{"status":true,"code":0,"message":"ok","data":[]}`
)

func testConfig(url string) Config {
	return Config{
		URL: url, OpenID: testOpenID, GrantCode: testGrantCode, OpenKey: testOpenKey,
		Signing: DefaultSigning(),
		Codes: Codes{
			AlreadyApplied: []string{"2001", "dup"}, Auth: []string{"4001"},
			Throttled: []string{"4290"}, Retryable: []string{"5030"},
		},
	}
}

// newTestClient stands at the moment of the pages' examples.
func newTestClient(t testing.TB, cfg Config) *Client {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.now = func() time.Time { return time.Unix(1547186244, 999) }
	c.nonce = func() int64 { return 658965 }
	return c
}

// vendor is a server that gives one answer and keeps the last request.
type vendor struct {
	*httptest.Server
	status int
	header http.Header
	answer string
	method string
	got    []byte
	gotHdr http.Header
}

func newVendor(t testing.TB, status int, answer string) *vendor {
	t.Helper()
	v := &vendor{status: status, answer: answer, header: http.Header{}}
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.method, v.gotHdr = r.Method, r.Header
		v.got, _ = io.ReadAll(r.Body)
		for name, values := range v.header {
			w.Header()[name] = values
		}
		w.WriteHeader(v.status)
		_, _ = io.WriteString(w, v.answer)
	}))
	t.Cleanup(v.Close)
	return v
}

func sampleAdd() PointsAdd {
	return PointsAdd{
		Balance: 129, BizID: "pa7k2m9qf3tr4v8w6x5y1z0abcde", CustomerID: testMember,
		Reason: `购物送积分 <SO-1> & "礼" #7K2M9QF3TR4V8`, SourceType: 1, PointsChannel: 3,
	}
}

func TestGoldenRequests(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	tests := []struct {
		file string
		call func(*Client)
	}{
		{"points_add", func(c *Client) { c.AddPoints(ctx, sampleAdd()) }},
		{"points_records", func(c *Client) {
			c.PointsRecords(ctx, RecordsQuery{UserID: testMember, Page: 2, PageSize: 50, Type: "in"})
		}},
		{"points_records_defaults", func(c *Client) { c.PointsRecords(ctx, RecordsQuery{UserID: testMember}) }},
		{"identity_account", func(c *Client) {
			c.Identity(ctx, IdentityQuery{Type: ByAccount, Mobile: "13800000000", Password: "hunter2-password"})
		}},
		{"identity_card", func(c *Client) {
			c.Identity(ctx, IdentityQuery{Type: ByCard, CardNumber: "6601", CardPassword: "inner-000042"})
		}},
		{"identity_user_code", func(c *Client) {
			c.Identity(ctx, IdentityQuery{Type: ByUserCode, UserCode: "912345678901", MultiStoreSN: "SH-01", PointRules: true})
		}},
		{"identity_user_id", func(c *Client) { c.Identity(ctx, IdentityQuery{Type: ByUserID, UserID: testMember}) }},
		{"my_cards", func(c *Client) { c.MyCards(ctx, testMember, true) }},
	}
	for _, test := range tests {
		v := newVendor(t, 200, success)
		test.call(newTestClient(t, testConfig(v.URL+"/api/v2")))
		want, err := os.ReadFile("testdata/" + test.file + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(v.got, want) {
			t.Errorf("%s:\n got %s\nwant %s", test.file, v.got, want)
		}
		if v.method != "POST" || v.gotHdr.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %s, %v", test.file, v.method, v.gotHdr)
		}
	}
}

// The preview is the request but for the five masked values.
func TestPreviewIsTheRequest(t *testing.T) {
	t.Parallel()
	got := previewPointsAdd("", sampleAdd())
	want, err := os.ReadFile("testdata/points_add.json")
	if err != nil {
		t.Fatal(err)
	}
	text := string(want)
	for _, secret := range []string{testOpenID, testGrantCode, "1547186244", "658965", "8EHlFZqBY%2FGqu9Ym2wSsnVSeKhk%3D"} {
		text = strings.Replace(text, `"`+secret+`"`, `"***"`, 1)
	}
	if string(got.Body) != text || got.Method != "POST" || got.URL != DefaultURL || got.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("preview %s %s %v\n got %s\nwant %s", got.Method, got.URL, got.Header, got.Body, text)
	}
	if shown := previewPointsAdd("http://user:"+testOpenKey+"@host/", sampleAdd()).URL; strings.Contains(shown, testOpenKey) {
		t.Fatalf("preview shows %s", shown)
	}
	identity, err := PreviewIdentity("http://host/", IdentityQuery{Type: ByCard, CardNumber: "6601", CardPassword: "inner-000042"})
	if err != nil || !json.Valid(identity.Body) || bytes.Contains(identity.Body, []byte("inner")) || !bytes.Contains(identity.Body, []byte("6601")) {
		t.Fatalf("preview %s, %v", identity.Body, err)
	}
	if _, err := PreviewIdentity("", IdentityQuery{Type: 5}); err == nil {
		t.Fatal("preview of a type that does not exist: want an error")
	}
}

// The expected values were computed with
// printf %s "$payload" | openssl dgst -sha1 -hmac "$key" -binary | base64.
func TestToken(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, payload string
		urlEncode     bool
		nonce, want   string
	}{
		{"default", "", true, "658965", "8EHlFZqBY%2FGqu9Ym2wSsnVSeKhk%3D"},
		{"not encoded", "", false, "658965", "8EHlFZqBY/Gqu9Ym2wSsnVSeKhk="},
		{"a plus", DefaultPayload, true, "8", "NpLF%2BSLEmaQ3%2BpVnLTyfcPVMHeM%3D"},
		{"own payload", "{Action}|{Timestamp}", false, "1", "URLhUcTM/GFe2BU2luzbhyRUujY="},
	}
	for _, test := range tests {
		parts, err := compilePayload(test.payload)
		if err != nil {
			t.Fatal(err)
		}
		s := newSigner(testOpenKey, parts, test.urlEncode)
		e := envelope{openID: testOpenID, grantCode: testGrantCode, timestamp: "1547186244", nonce: test.nonce}
		for range 2 { // the second time with an HMAC from the pool
			if got, _ := s.token(e, actionPointsAdd); got != test.want {
				t.Errorf("%s: %s, want %s", test.name, got, test.want)
			}
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"user in url":         func(c *Config) { c.URL = "http://u:" + testOpenKey + "@host" },
		"url without host":    func(c *Config) { c.URL = "openapi.zvcms.com" },
		"no open id":          func(c *Config) { c.OpenID = "" },
		"no grant code":       func(c *Config) { c.GrantCode = "" },
		"no key":              func(c *Config) { c.OpenKey = "" },
		"unknown placeholder": func(c *Config) { c.Signing.Payload = "{OpenKey}" },
		"open brace":          func(c *Config) { c.Signing.Payload = "a{Nonce" },
		"close brace":         func(c *Config) { c.Signing.Payload = "a}b{Nonce}" },
		"nested braces":       func(c *Config) { c.Signing.Payload = "{{Nonce}}" },
		"code in two lists":   func(c *Config) { c.Codes.Retryable = []string{"2001"} },
		"code of success":     func(c *Config) { c.Codes.Auth = []string{"0"} },
		"empty code":          func(c *Config) { c.Codes.Auth = []string{""} },
		"http":                func(c *Config) { c.HTTP.MaxConns = -1 },
	} {
		cfg := testConfig("http://host/")
		change(&cfg)
		_, err := New(cfg)
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), testOpenKey) {
			t.Errorf("%s: %v holds the key", name, err)
		}
	}
	for name, change := range map[string]func(*Config){
		"default url":         func(c *Config) { c.URL = "" },
		"same code twice":     func(c *Config) { c.Codes.Auth = []string{"1", "1"} },
		"payload of one text": func(c *Config) { c.Signing.Payload = "x" },
	} {
		cfg := testConfig("http://host/")
		change(&cfg)
		if _, err := New(cfg); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := New(Config{Codes: Codes{Auth: []string{"7"}, Throttled: []string{"7"}}})
	for _, want := range []string{"open id", "grant code", "open key", `"7"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
}

func TestUnsendableRequests(t *testing.T) {
	t.Parallel()
	v := newVendor(t, 200, success)
	c := newTestClient(t, testConfig(v.URL))
	ctx := t.Context()
	identity := func(q IdentityQuery) vendorapi.Reply { _, r := c.Identity(ctx, q); return r }
	records := func(q RecordsQuery) vendorapi.Reply { _, r := c.PointsRecords(ctx, q); return r }
	_, cards := c.MyCards(ctx, "", false)
	for name, reply := range map[string]vendorapi.Reply{
		"no biz id":         c.AddPoints(ctx, PointsAdd{Balance: 1, CustomerID: "1"}),
		"no customer":       c.AddPoints(ctx, PointsAdd{Balance: 1, BizID: "x"}),
		"identity type 0":   identity(IdentityQuery{UserID: "1"}),
		"identity type 5":   identity(IdentityQuery{Type: 5, UserID: "1"}),
		"no password":       identity(IdentityQuery{Type: ByAccount, Mobile: "1"}),
		"no card number":    identity(IdentityQuery{Type: ByCard, CardPassword: "1"}),
		"no code":           identity(IdentityQuery{Type: ByUserCode, UserID: "1"}),
		"no user id":        identity(IdentityQuery{Type: ByUserID, UserCode: "1"}),
		"records of nobody": records(RecordsQuery{}),
		"page -1":           records(RecordsQuery{UserID: "1", Page: -1}),
		"page size -1":      records(RecordsQuery{UserID: "1", PageSize: -1}),
		"direction":         records(RecordsQuery{UserID: "1", Type: "up"}),
		"cards of nobody":   cards,
	} {
		if reply.Outcome != vendorapi.NotSent || !errors.Is(reply.Err, vendorapi.ErrUnsendable) {
			t.Errorf("%s: %+v", name, reply)
		}
	}
	if v.got != nil {
		t.Errorf("the vendor was sent %s", v.got)
	}
}

func TestNonceAndTimeOfARealClient(t *testing.T) {
	t.Parallel()
	c, err := New(testConfig("http://host/"))
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[int64]bool)
	for range 1000 {
		n := c.nonce()
		if n < 1 || n > maxNonce || seen[n] {
			t.Fatalf("nonce %d: want positive, at most 15 digits, not repeated", n)
		}
		seen[n] = true
	}
	if since := time.Since(c.now()); since < 0 || since > time.Minute {
		t.Fatalf("the client's clock is off by %v", since)
	}
}
