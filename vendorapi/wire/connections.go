package wire

import (
	"context"
	"net/url"
	"sync"
	"time"
)

// connections keeps the connections that are not in use, the one used last on
// top: the others grow old and are closed.
type connections struct {
	keep time.Duration

	mu     sync.Mutex
	idle   []*connection
	sweep  *time.Timer // nil while none is idle
	closed bool
}

// take gives an idle connection to the address that is still good, or nil.
func (p *connections) take(to *url.URL, deadline time.Time) *connection {
	for {
		n := p.pop()
		if n == nil {
			return nil
		}
		if n.address == addressOf(to) && n.usable(deadline) {
			return n
		}
		n.close()
	}
}

func (p *connections) pop() *connection {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	n := p.idle[last]
	p.idle[last] = nil
	p.idle = p.idle[:last]
	return n
}

// put keeps the connection for the next call.
func (p *connections) put(n *connection) {
	n.freeAt = time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		n.close()
		return
	}
	p.idle = append(p.idle, n)
	if p.sweep == nil {
		p.sweep = time.AfterFunc(p.keep, p.closeOld)
	}
}

// closeOld closes what was idle for too long, and comes back for the rest.
func (p *connections) closeOld() {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := 0
	for old < len(p.idle) && time.Since(p.idle[old].freeAt) >= p.keep {
		p.idle[old].close()
		old++
	}
	p.idle = append(p.idle[:0], p.idle[old:]...)
	p.sweep = nil
	if len(p.idle) > 0 {
		p.sweep = time.AfterFunc(p.keep-time.Since(p.idle[0].freeAt), p.closeOld)
	}
}

// close closes the idle ones, and those in use when they are put back.
func (p *connections) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, n := range p.idle {
		n.close()
	}
	p.idle = nil
	if p.sweep != nil {
		p.sweep.Stop()
		p.sweep = nil
	}
}

// connect takes an idle connection or makes one.
func (c *Caller) connect(ctx context.Context, to *url.URL, deadline time.Time) (*connection, error) {
	if n := c.idle.take(to, deadline); n != nil {
		return n, nil
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	n, err := c.dial(ctx, to)
	if err != nil {
		return nil, err
	}
	if err := n.stream.SetDeadline(deadline); err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

// enter waits until a call may have a connection.
func (c *Caller) enter(ctx context.Context, deadline time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case c.places <- struct{}{}:
		return nil
	default:
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	select {
	case c.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Caller) leave() { <-c.places }
