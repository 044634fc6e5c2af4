package kylin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pointsledger/vendorapi"
)

const gatewayKey = "gateway-key-0042"

func sampleFreeze() Freeze {
	return Freeze{
		Token: "fz7k2m9qf3tr4v8w6x5y1z0abcde", MemberID: "1c8c34ff77dd4c5a9573644b9d6eecd9",
		Description: "订单积分冻结 <SO-1> & 更多", ShopCode: "SH-01", Point: 5,
	}
}

func testConfig(url string) Config {
	return Config{URL: url, Headers: map[string]string{"Authorization": "Bearer " + gatewayKey, "x-app": "shop"}}
}

func newTestClient(t testing.TB, cfg Config) *Client {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// sent is what a vendor was sent last.
type sent struct {
	requests atomic.Int64
	path     string
	header   http.Header
	body     []byte
}

func newVendor(t testing.TB, answer http.HandlerFunc) (string, *sent) {
	t.Helper()
	var s sent
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		s.path, s.header = r.Method+" "+r.URL.Path, r.Header
		s.body, _ = io.ReadAll(r.Body)
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, &s
}

func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "17")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestGoldenRequests(t *testing.T) {
	t.Parallel()
	tests := []struct {
		file, base string
		change     func(*Config)
		freeze     Freeze
	}{
		{"freeze_point", "", func(*Config) {}, sampleFreeze()},
		{"freeze_point_other", "/", func(c *Config) { c.MemberType, c.PointBizType = "GMYB", "FREEZE" },
			Freeze{Token: "t", MemberID: "007", Description: "x", Point: maxPoint}},
	}
	for _, test := range tests {
		url, s := newVendor(t, answers(200, "{}"))
		cfg := testConfig(url + test.base)
		test.change(&cfg)
		reply := newTestClient(t, cfg).FreezePoint(t.Context(), test.freeze)
		if reply.Outcome != vendorapi.Applied {
			t.Fatalf("%s: %+v", test.file, reply)
		}
		want, err := os.ReadFile("testdata/" + test.file + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if s.path != "POST /openapi/v2/member/freezePoint" || !bytes.Equal(s.body, want) {
			t.Errorf("%s: %s\n got %s\nwant %s", test.file, s.path, s.body, want)
		}
		for name, value := range map[string]string{
			"X-Business-Token": test.freeze.Token, "Content-Type": "application/json",
			"Authorization": "Bearer " + gatewayKey, "X-App": "shop",
		} {
			if s.header.Get(name) != value {
				t.Errorf("%s: header %s is %q, want %q", test.file, name, s.header.Get(name), value)
			}
		}
	}
}

func TestTokensOfCallsDoNotMix(t *testing.T) {
	t.Parallel()
	var wrong atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !bytes.Contains(body, []byte(`"memberId":"`+r.Header.Get("X-Business-Token")+`"`)) {
			wrong.Add(1)
		}
	}))
	defer server.Close()
	c := newTestClient(t, testConfig(server.URL))
	done := make(chan vendorapi.Reply)
	for i := range 64 {
		go func() {
			id := fmt.Sprintf("m%d", i)
			done <- c.FreezePoint(context.Background(), Freeze{Token: id, MemberID: id, Description: "x", Point: 1})
		}()
	}
	for range 64 {
		if reply := <-done; reply.Outcome != vendorapi.Applied {
			t.Errorf("%+v", reply)
		}
	}
	if n := wrong.Load(); n != 0 {
		t.Errorf("%d requests with the token of another", n)
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]vendorapi.Outcome{
		200: vendorapi.Applied, 201: vendorapi.Applied, 204: vendorapi.Applied,
		202: vendorapi.Unknown, 206: vendorapi.Unknown,
		301: vendorapi.Unknown, 302: vendorapi.Unknown, 307: vendorapi.Unknown,
		400: vendorapi.Refused, 401: vendorapi.Unauthorised, 403: vendorapi.Unauthorised, 404: vendorapi.Refused,
		408: vendorapi.Unknown, 409: vendorapi.Refused, 422: vendorapi.Refused, 429: vendorapi.Throttled, 499: vendorapi.Refused,
		500: vendorapi.Unknown, 502: vendorapi.Unknown, 503: vendorapi.Unknown, 599: vendorapi.Unknown, 999: vendorapi.Unknown,
	} {
		body := "what " + gatewayKey + " says\n"
		if want == vendorapi.Applied {
			body = "" // what it may be otherwise: TestBodiesOfAFreeze
		}
		url, s := newVendor(t, answers(status, body))
		reply := newTestClient(t, testConfig(url)).FreezePoint(t.Context(), sampleFreeze())
		if reply.Outcome != want || reply.HTTPStatus != status || reply.Err != nil || s.requests.Load() != 1 || reply.Duration <= 0 {
			t.Errorf("%d: %+v, want %v", status, reply, want)
		}
		var message string
		if want != vendorapi.Applied {
			message = "what *** says"
		}
		if reply.Message != message {
			t.Errorf("%d: message %q", status, reply.Message)
		}
		if (reply.RetryAfter == 17*time.Second) != (want != vendorapi.Applied) {
			t.Errorf("%d: retry after %v", status, reply.RetryAfter)
		}
	}
}

func TestBodiesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	huge := func(w http.ResponseWriter) {
		chunk := make([]byte, 64<<10)
		for range 1600 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
	cut := func(w http.ResponseWriter) {
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	for name, body := range map[string]func(http.ResponseWriter){"huge": huge, "cut": cut} {
		for status, want := range map[int]vendorapi.Outcome{
			200: vendorapi.Unknown, 201: vendorapi.Unknown, 401: vendorapi.Unauthorised, 404: vendorapi.Refused, 500: vendorapi.Unknown,
		} {
			url, _ := newVendor(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				body(w)
			})
			reply := newTestClient(t, testConfig(url)).FreezePoint(t.Context(), sampleFreeze())
			if reply.Outcome != want || reply.Err == nil {
				t.Errorf("%s, %d: %+v, want %v", name, status, reply, want)
			}
		}
	}
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	url, s := newVendor(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	reply := newTestClient(t, testConfig(url)).FreezePoint(t.Context(), sampleFreeze())
	if reply.Outcome != vendorapi.Unknown || reply.HTTPStatus != 0 || reply.Err == nil || s.requests.Load() != 1 {
		t.Errorf("dropped: %+v", reply)
	}
	release := make(chan struct{})
	url, _ = newVendor(t, func(http.ResponseWriter, *http.Request) { <-release })
	cfg := testConfig(url)
	cfg.HTTP = vendorapi.HTTPConfig{ConnectTimeout: time.Second, Timeout: time.Second}
	reply = newTestClient(t, cfg).FreezePoint(t.Context(), sampleFreeze())
	close(release)
	if reply.Outcome != vendorapi.Unknown || !errors.Is(reply.Err, context.DeadlineExceeded) {
		t.Errorf("hung: %+v", reply)
	}
	// Port 1 is never handed out, and nobody listens there.
	reply = newTestClient(t, testConfig("http://127.0.0.1:1")).FreezePoint(t.Context(), sampleFreeze())
	if reply.Outcome != vendorapi.NotSent || reply.Err == nil || strings.Contains(reply.Err.Error(), gatewayKey) {
		t.Errorf("refused port: %+v", reply)
	}
}

func TestUnsendableFreezes(t *testing.T) {
	t.Parallel()
	url, s := newVendor(t, answers(200, ""))
	c := newTestClient(t, testConfig(url))
	for name, change := range map[string]func(*Freeze){
		"no token":         func(f *Freeze) { f.Token = "" },
		"token with break": func(f *Freeze) { f.Token = "a\r\nX: y" },
		"token with space": func(f *Freeze) { f.Token = "a " },
		"no member":        func(f *Freeze) { f.MemberID = "" },
		"no description":   func(f *Freeze) { f.Description = "" },
		"256 characters":   func(f *Freeze) { f.Description = strings.Repeat("积", 256) },
		"no points":        func(f *Freeze) { f.Point = 0 },
		"negative points":  func(f *Freeze) { f.Point = -5 },
		"inexact points":   func(f *Freeze) { f.Point = maxPoint + 1 },
	} {
		freeze := sampleFreeze()
		change(&freeze)
		if reply := c.FreezePoint(t.Context(), freeze); reply.Outcome != vendorapi.NotSent || !errors.Is(reply.Err, vendorapi.ErrUnsendable) {
			t.Errorf("%s: %+v", name, reply)
		}
	}
	if n := s.requests.Load(); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	freeze := sampleFreeze()
	freeze.Description = strings.Repeat("积", 255)
	if reply := c.FreezePoint(t.Context(), freeze); reply.Outcome != vendorapi.Applied || !bytes.Contains(s.body, []byte(freeze.Description)) {
		t.Errorf("255 characters: %+v", reply)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for _, name := range append(ownHeaders(), "x-business-token", "HOST", "", "a b", "a:b", "名") {
		cfg := testConfig("http://host")
		cfg.Headers[name] = gatewayKey
		if _, err := New(cfg); err == nil || strings.Contains(err.Error(), gatewayKey) {
			t.Errorf("header %q: %v", name, err)
		}
	}
	for _, value := range []string{"", " ", gatewayKey + "\r\nX: y", gatewayKey + "\x00", " " + gatewayKey} {
		cfg := testConfig("http://host")
		cfg.Headers["X-Key"] = value
		if _, err := New(cfg); err == nil || strings.Contains(err.Error(), gatewayKey) {
			t.Errorf("value %q: %v", value, err)
		}
	}
	twice := Config{URL: "http://host", Headers: map[string]string{"x-key": "a", "X-Key": "b"}}
	if _, err := New(twice); err == nil {
		t.Error("one header in two spellings: accepted")
	}
	_, err := New(Config{URL: "host", Headers: map[string]string{"Host": "x", "Te": "y"}, HTTP: vendorapi.HTTPConfig{MaxConns: -1}})
	for _, want := range []string{"url", "Host", "Te", "max conns"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
	if _, err := New(Config{URL: "https://crm.example/base"}); err != nil {
		t.Error(err)
	}
}

func TestPreview(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("testdata/freeze_point.json")
	if err != nil {
		t.Fatal(err)
	}
	p := previewFreeze(testConfig("https://crm.example/base/"), sampleFreeze())
	if p.Method != "POST" || p.URL != "https://crm.example/base/openapi/v2/member/freezePoint" || !bytes.Equal(p.Body, want) {
		t.Errorf("preview %s %s %s", p.Method, p.URL, p.Body)
	}
	for name, value := range map[string]string{
		"Authorization": "***", "X-App": "***", "X-Business-Token": sampleFreeze().Token, "Content-Type": "application/json",
	} {
		if p.Header.Get(name) != value {
			t.Errorf("header %s is %q, want %q", name, p.Header.Get(name), value)
		}
	}
	if p := previewFreeze(testConfig("https://crm.example"), sampleFreeze()); p.URL != "https://crm.example/openapi/v2/member/freezePoint" {
		t.Errorf("preview of a base without path: %s", p.URL)
	}
	if p := previewFreeze(Config{}, sampleFreeze()); p.URL != freezePath || !bytes.Equal(p.Body, want) {
		t.Errorf("without configuration: %s %s", p.URL, p.Body)
	}
	cfg := testConfig("http://user:" + gatewayKey + "@host")
	cfg.Headers["X-Business-Token"] = gatewayKey
	if text := fmt.Sprint(previewFreeze(cfg, sampleFreeze())); strings.Contains(text, gatewayKey) {
		t.Errorf("preview shows %s", text)
	}
}

func BenchmarkBuildRequest(b *testing.B) {
	freeze := sampleFreeze()
	b.ReportAllocs()
	for b.Loop() {
		if len(freeze.appendBody(make([]byte, 0, 512), shapeOf(Config{}))) < 100 {
			b.Fatal("short request")
		}
	}
}
