package wire

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"pointsledger/vendorapi"
)

// maxReplyHeaderBytes caps the header of a reply: the vendors' are below 1 KiB.
const maxReplyHeaderBytes = 64 << 10

var (
	errReplyTooLarge = errors.New("reply is larger than the limit")
	errReplyEncoded  = errors.New("reply has a Content-Encoding that was not asked for")
)

// Caller sends requests to one vendor. It is safe for concurrent use.
//
// It has its own connections (docs/decisions/0019-http-connections.md): a call
// writes its request in one write, in its own goroutine, and reads the reply
// there. So it knows whether a byte went out, sends nothing twice,
// follows no redirect, and speaks HTTP/1.1 alone.
//
// Proxies from the environment (HTTP_PROXY) are not used: with a proxy in
// between, "connection refused" and "502" are the proxy's words and no longer
// say what the vendor has seen, and a variable meant for other programs would
// carry the credentials elsewhere.
type Caller struct {
	cfg vendorapi.HTTPConfig
	// places holds one element for each call that has a connection or makes one.
	places chan struct{}
	idle   connections
}

// NewCaller makes a Caller, or says everything that is wrong with cfg.
func NewCaller(cfg vendorapi.HTTPConfig) (*Caller, error) {
	cfg = withDefaults(cfg)
	if err := validate(cfg); err != nil {
		return nil, err
	}
	return &Caller{cfg: cfg, places: make(chan struct{}, cfg.MaxConns), idle: connections{keep: cfg.IdleTimeout}}, nil
}

// Close closes the idle connections, and each other one after its call. Calls
// in flight are not disturbed.
func (c *Caller) Close() { c.idle.close() }

// Call is one request.
type Call struct {
	// Method is one of HTTP's; empty is POST. A method whose answer has no body
	// (HEAD, CONNECT) cannot be used.
	Method string
	URL    *url.URL
	// Header must not change while the call runs; it may be shared by calls.
	Header http.Header
	// Body must not change while the call runs.
	Body []byte
	// Secrets must not appear in the answer's error.
	Secrets Secrets
	// OwnSecrets are further ones, of this call alone (its signature). They are
	// apart because joining the two costs more than most calls need.
	OwnSecrets []string
}

// Words is [Secrets.Words] with all secrets of the call.
func (c *Call) Words(text string) string {
	if len(text) <= MaxWords && !holdsAny(text, c.Secrets) && !holdsAny(text, c.OwnSecrets) {
		return Secrets(nil).Words(text) // the common reply
	}
	return c.allSecrets().Words(text)
}

// BodyWords is [Secrets.BodyWords] with all secrets of the call.
func (c *Call) BodyWords(body []byte) string { return c.allSecrets().BodyWords(body) }

func (c *Call) allSecrets() Secrets { return c.Secrets.With(c.OwnSecrets...) }

// Answer is what came back, before a client says what it means.
type Answer struct {
	// Status is 0 when no reply came; then Outcome and Err say why.
	Status int
	// Outcome is NotSent or Unknown. With a status it is Unknown: the client
	// decides.
	Outcome vendorapi.Outcome
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
func (a Answer) Reply() vendorapi.Reply {
	return vendorapi.Reply{Outcome: a.Outcome, HTTPStatus: a.Status, Err: a.Err, Duration: a.Elapsed}
}

// Post is Do of a call whose method is POST.
func (c *Caller) Post(ctx context.Context, call Call) Answer {
	call.Method = http.MethodPost
	return c.Do(ctx, call)
}

// Do sends the call once and reads the answer. It returns when the answer is
// complete, when ctx ends or when the timeout is over, whichever is first.
// Nothing is sent after that moment, not even by a process that was stopped in
// between. The time that it waits for its turn ([vendorapi.WithTurns]) is no part
// of the timeout.
func (c *Caller) Do(ctx context.Context, call Call) Answer {
	if err := vendorapi.Turn(ctx); err != nil {
		return Answer{Outcome: vendorapi.NotSent, Err: call.allSecrets().clean("wait for a turn", err)}
	}
	start := time.Now()
	deadline := start.Add(c.cfg.Timeout)
	if sooner, ok := ctx.Deadline(); ok && sooner.Before(deadline) {
		deadline = sooner
	}
	a := c.do(ctx, call, deadline)
	a.Elapsed = time.Since(start)
	return a
}

func (c *Caller) do(ctx context.Context, call Call, deadline time.Time) Answer {
	fails := func(outcome vendorapi.Outcome, err error) Answer {
		return Answer{Outcome: outcome, Err: call.allSecrets().clean("call vendor", plainError(ctx, err))}
	}
	if err := c.enter(ctx, deadline); err != nil {
		return fails(vendorapi.NotSent, err)
	}
	defer c.leave()
	n, err := c.connect(ctx, call.URL, deadline)
	if err != nil {
		return fails(vendorapi.NotSent, err)
	}
	release := context.AfterFunc(ctx, func() { _ = n.stream.SetDeadline(longAgo) })
	r, sent, err := n.exchange(call, deadline)
	if err != nil {
		release()
		n.close()
		if !sent {
			return fails(vendorapi.NotSent, err)
		}
		return fails(vendorapi.Unknown, err)
	}
	a := Answer{Status: r.status, Outcome: vendorapi.Unknown}
	if r.retryAfter != "" {
		a.RetryAfter = ParseRetryAfter(r.retryAfter, time.Now())
	}
	a.Body, err = r.readBody(c.cfg.MaxReplyBytes)
	if err != nil {
		a.Err = call.allSecrets().clean("read reply", plainError(ctx, err))
	}
	// Once the context's end has reached for the connection, it is no good.
	if untouched := release(); untouched && err == nil && !r.last {
		c.idle.put(n)
	} else {
		n.close()
	}
	return a
}
