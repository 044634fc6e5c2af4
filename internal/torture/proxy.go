package torture

import (
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// proxy passes TCP connections on the loopback on, until it is told to cut
// them. It is safe for concurrent use.
type proxy struct {
	listener net.Listener
	target   string
	// closed refuses new connections; deaf swallows what the target says.
	closed, deaf atomic.Bool
	mu           sync.Mutex
	links        map[*link]struct{}
	group        sync.WaitGroup
}

// link is one connection with its other half.
type link struct{ client, server *net.TCPConn }

// newProxy listens on a free port and passes connections on to target.
func newProxy(target string) (*proxy, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for a proxy: %w", err)
	}
	p := &proxy{listener: listener, target: target, links: map[*link]struct{}{}}
	p.group.Go(p.accept)
	return p, nil
}

// address is where clients connect.
func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return // stopped
		}
		p.group.Go(func() { p.serve(conn.(*net.TCPConn)) })
	}
}

func (p *proxy) serve(client *net.TCPConn) {
	if p.closed.Load() {
		hangUp(client)
		return
	}
	conn, err := net.DialTimeout("tcp4", p.target, 2*time.Second)
	if err != nil {
		hangUp(client)
		return
	}
	l := &link{client, conn.(*net.TCPConn)}
	if !p.add(l) {
		hangUp(client)
		_ = conn.Close()
		return
	}
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(l.server, l.client); l.end() })
	both.Go(func() { p.copyReplies(l); l.end() })
	both.Wait()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

// add is false when connections are refused by now.
func (p *proxy) add(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed.Load() {
		return false
	}
	p.links[l] = struct{}{}
	return true
}

// copyReplies passes on what the target says, unless the proxy is deaf.
func (p *proxy) copyReplies(l *link) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := l.server.Read(buffer)
		if n > 0 && !p.deaf.Load() {
			if _, err := l.client.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// end closes both halves; the second call does nothing.
func (l *link) end() {
	_ = l.client.Close()
	_ = l.server.Close()
}

// hangUp resets a connection, so that the other side hears of it at once.
func hangUp(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}

// cut drops every connection, and refuses new ones for as long as it lasts.
// With lostReplies the requests of that time still arrive and their answers
// vanish; only then are the connections dropped.
func (p *proxy) cut(lasts time.Duration, lostReplies bool, wait func(time.Duration)) {
	if lostReplies {
		p.deaf.Store(true)
		wait(lasts)
		p.drop(func() { p.deaf.Store(false) })
		return
	}
	p.drop(func() { p.closed.Store(true) })
	wait(lasts)
	p.closed.Store(false)
}

// drop resets every connection, and then changes what holds for later ones:
// a connection that lives on has lost no reply.
func (p *proxy) drop(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		hangUp(l.client)
		_ = l.server.Close()
	}
	change()
}

// stop ends the proxy and its connections.
func (p *proxy) stop() {
	_ = p.listener.Close()
	p.drop(func() { p.closed.Store(true) })
	p.group.Wait()
}
