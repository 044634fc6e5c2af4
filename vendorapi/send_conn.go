package vendorapi

import (
	"errors"
	"net"
	"net/http/httptrace"
	"sync"
)

// errSealed is what a write gets after the call that owned the connection was
// given up. It never leaves this package.
var errSealed = errors.New("connection sealed after a failed call")

// sendConn counts what is written to a connection, so that "no byte of the
// request left this machine" is a fact and not a guess from an error. With TLS
// it stands on top of the TLS connection: handshakes and alerts do not count.
//
// It is safe for concurrent use: net/http writes in one goroutine while the
// caller may give up in another.
type sendConn struct {
	net.Conn
	// exact says that a Write that fails with n = 0 wrote nothing. True for
	// TCP; false for TLS, where a part of a record may have gone out.
	exact bool

	mu      sync.Mutex
	written int64
	sealed  bool
}

// Write counts before it writes: a write that is still blocked when the call
// is given up has to count.
func (c *sendConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	if c.sealed {
		c.mu.Unlock()
		return 0, errSealed
	}
	c.written += int64(len(b))
	c.mu.Unlock()

	n, err := c.Conn.Write(b)
	if err != nil && n == 0 && c.exact {
		c.mu.Lock()
		c.written -= int64(len(b))
		c.mu.Unlock()
	}
	return n, err
}

func (c *sendConn) count() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.written
}

// seal forbids further writes and reports whether anything was written since
// the count was start. Without the seal a request could still go out after the
// answer: net/http may return before its writer has begun.
func (c *sendConn) seal(start int64) (wrote bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sealed = true
	return c.written != start
}

// sendWatch remembers the connection that a call was given, and its count at
// that moment. Its methods run in the goroutine of the call.
type sendWatch struct {
	got   bool
	conn  *sendConn
	start int64
}

func (w *sendWatch) gotConn(info httptrace.GotConnInfo) {
	w.got = true
	if c, ok := info.Conn.(*sendConn); ok {
		w.conn, w.start = c, c.count()
	}
}

// mayHaveSent is asked once, after the call has failed. A call that never got a
// connection (name lookup, refused, TLS, connect timeout) has sent nothing.
func (w *sendWatch) mayHaveSent() bool {
	if !w.got {
		return false
	}
	if w.conn == nil {
		return true
	}
	return w.conn.seal(w.start)
}
