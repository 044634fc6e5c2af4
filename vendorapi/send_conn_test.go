package vendorapi

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"testing"
	"time"
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
			cfg := HTTPConfig{MaxConns: 8, ConnectTimeout: time.Minute, Timeout: 2 * time.Minute}
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
	switch i % 3 {
	case 0:
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { cancel() }})
	case 1:
		timer := time.AfterFunc(time.Duration(rand.IntN(400))*time.Microsecond, cancel)
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
		case a.Outcome == NotSent && n == 0:
			notSent++
		case a.Outcome == Unknown && a.Status == 0:
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

// The kept-alive connection died just before the second call wrote to it: the
// write fails with no byte gone, whatever the first call wrote.
func TestPostOnDeadConnectionIsNotSent(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	defer server.Close()
	c := newCaller(t, HTTPConfig{MaxConns: 1})
	if a := post(t.Context(), c, server.URL); a.Status != 200 {
		t.Fatalf("first call: %+v", a)
	}
	var reused bool
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			reused = info.Reused
			_ = info.Conn.Close()
		},
	})
	a := post(ctx, c, server.URL)
	if a.Outcome != NotSent || a.Err == nil || !reused {
		t.Fatalf("second call, connection reused %v: %+v, want not sent", reused, a)
	}
	if a := post(t.Context(), c, server.URL); a.Status != 200 || requests.Load() != 2 {
		t.Fatalf("third call: %+v after %d requests", a, requests.Load())
	}
}

func TestSendConnCounts(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, far) }()
	c := &sendConn{Conn: near, exact: true}
	start := c.count()
	if n, err := c.Write([]byte("hello")); n != 5 || err != nil || c.count()-start != 5 {
		t.Fatalf("write %d, %v, counted %d", n, err, c.count()-start)
	}
	if !c.seal(start) || c.seal(c.count()) {
		t.Fatal("seal: want written since start, and nothing since then")
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, errSealed) || c.count() != 5 {
		t.Fatalf("write after seal: %v, counted %d", err, c.count())
	}

	for _, exact := range []bool{true, false} {
		near, _ := net.Pipe()
		_ = near.Close()
		dead := &sendConn{Conn: near, exact: exact}
		if _, err := dead.Write([]byte("hello")); err == nil {
			t.Fatal("write on a closed connection: want an error")
		}
		if wrote := dead.seal(0); wrote == exact {
			t.Errorf("exact %v: wrote %v", exact, wrote)
		}
	}
}

// A write that is blocked when the call is given up may have sent a part.
func TestSendConnCountsBlockedWrite(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	c := &sendConn{Conn: near, exact: true}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = c.Write([]byte("hello"))
	}()
	if _, err := io.ReadFull(far, make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	if !c.seal(0) {
		t.Error("a blocked write was not counted")
	}
	_ = near.Close()
	<-done
	if !c.seal(0) {
		t.Error("two bytes went out, but the count was taken back")
	}
}

// The transport must not repeat a request on its own: no GetBody, no HTTP/2, no
// http.Client with its redirects. TestPostNeverSendsTwice shows the effect; this
// holds the settings.
func TestTransportSettings(t *testing.T) {
	t.Parallel()
	c := newCaller(t, HTTPConfig{MaxConns: 7})
	if c.transport.Proxy != nil || !c.transport.DisableCompression || c.transport.Protocols.HTTP2() ||
		c.transport.MaxIdleConnsPerHost != 7 || c.transport.MaxConnsPerHost != 7 {
		t.Fatalf("transport %+v", c.transport)
	}
}
