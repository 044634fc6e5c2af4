package vendorapi

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"
)

// maxReplyHeaderBytes caps the header of a reply: the vendors' are below 1 KiB.
const maxReplyHeaderBytes = 64 << 10

// ErrUnsendable is in the Err of a NotSent reply when the request itself is at
// fault (no dedup key, a text that is too long): sending it again cannot help.
var ErrUnsendable = errors.New("request cannot be sent")

var (
	errReplyTooLarge = errors.New("reply is larger than the limit")
	errReplyEncoded  = errors.New("reply has a Content-Encoding that was not asked for")
)

// Caller sends POST requests to one vendor. It is safe for concurrent use.
//
// It never sends a request twice: it uses the transport without http.Client,
// so no redirect is followed; HTTP/2, whose transport repeats requests by
// itself, is off; and requests have no GetBody, without which net/http does
// not repeat a POST even when the kept-alive connection was dead.
//
// Proxies from the environment (HTTP_PROXY) are not used: with a proxy in
// between, "connection refused" and "502" are the proxy's words and no longer
// say what the vendor has seen, and a variable meant for other programs would
// carry the credentials elsewhere.
type Caller struct {
	cfg       HTTPConfig
	transport *http.Transport
}

// NewCaller makes a Caller, or says everything that is wrong with cfg.
func NewCaller(cfg HTTPConfig) (*Caller, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	c := &Caller{cfg: cfg}
	onlyHTTP1 := new(http.Protocols)
	onlyHTTP1.SetHTTP1(true)
	c.transport = &http.Transport{
		Proxy:                  nil,
		DialContext:            c.dialPlain,
		DialTLSContext:         c.dialTLS,
		DisableCompression:     true,
		MaxIdleConns:           cfg.MaxConns,
		MaxIdleConnsPerHost:    cfg.MaxConns,
		MaxConnsPerHost:        cfg.MaxConns,
		IdleConnTimeout:        cfg.IdleTimeout,
		MaxResponseHeaderBytes: maxReplyHeaderBytes,
		Protocols:              onlyHTTP1,
	}
	return c, nil
}

// Close closes the idle connections. Calls in flight are not disturbed.
func (c *Caller) Close() { c.transport.CloseIdleConnections() }

func (c *Caller) dialPlain(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.ConnectTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &sendConn{Conn: conn, exact: true}, nil
}

func (c *Caller) dialTLS(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.ConnectTimeout)
	defer cancel()
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	secure := tls.Client(conn, &tls.Config{ServerName: host, RootCAs: c.cfg.RootCAs, MinVersion: tls.VersionTLS12})
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // it may be closed already, and err says more
		return nil, fmt.Errorf("shake hands with tls: %w", err)
	}
	return &sendConn{Conn: secure}, nil
}

// Call is one POST request.
type Call struct {
	URL *url.URL
	// Header must not change while the call runs; it may be shared by calls.
	Header http.Header
	// Body must not change, not even after Post returned: the transport may
	// still be reading it.
	Body []byte
	// Secrets must not appear in the answer's error.
	Secrets Secrets
}

// Answer is what came back, before a client says what it means.
type Answer struct {
	// Status is 0 when no reply came; then Outcome and Err say why.
	Status int
	// Outcome is NotSent or Unknown. With a status it is Unknown: the client
	// decides.
	Outcome Outcome
	// Body is the whole body, nil when it could not be read.
	Body []byte
	// RetryAfter is the header of that name, 0 when absent or unreadable.
	RetryAfter time.Duration
	// Err is set when no reply came, or when its body could not be read (too
	// large, cut off, encoded, too late). It is free of the call's secrets.
	Err error
	// Elapsed is the time from the call to its end.
	Elapsed time.Duration
}

// Reply starts the client's Reply with the facts of the answer.
func (a Answer) Reply() Reply {
	return Reply{Outcome: a.Outcome, HTTPStatus: a.Status, Err: a.Err, Duration: a.Elapsed}
}

// Post sends the call once and reads the answer. It returns when the answer is
// complete, when ctx ends or when the timeout is over, whichever is first.
func (c *Caller) Post(ctx context.Context, call Call) Answer {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()

	var watch sendWatch
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: watch.gotConn})
	request := (&http.Request{
		Method:        http.MethodPost,
		URL:           call.URL,
		Header:        call.Header,
		Body:          io.NopCloser(bytes.NewReader(call.Body)),
		ContentLength: int64(len(call.Body)),
	}).WithContext(ctx)

	response, err := c.transport.RoundTrip(request)
	if err != nil {
		a := Answer{Outcome: NotSent}
		if watch.mayHaveSent() {
			a.Outcome = Unknown
		}
		a.Err = call.Secrets.clean("call vendor", err)
		a.Elapsed = time.Since(start)
		return a
	}
	a := Answer{Status: response.StatusCode, Outcome: Unknown}
	if text := response.Header.Get("Retry-After"); text != "" {
		a.RetryAfter = ParseRetryAfter(text, time.Now())
	}
	a.Body, err = c.readBody(response)
	if err != nil {
		a.Err = call.Secrets.clean("read reply", err)
	}
	a.Elapsed = time.Since(start)
	return a
}

// readBody reads the body to its end, so that the connection can be used
// again, or gives up and closes the connection.
func (c *Caller) readBody(response *http.Response) (body []byte, err error) {
	defer func() {
		// After a whole body an error of Close changes nothing.
		_ = response.Body.Close()
	}()
	if response.StatusCode == http.StatusSwitchingProtocols {
		// The "body" is the bare connection, and reading it heeds no deadline.
		return nil, errors.New("vendor switched protocols")
	}
	if encoding := response.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, errReplyEncoded
	}
	limit := c.cfg.MaxReplyBytes
	if response.ContentLength > limit {
		return nil, errReplyTooLarge
	}
	body, err = io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > limit {
		return nil, errReplyTooLarge
	}
	return body, nil
}
