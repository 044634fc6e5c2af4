package wire

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pointsledger/vendorapi"
)

// TestNotSentIsTrue gives calls up at random moments, and from inside the
// moment in which they get their connection. No call that says "not sent" may
// ever have reached the server, not even later.
func TestNotSentIsTrue(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls=%v", secure), func(t *testing.T) {
			var mu sync.Mutex
			received := make(map[string]int)
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				received[r.URL.Path]++
			}))
			cfg := vendorapi.HTTPConfig{MaxConns: 8, ConnectTimeout: time.Minute, Timeout: 2 * time.Minute}
			if secure {
				server.StartTLS()
				cfg.RootCAs = x509.NewCertPool()
				cfg.RootCAs.AddCert(server.Certificate())
			} else {
				server.Start()
			}
			c := newCaller(t, cfg)
			answers := make([]Answer, 1200)
			var group sync.WaitGroup
			for worker := range 8 {
				group.Go(func() {
					for i := worker; i < len(answers); i += 8 {
						answers[i] = giveUpSomewhere(c, server.URL, i)
					}
				})
			}
			group.Wait()
			c.Close()
			server.Close() // waits for every request in flight
			checkBooks(t, answers, received)
		})
	}
}

func giveUpSomewhere(c *Caller, base string, i int) Answer {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	soon := time.Duration(rand.IntN(400)) * time.Microsecond
	switch i % 3 {
	case 0:
		ctx, cancel = context.WithTimeout(ctx, soon)
		defer cancel()
	case 1:
		timer := time.AfterFunc(soon, cancel)
		defer timer.Stop()
	}
	return post(ctx, c, fmt.Sprintf("%s/%d", base, i))
}

func checkBooks(t *testing.T, answers []Answer, received map[string]int) {
	t.Helper()
	var answered, unknown, notSent int
	for i, a := range answers {
		n := received[fmt.Sprintf("/%d", i)]
		switch {
		case n > 1:
			t.Errorf("call %d: received %d times", i, n)
		case a.Status == 200 && n == 1:
			answered++
		case a.Outcome == vendorapi.NotSent && n == 0:
			notSent++
		case a.Outcome == vendorapi.Unknown && a.Status == 0:
			unknown++
		default:
			t.Errorf("call %d: %+v, but received %d times", i, a, n)
		}
	}
	t.Logf("answered %d, unknown %d, not sent %d", answered, unknown, notSent)
	if answered < len(answers)/4 || unknown+notSent == 0 {
		t.Errorf("answered %d, unknown %d, not sent %d: the test lost its force", answered, unknown, notSent)
	}
}

// oneConnection makes a call, and returns the connection that it left idle.
func oneConnection(t *testing.T, c *Caller, address string) *connection {
	t.Helper()
	if a := post(t.Context(), c, address); a.Status != 200 {
		t.Fatalf("first call: %+v", a)
	}
	n := c.idle.pop()
	if n == nil {
		t.Fatal("the connection was not kept")
	}
	return n
}

func callTo(t *testing.T, address string) Call {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return Call{URL: u, Body: []byte(`{"hello":"world"}`)}
}

// The connection died just before the second call wrote to it: the write fails
// with no byte gone, whatever the first call wrote.
func TestExchangeOnDeadConnectionSendsNothing(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		c, address, requests := countingServer(t, secure)
		n := oneConnection(t, c, address)
		_ = n.wire.Close()
		if _, sent, err := n.exchange(callTo(t, address), time.Now().Add(time.Minute)); sent || err == nil {
			t.Errorf("tls %v: sent %v, %v: want an error and nothing sent", secure, sent, err)
		}
		if requests.Load() != 1 {
			t.Errorf("tls %v: server saw %d requests, want the first alone", secure, requests.Load())
		}
	}
}

func countingServer(t *testing.T, secure bool) (c *Caller, address string, requests *atomic.Int64) {
	t.Helper()
	requests = new(atomic.Int64)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	t.Cleanup(server.Close)
	cfg := vendorapi.HTTPConfig{MaxConns: 1}
	if secure {
		server.StartTLS()
		cfg.RootCAs = x509.NewCertPool()
		cfg.RootCAs.AddCert(server.Certificate())
	} else {
		server.Start()
	}
	return newCaller(t, cfg), server.URL, requests
}

// A worker that was stopped between its look at the lease and the first byte
// finds the deadline behind it, by either clock, and sends nothing.
func TestExchangeSendsNothingAfterTheDeadline(t *testing.T) {
	t.Parallel()
	c, address, requests := countingServer(t, false)
	n := oneConnection(t, c, address)
	defer n.close()
	past := time.Now().Add(-time.Millisecond)
	for name, deadline := range map[string]time.Time{"monotonic": past, "wall": past.Round(0)} {
		if _, sent, err := n.exchange(callTo(t, address), deadline); sent || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s clock: sent %v, %v", name, sent, err)
		}
	}
	if r, sent, err := n.exchange(callTo(t, address), time.Now().Add(time.Minute)); !sent || err != nil || r.status != 200 {
		t.Errorf("before the deadline: sent %v, %v", sent, err)
	}
	if requests.Load() != 2 {
		t.Errorf("server saw %d requests, want the first and the last", requests.Load())
	}
}

// A write that fails half way has sent a part.
func TestExchangeCountsAPartialWrite(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	w := &wire{Conn: near}
	n := &connection{wire: w, stream: w}
	n.reader = bufio.NewReader(n)
	go func() {
		_, _ = io.ReadFull(far, make([]byte, 2))
		_ = far.Close()
	}()
	if _, sent, err := n.exchange(callTo(t, "http://x/"), time.Now().Add(time.Minute)); !sent || err == nil || w.written != 2 {
		t.Errorf("sent %v after %d bytes, %v", sent, w.written, err)
	}
}

// A vendor that closes connections while they are idle, or talks on them, puts
// no call in doubt.
func TestPostLeavesConnectionsThatTheVendorClosed(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]func(*net.TCPConn){
		"closed": nil,
		"talked": func(conn *net.TCPConn) { _, _ = io.WriteString(conn, "HTTP/1.1 408 Timeout\r\n\r\n"); linger(conn) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var conns atomic.Int64
			address := rawServer(t, func(conn *net.TCPConn, _ *bufio.Reader) {
				conns.Add(1)
				says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", after)(conn, nil)
			})
			c := newCaller(t, vendorapi.HTTPConfig{MaxConns: 1})
			for i := range 3 {
				if a := post(t.Context(), c, address); a.Status != 200 {
					t.Fatalf("call %d: %+v", i, a)
				}
				if n := c.idle.pop(); n != nil {
					waitUntil(t, func() bool { return !n.usable(time.Now().Add(time.Minute)) })
					c.idle.put(n)
				}
			}
			if conns.Load() != 3 {
				t.Errorf("%d connections for 3 calls, want one each", conns.Load())
			}
		})
	}
}

func waitUntil(t *testing.T, done func() bool) {
	t.Helper()
	for ended := time.Now().Add(20 * time.Second); !done(); {
		if time.Now().After(ended) {
			t.Fatal("waited in vain")
		}
		<-time.After(time.Millisecond)
	}
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	c, address, _ := countingServer(t, false)
	c.idle.keep = 10 * time.Millisecond
	n := oneConnection(t, c, address)
	c.idle.put(n)
	waitUntil(t, func() bool {
		c.idle.mu.Lock()
		defer c.idle.mu.Unlock()
		return len(c.idle.idle) == 0
	})
	if _, err := n.stream.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write on a connection that was idle too long: %v, want closed", err)
	}
	c.Close()
	if a := post(t.Context(), c, address); a.Status != 200 || c.idle.pop() != nil {
		t.Errorf("call after Close: %+v; want an answer, and no connection kept", a)
	}
}

// What a header cannot hold would end the header and begin another.
func TestPostRefusesBadHeaders(t *testing.T) {
	t.Parallel()
	c, address, requests := countingServer(t, false)
	for _, header := range []http.Header{{"X-Key": {"a\r\nX-Other: b"}}, {"X-Key": {"a\x00"}}, {"X-Key": {"a\tb"}}, {"X-Key": {" a"}}, {"X-Key": {""}}, {"X Key": {"a"}}, {"": {"a"}}, {"X-Key:": {"a"}}} {
		call := callTo(t, address)
		call.Header = header
		if a := c.Post(t.Context(), call); a.Outcome != vendorapi.NotSent || !errors.Is(a.Err, vendorapi.ErrUnsendable) {
			t.Errorf("header %q: %+v, want not sent", header, a)
		}
	}
	call := callTo(t, address)
	call.Header = http.Header{"X-Key": {"a b é"}, "Content-Length": {"5"}, "Host": {"elsewhere"}}
	if a := c.Post(t.Context(), call); a.Status != 200 || requests.Load() != 1 {
		t.Errorf("good header: %+v after %d requests", a, requests.Load())
	}
}

func TestPostSkipsInterimReplies(t *testing.T) {
	t.Parallel()
	c := newCaller(t, vendorapi.HTTPConfig{})
	const interim = "HTTP/1.1 102 Processing\r\n\r\n"
	a := post(t.Context(), c, rawServer(t, says(interim+interim+"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", nil)))
	if a.Status != 200 || string(a.Body) != "{}" {
		t.Errorf("after two interim replies: %+v", a)
	}
	a = post(t.Context(), c, rawServer(t, says(strings.Repeat(interim, 100), linger)))
	if a.Outcome != vendorapi.Unknown || a.Status != 0 || a.Err == nil {
		t.Errorf("interim replies alone: %+v", a)
	}
}

// A connection that is given up is reset: what the kernel had not delivered by
// then is never delivered.
func TestGivenUpConnectionIsReset(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	address := rawServer(t, func(conn *net.TCPConn, _ *bufio.Reader) {
		_, err := io.Copy(io.Discard, conn)
		ended <- err
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if a := post(ctx, newCaller(t, vendorapi.HTTPConfig{}), address); a.Outcome != vendorapi.Unknown {
		t.Fatalf("answer %+v, want unknown", a)
	}
	if err := <-ended; !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the vendor saw the connection end with %v, want a reset", err)
	}
}
