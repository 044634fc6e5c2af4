package custom

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"pointsledger/vendorapi"
)

// tokenCall is how a token is fetched.
type tokenCall struct {
	*call
	// at is where the token stands, expiresIn for how many seconds it is good, expiresAt
	// until when; without either it is kept until the vendor refuses it.
	at, expiresIn, expiresAt pointer
}

// readToken reads the request that fetches a token.
func (r *reader) readToken(t vendorapi.Tree) *tokenCall {
	known := slices.Concat(requestFields(), replyFields(), []string{"at", "expires_in", "expires_at", "sign"})
	if !r.names(t, "a mapping with request and at", known...) {
		return nil
	}
	made := &tokenCall{call: r.readRequest("token", t, r.common()), at: r.needed(t.Get("at")),
		expiresIn: r.pointer(t.Get("expires_in")), expiresAt: r.pointer(t.Get("expires_at"))}
	if made.expiresIn.given() && made.expiresAt.given() {
		r.problem(t, "want expires_in (seconds) or expires_at (a moment), not both")
	}
	made.outcomes = r.readOutcomesOrDefault(t.Get("outcomes"), readMeanings())
	return made
}

// early is how long before its end a token is fetched anew, at most a tenth of its
// life: a call that is on its way must not meet the end.
const early = time.Minute

// held is a token in memory.
type held struct {
	text string
	// until is zero for one whose end is not known.
	until time.Time
}

// fetching is a fetch that others wait for.
type fetching struct {
	done  chan struct{}
	token held
	reply vendorapi.Reply
}

// tokens keeps the account's token in memory, and nowhere else. One fetch serves all
// calls that wait for it. It is safe for concurrent use.
type tokens struct {
	mu      sync.Mutex
	held    held
	running *fetching
}

// drop forgets a token that the vendor refused, unless another is there by now.
func (t *tokens) drop(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held.text == text {
		t.held = held{}
	}
}

// get is the token, fetched when there is none that is good. ok is false when there
// is none to be had; then the reply says why, and nothing of the caller's own call
// was sent.
func (t *tokens) get(ctx context.Context, now func() time.Time, fetch func(context.Context) (held, vendorapi.Reply)) (text string, reply vendorapi.Reply, ok bool) {
	t.mu.Lock()
	if t.held.text != "" && (t.held.until.IsZero() || now().Before(t.held.until)) {
		defer t.mu.Unlock()
		return t.held.text, vendorapi.Reply{}, true
	}
	f, mine := t.running, false
	if f == nil {
		f, mine = &fetching{done: make(chan struct{})}, true
		t.running = f
	}
	t.mu.Unlock()
	if mine {
		f.token, f.reply = fetch(ctx)
		t.mu.Lock()
		t.held, t.running = f.token, nil
		t.mu.Unlock()
		close(f.done)
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return "", vendorapi.Reply{Outcome: vendorapi.NotSent, Err: fmt.Errorf("wait for a token: %w", ctx.Err())}, false
	}
	return f.token.text, f.reply, f.token.text != ""
}

// Authorise implements vendorapi.Authorised: it fetches a token.
func (c *client) Authorise(ctx context.Context) (vendorapi.Reply, bool) {
	if c.settings.token == nil {
		return vendorapi.Reply{}, false
	}
	_, reply := c.fetchToken(ctx)
	return reply, true
}

// fetchToken asks the vendor for a token. Whatever comes of it, the call that needs
// the token has not been sent: what is not clear is NotSent.
func (c *client) fetchToken(ctx context.Context) (held, vendorapi.Reply) {
	call := c.settings.token
	v := c.values()
	// The turns of the call that needs it are not spent on it.
	ctx = vendorapi.WithTurns(ctx, func(context.Context) error { return nil })
	a, sent, reply := c.exchange(ctx, call.call, v)
	switch reply.Outcome {
	case vendorapi.Applied:
	case vendorapi.Unauthorised, vendorapi.Throttled:
		return held{}, reply
	case vendorapi.Refused:
		reply.Outcome = vendorapi.Unauthorised
		return held{}, reply
	default:
		reply.Outcome = vendorapi.NotSent
		return held{}, reply
	}
	text, told := call.at.text(a.document)
	if !told || a.unread != nil || !isToken(text) {
		// An answer that the vendor gave and that has no token refuses us; a page of a
		// proxy does not.
		reply.Outcome = vendorapi.Unauthorised
		if a.unread != nil {
			reply.Outcome = vendorapi.NotSent
		}
		reply.Message = sent.BodyWords(a.Body)
		reply.Err = fmt.Errorf("%s: the answer has no token at %s", call.title(), call.at.source)
		return held{}, reply
	}
	return held{text: text, until: call.end(a.document, c.now())}, reply
}

// maxTokenBytes bounds a token; those of the vendors that were read have some hundred.
const maxTokenBytes = 8 << 10

// isToken tells of a text that can be sent anywhere in a request: one with spaces or
// control characters is not what the vendor meant.
func isToken(text string) bool {
	return text != "" && len(text) <= maxTokenBytes && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// end is until when a token is used; zero where the vendor does not say.
func (t *tokenCall) end(document any, now time.Time) time.Time {
	var life time.Duration
	if value, found := t.expiresIn.find(document); found {
		if seconds, err := wholeNumber(value); err == nil {
			life = time.Duration(max(0, min(seconds, int64(maxTokenLife/time.Second)))) * time.Second
		}
	}
	if text, told := t.expiresAt.text(document); told {
		if at := parseTime(text); !at.IsZero() {
			life = min(at.Sub(now), maxTokenLife)
		}
	}
	if life <= 0 {
		return time.Time{}
	}
	return now.Add(life - min(early, life/10))
}

// maxTokenLife bounds what a vendor says of a token's life.
const maxTokenLife = 30 * 24 * time.Hour
