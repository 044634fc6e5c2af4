package sim

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// answer is what a vendor says when nothing goes wrong on the way. It is
// written in one of the forms.
type answer interface {
	reply(form, uint64) reply
}

// reply is one HTTP response, ready to be sent.
type reply struct {
	status int
	header map[string]string
	body   []byte
}

const (
	jsonType = "application/json; charset=utf-8"
	htmlPage = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"
	// oversizedBytes is more than any client should read.
	oversizedBytes = 5 << 20
)

func textReply(status int, contentType, body string) reply {
	return reply{status: status, header: map[string]string{"Content-Type": contentType}, body: []byte(body)}
}

func jsonReply(status int, body []byte) reply {
	return reply{status: status, header: map[string]string{"Content-Type": jsonType}, body: body}
}

func unauthorisedReply() reply {
	return textReply(http.StatusUnauthorized, jsonType, `{"code":"401","message":"Unauthorized"}`)
}

// systemErrorReply is "something broke here" in the vendor's own words.
func systemErrorReply(vendor int, bits uint64) reply {
	if vendor == 1 && bits&1 == 0 {
		return textReply(http.StatusServiceUnavailable, jsonType, `{"code":"503","message":"Service Unavailable"}`)
	}
	if vendor == 1 {
		return textReply(http.StatusOK, jsonType, `{"code":"10500","message":"系统繁忙","success":false}`)
	}
	if bits&1 == 0 {
		return textReply(http.StatusOK, jsonType, `{"status":"false","code":"10500","message":"系统繁忙"}`)
	}
	return textReply(http.StatusOK, jsonType, `{"status":false,"code":10500,"message":"系统繁忙","data":[]}`)
}

// pageReply is the page of something that stands before the vendor.
func pageReply(vendor int, bits uint64) reply {
	status := http.StatusOK
	if vendor == 1 {
		status = [...]int{http.StatusOK, http.StatusOK, http.StatusCreated, http.StatusBadGateway}[bits&3]
	}
	return textReply(status, "text/html; charset=utf-8", htmlPage)
}

// perform carries the call out, or not, and answers as planned. The book is
// written before the first byte of the reply, and no lock is held then.
func (s *Simulator) perform(w http.ResponseWriter, r *http.Request, vendor int, set *settings, p plan, carryOut func() answer) {
	if s.failBefore(w, r, vendor, set, p) {
		return
	}
	if p.fault == ApplyLate {
		s.held.hold(context.Background(), set.faults.HangFor)
	}
	good := carryOut().reply(p.form, p.bits>>8)
	switch p.fault {
	case ApplyThenDrop:
		dropConnection(w, p.bits&1 == 1)
	case Error500After:
		writeReply(w, textReply(http.StatusInternalServerError, "text/plain; charset=utf-8", "internal server error\n"))
	case HangAfter:
		s.hangInReply(w, r, good, set.faults.HangFor, p.bits&1 == 1)
	case HTMLAfter:
		writeReply(w, pageReply(vendor, p.bits))
	case CutJSON:
		cutReply(w, good, p.bits&1 == 1)
	case StatusFalseAfter:
		writeReply(w, systemErrorReply(vendor, p.bits))
	case Oversized:
		writeOversized(w, good)
	default:
		writeReply(w, good)
	}
}

// failBefore answers the kinds that do not carry the call out; it is false for
// all others.
func (s *Simulator) failBefore(w http.ResponseWriter, r *http.Request, vendor int, set *settings, p plan) bool {
	switch p.fault {
	case DropBefore:
		dropConnection(w, p.bits&1 == 1)
	case Error500Before:
		writeReply(w, textReply(http.StatusInternalServerError, "text/html; charset=utf-8", htmlPage))
	case Hang:
		s.held.hold(r.Context(), set.faults.HangFor)
		writeReply(w, textReply(http.StatusGatewayTimeout, "text/html; charset=utf-8", htmlPage))
	case Throttle:
		rep := textReply(http.StatusTooManyRequests, jsonType, `{"code":"429","message":"Too Many Requests"}`)
		rep.header["Retry-After"] = retryAfter(set.faults.RetryAfter, s.now(), p.bits&3 == 0)
		writeReply(w, rep)
	case Unauthorised401:
		s.vendors[vendor].window401.start(s.now(), set.faults.UnauthorisedFor)
		writeReply(w, unauthorisedReply())
	case HTMLBefore:
		writeReply(w, pageReply(vendor, p.bits))
	case StatusFalseBefore:
		writeReply(w, systemErrorReply(vendor, p.bits))
	case Redirect:
		rep := textReply(http.StatusTemporaryRedirect, "text/plain; charset=utf-8", "moved\n")
		rep.header["Location"] = followedPath
		writeReply(w, rep)
	default:
		return false
	}
	return true
}

// retryAfter is the header's value: whole seconds rounded up, or a date.
func retryAfter(d time.Duration, now time.Time, asDate bool) string {
	seconds := (d + time.Second - 1) / time.Second
	if asDate {
		return now.Add(seconds * time.Second).UTC().Format(http.TimeFormat)
	}
	return strconv.FormatInt(int64(seconds), 10)
}

func writeReply(w http.ResponseWriter, rep reply) {
	setHeader(w, rep)
	w.WriteHeader(rep.status)
	_, _ = w.Write(rep.body) // a client that left is part of the game
}

func setHeader(w http.ResponseWriter, rep reply) {
	for name, value := range rep.header {
		w.Header().Set(name, value)
	}
}

// hangInReply holds before the first byte, or in the middle of the body.
func (s *Simulator) hangInReply(w http.ResponseWriter, r *http.Request, rep reply, d time.Duration, inBody bool) {
	half := len(rep.body) / 2
	if !inBody || half == 0 {
		s.held.hold(r.Context(), d)
		writeReply(w, rep)
		return
	}
	setHeader(w, rep)
	w.Header().Set("Content-Length", strconv.Itoa(len(rep.body)))
	w.WriteHeader(rep.status)
	_, _ = w.Write(rep.body[:half])
	_ = http.NewResponseController(w).Flush()
	s.held.hold(r.Context(), d)
	_, _ = w.Write(rep.body[half:])
}

// cutReply sends the first half as if it were all, or closes in the middle of
// a body whose length was promised. A reply without a body is dropped instead.
func cutReply(w http.ResponseWriter, rep reply, promised bool) {
	half := len(rep.body) / 2
	if half == 0 {
		dropConnection(w, false)
		return
	}
	setHeader(w, rep)
	if promised { // the server closes the connection when fewer bytes were written
		w.Header().Set("Content-Length", strconv.Itoa(len(rep.body)))
	}
	w.WriteHeader(rep.status)
	_, _ = w.Write(rep.body[:half])
}

func writeOversized(w http.ResponseWriter, rep reply) {
	if len(rep.body) == 0 {
		rep = textReply(http.StatusOK, jsonType, "{}")
	}
	setHeader(w, rep)
	w.WriteHeader(rep.status)
	_, err := w.Write(rep.body)
	blank := bytes.Repeat([]byte{' '}, 64<<10)
	for sent := 0; err == nil && sent < oversizedBytes; sent += len(blank) {
		_, err = w.Write(blank)
	}
}

// dropConnection closes the connection without a reply, with a reset or with
// an orderly end.
func dropConnection(w http.ResponseWriter, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil { // not a plain HTTP/1 connection
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// window is a stretch of time in which a vendor answers 401. Safe for
// concurrent use; the zero value is closed.
type window struct {
	until     atomic.Int64 // Unix nanoseconds
	notBefore atomic.Int64
}

func (w *window) open(now time.Time) bool { return now.UnixNano() < w.until.Load() }

// start opens the window unless the last one is too near.
func (w *window) start(now time.Time, d time.Duration) {
	last := w.notBefore.Load()
	if n := now.UnixNano(); n >= last && w.notBefore.CompareAndSwap(last, n+10*int64(d)) {
		w.until.Store(n + int64(d))
	}
}

// holdGate lets calls wait, and lets them all go at once. The zero value is
// ready; safe for concurrent use.
type holdGate struct {
	mu  sync.Mutex
	out chan struct{}
}

func (g *holdGate) waiters() chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.out == nil {
		g.out = make(chan struct{})
	}
	return g.out
}

func (g *holdGate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.out != nil {
		close(g.out)
		g.out = nil
	}
}

// hold returns after d, or when ctx ends, or on release.
func (g *holdGate) hold(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-g.waiters():
	}
}

// maxReadKeys bounds the histories of reading calls; beyond it they begin anew.
const maxReadKeys = 1 << 16

// readDraws draws the faults of calls that change nothing and have no dedup
// key. Safe for concurrent use.
type readDraws struct {
	seed   uint64
	mu     sync.Mutex
	keys   map[string]draws
	faults [len(vendorNames)]map[FaultKind]int64
}

func newReadDraws(seed uint64) *readDraws {
	d := &readDraws{seed: seed, keys: make(map[string]draws)}
	for v := range vendorNames {
		d.faults[v] = make(map[FaultKind]int64)
	}
	return d
}

func (d *readDraws) next(vendor int, key string, table *faultTable) plan {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.keys[key]; !ok && len(d.keys) >= maxReadKeys {
		clear(d.keys)
	}
	history := d.keys[key]
	p := history.next(table, hashKey(d.seed, "read", key))
	d.keys[key] = history
	if p.fault != "" {
		d.faults[vendor][p.fault]++
	}
	return p
}

func (d *readDraws) faultCounts(vendor int) map[FaultKind]int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	counts := make(map[FaultKind]int64, len(d.faults[vendor]))
	for kind, n := range d.faults[vendor] {
		counts[kind] = n
	}
	return counts
}
