package wire

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pointsledger/vendorapi"
)

const testSecret = "s3cr3t-token-0001"

func newCaller(t testing.TB, cfg vendorapi.HTTPConfig) *Caller {
	t.Helper()
	c, err := NewCaller(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func post(ctx context.Context, c *Caller, address string) Answer {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	return c.Post(ctx, Call{
		URL:     u,
		Header:  http.Header{"Content-Type": {"application/json"}, "X-Key": {testSecret}},
		Body:    []byte(`{"hello":"world"}`),
		Secrets: NewSecrets(testSecret),
	})
}

// rawServer answers each connection with handle, which gets it after one whole
// request was read, and must not use t.
func rawServer(t *testing.T, handle func(conn *net.TCPConn, r *bufio.Reader)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				if readRequest(r) != nil {
					return
				}
				handle(conn.(*net.TCPConn), r)
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

func readRequest(r *bufio.Reader) error {
	request, err := http.ReadRequest(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, request.Body)
	return err
}

// says writes text and then does what end says.
func says(text string, end func(*net.TCPConn)) func(*net.TCPConn, *bufio.Reader) {
	return func(conn *net.TCPConn, _ *bufio.Reader) {
		_, _ = io.WriteString(conn, text)
		if end != nil {
			end(conn)
		}
	}
}

func reset(conn *net.TCPConn) { _ = conn.SetLinger(0) }

// linger keeps the connection open until the client closes it.
func linger(conn *net.TCPConn) { _, _ = io.Copy(io.Discard, conn) }

func TestPostReadsTheAnswer(t *testing.T) {
	t.Parallel()
	var got atomic.Pointer[http.Request]
	var body atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		body.Store(string(b))
		got.Store(r)
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, "slow down")
	}))
	defer server.Close()
	a := post(t.Context(), newCaller(t, vendorapi.HTTPConfig{}), server.URL+"/api?")
	if a.Status != 429 || string(a.Body) != "slow down" || a.RetryAfter != 7*time.Second || a.Err != nil || a.Elapsed <= 0 {
		t.Fatalf("answer %+v, body %s", a, a.Body)
	}
	r := got.Load()
	if r.Method != "POST" || r.URL.Path != "/api" || body.Load() != `{"hello":"world"}` || r.ContentLength != 17 {
		t.Fatalf("request %+v", r)
	}
	if r.Header.Get("Accept-Encoding") != "" {
		t.Fatalf("Accept-Encoding %q: want none, a compressed reply is not read", r.Header.Get("Accept-Encoding"))
	}
}

func TestPostNotSent(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(untrusted.Close)
	// The system accepts TCP here, and nobody shakes hands.
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mute.Close() })

	tests := []struct {
		name, url string
		connect   time.Duration
		want      func(error) bool
	}{
		// Port 1 is never handed out, and nobody listens there.
		{"refused port", "http://127.0.0.1:1", 0, func(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }},
		{"unknown name", "http://nowhere.invalid", 0, func(err error) bool { var e *net.DNSError; return errors.As(err, &e) }},
		{"TLS to a plain port", strings.Replace(plain.URL, "http:", "https:", 1), 0, nil},
		{"unknown authority", untrusted.URL, time.Minute, func(err error) bool { var e x509.UnknownAuthorityError; return errors.As(err, &e) }},
		{"TLS that never answers", "https://" + mute.Addr().String(), 300 * time.Millisecond, func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCaller(t, vendorapi.HTTPConfig{ConnectTimeout: test.connect, Timeout: 2 * time.Minute})
			a := post(context.WithoutCancel(t.Context()), c, test.url)
			if a.Outcome != vendorapi.NotSent || a.Status != 0 || a.Err == nil {
				t.Fatalf("answer %+v: want not sent", a)
			}
			if test.want != nil && !test.want(a.Err) {
				t.Fatalf("error %v does not unwrap to its cause", a.Err)
			}
		})
	}
}

func TestPostCancelledOrWaitingIsNotSent(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	release := make(chan struct{})
	entered := make(chan struct{}, 2)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		requests.Add(1)
		entered <- struct{}{}
		<-release
	}))
	defer server.Close()
	c := newCaller(t, vendorapi.HTTPConfig{MaxConns: 1})

	over, cancel := context.WithCancel(t.Context())
	cancel()
	if a := post(over, c, server.URL); a.Outcome != vendorapi.NotSent || !errors.Is(a.Err, context.Canceled) {
		t.Fatalf("cancelled before the call: %+v", a)
	}
	done := make(chan Answer)
	go func() { done <- post(context.Background(), c, server.URL) }()
	<-entered
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if a := post(short, c, server.URL); a.Outcome != vendorapi.NotSent || !errors.Is(a.Err, context.DeadlineExceeded) {
		t.Fatalf("no free connection: %+v", a)
	}
	close(release)
	if a := <-done; a.Status != 200 {
		t.Fatalf("the call that had the connection: %+v", a)
	}
	if n := requests.Load(); n != 1 {
		t.Fatalf("server saw %d requests, want 1", n)
	}
}

func TestPostUnknown(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\n"
	tests := []struct {
		name   string
		handle func(*net.TCPConn, *bufio.Reader)
		status int
		want   error
	}{
		{"closed without a word", says("", nil), 0, io.ErrUnexpectedEOF},
		{"reset without a word", says("", reset), 0, syscall.ECONNRESET},
		{"hangs", says("", linger), 0, context.DeadlineExceeded},
		{"half a status line", says("HTTP/1.1 2", nil), 0, nil},
		{"not HTTP", says(testSecret+" is what you sent\r\n\r\n", nil), 0, nil},
		{"endless header", says(head+"X: "+strings.Repeat("x", 2*maxReplyHeaderBytes), linger), 0, nil},
		{"cut body", says(head+"Content-Length: 60\r\n\r\n{\"status\":", nil), 200, io.ErrUnexpectedEOF},
		{"reset in the body", says(head+"Content-Length: 60\r\n\r\n{", reset), 200, nil},
		{"cut chunks", says(head+"Transfer-Encoding: chunked\r\n\r\n5\r\n{\"st", nil), 200, io.ErrUnexpectedEOF},
		{"body that stops half way", says(head+"Content-Length: 60\r\n\r\n{", linger), 200, context.DeadlineExceeded},
		{"one byte above the limit", says(head+"Content-Length: 65\r\n\r\n"+strings.Repeat("x", 65), nil), 200, errReplyTooLarge},
		{"above the limit, no length", says(head+"\r\n"+strings.Repeat("x", 65), nil), 200, errReplyTooLarge},
		{"claims to be huge", says(head+"Content-Length: 109951162777600\r\n\r\n{}", linger), 200, errReplyTooLarge},
		{"gzip unasked", says(head+"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", nil), 200, errReplyEncoded},
		{"switching protocols", says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n{}", linger), 101, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg := vendorapi.HTTPConfig{MaxReplyBytes: 64}
			if errors.Is(test.want, context.DeadlineExceeded) {
				cfg.ConnectTimeout, cfg.Timeout = time.Second, time.Second
			}
			c := newCaller(t, cfg)
			a := post(context.WithoutCancel(t.Context()), c, rawServer(t, test.handle))
			if a.Outcome != vendorapi.Unknown || a.Status != test.status || a.Err == nil || a.Body != nil {
				t.Fatalf("answer %+v: want unknown, status %d, an error and no body", a, test.status)
			}
			if test.want != nil && !errors.Is(a.Err, test.want) {
				t.Fatalf("error %v: want %v in its chain", a.Err, test.want)
			}
			if strings.Contains(a.Err.Error(), testSecret) {
				t.Fatalf("error %q holds the secret", a.Err)
			}
		})
	}
}

func TestPostBodyAtTheLimit(t *testing.T) {
	t.Parallel()
	c := newCaller(t, vendorapi.HTTPConfig{MaxReplyBytes: 64})
	for _, head := range []string{"Content-Length: 64\r\n\r\n", "\r\n"} {
		a := post(t.Context(), c, rawServer(t, says("HTTP/1.1 200 OK\r\n"+head+strings.Repeat("x", 64), nil)))
		if a.Err != nil || len(a.Body) != 64 {
			t.Fatalf("header %q: answer %+v", head, a)
		}
	}
}

func TestPostEndlessAndHugeBodies(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := 100 << 20
		if r.URL.Path == "/endless" {
			limit = 1 << 50
		}
		chunk := make([]byte, 64<<10)
		for sent := 0; sent < limit; sent += len(chunk) {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	c := newCaller(t, vendorapi.HTTPConfig{})
	for _, path := range []string{"/100mb", "/endless"} {
		a := post(t.Context(), c, server.URL+path)
		if a.Status != 200 || a.Outcome != vendorapi.Unknown || !errors.Is(a.Err, errReplyTooLarge) {
			t.Fatalf("%s: %+v", path, a)
		}
	}
}

func TestPostFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	a := post(t.Context(), newCaller(t, vendorapi.HTTPConfig{}), server.URL)
	if a.Status != 307 || requests.Load() != 1 {
		t.Fatalf("status %d after %d requests: want 307 after one", a.Status, requests.Load())
	}
}

func TestPostSpeaksHTTP1AndKeepsTheConnection(t *testing.T) {
	t.Parallel()
	var conns atomic.Int64
	var proto atomic.Value
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proto.Store(r.Proto)
		w.WriteHeader([]int{200, 404, 500}[r.ContentLength%3])
		_, _ = io.WriteString(w, strings.Repeat("x", 3000))
	})
	for _, secure := range []bool{false, true} {
		conns.Store(0)
		server := httptest.NewUnstartedServer(handler)
		server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				conns.Add(1)
			}
		}
		var cfg vendorapi.HTTPConfig
		if secure {
			server.EnableHTTP2 = true
			server.StartTLS()
			cfg.RootCAs = x509.NewCertPool()
			cfg.RootCAs.AddCert(server.Certificate())
		} else {
			server.Start()
		}
		c := newCaller(t, cfg)
		for range 20 {
			if a := post(t.Context(), c, server.URL); a.Err != nil {
				t.Fatalf("tls %v: %v", secure, a.Err)
			}
		}
		if n := conns.Load(); n != 1 || proto.Load() != "HTTP/1.1" {
			t.Fatalf("tls %v: %d connections, %v: want 1, HTTP/1.1", secure, n, proto.Load())
		}
		c.Close()
		server.Close()
	}
}

// A kept-alive connection that dies under the second request is the case in
// which many HTTP clients repeat a request by themselves.
func TestPostNeverSendsTwice(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	address := rawServer(t, func(conn *net.TCPConn, r *bufio.Reader) {
		requests.Add(1)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		if readRequest(r) == nil {
			requests.Add(1)
		}
	})
	c := newCaller(t, vendorapi.HTTPConfig{MaxConns: 1})
	if a := post(t.Context(), c, address); a.Status != 200 {
		t.Fatalf("first call: %+v", a)
	}
	a := post(t.Context(), c, address)
	if a.Outcome != vendorapi.Unknown || a.Status != 0 {
		t.Fatalf("second call: %+v, want unknown", a)
	}
	if n := requests.Load(); n != 2 {
		t.Fatalf("server saw %d requests, want 2", n)
	}
}

func TestHTTPConfigValidate(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]vendorapi.HTTPConfig{
		"connect above all":  {ConnectTimeout: 11 * time.Second},
		"negative timeout":   {Timeout: -1},
		"negative conns":     {MaxConns: -1},
		"negative body":      {MaxReplyBytes: -1},
		"negative idle time": {IdleTimeout: -1},
	} {
		if _, err := NewCaller(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, cfg := range []vendorapi.HTTPConfig{{}, {ConnectTimeout: 10 * time.Second}, {MaxConns: 1, MaxReplyBytes: 1}} {
		if _, err := NewCaller(cfg); err != nil {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
	_, err := NewCaller(vendorapi.HTTPConfig{MaxConns: -1, MaxReplyBytes: -1})
	if err == nil || !strings.Contains(err.Error(), "conns") || !strings.Contains(err.Error(), "reply bytes") {
		t.Errorf("error %v: want both faults named", err)
	}
}

func TestParseURL(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"http://openapi.zvcms.com/api/v2", "https://crm.example:8443", "http://127.0.0.1:1/"} {
		if _, err := vendorapi.ParseURL(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "openapi.zvcms.com", "ftp://host", "http://", "http://:80", "http://user:" + testSecret + "@host",
		"http://host/?key=" + testSecret, "http://host/#f", "http://host/?", "http://ho st/" + testSecret, "http://host/%zz" + testSecret,
		"https://积分.example/" + testSecret,
	} {
		_, err := vendorapi.ParseURL(bad)
		if err == nil {
			t.Errorf("%q: accepted", bad)
		} else if strings.Contains(err.Error(), testSecret) {
			t.Errorf("%q: error %v holds the secret", bad, err)
		}
		if shown := vendorapi.PreviewURL(bad); strings.Contains(shown, testSecret) {
			t.Errorf("PreviewURL(%q) = %q", bad, shown)
		}
	}
}

func BenchmarkPost(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"status":true,"code":0}`)
	}))
	defer server.Close()
	c := newCaller(b, vendorapi.HTTPConfig{})
	u, err := url.Parse(server.URL)
	if err != nil {
		b.Fatal(err)
	}
	call := Call{URL: u, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(fmt.Sprintf("%0500d", 0))}
	b.ReportAllocs()
	for b.Loop() {
		if a := c.Post(context.Background(), call); a.Err != nil {
			b.Fatal(a.Err)
		}
	}
}
