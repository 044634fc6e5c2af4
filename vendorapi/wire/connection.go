package wire

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"syscall"
	"time"
)

// connection is a connection to the vendor. One call has it at a time, and that
// call's goroutine alone writes and reads.
type connection struct {
	address string // scheme and host, as in the URL
	wire    *wire
	stream  net.Conn // the wire, or TLS over it
	raw     syscall.RawConn
	reader  *bufio.Reader
	// readable is how many bytes may still be read; it bounds a reply's header.
	readable int64
	out      bytes.Buffer
	freeAt   time.Time
}

// wire counts what has left for the network, so that "no byte of the request
// left this machine" is a fact and not a guess from an error. It is below TLS:
// a TLS write that fails may have sent a part of its record.
type wire struct {
	net.Conn
	written int64
}

func (w *wire) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	w.written += int64(n)
	return n, err
}

// dial makes a connection, within the connect timeout.
func (c *Caller) dial(ctx context.Context, to *url.URL) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.ConnectTimeout)
	defer cancel()
	port := to.Port()
	if port == "" {
		port = to.Scheme
	}
	tcp, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(to.Hostname(), port))
	if err != nil {
		return nil, err
	}
	if err := c.forgetful(tcp); err != nil {
		_ = tcp.Close() // err says more
		return nil, fmt.Errorf("set up connection: %w", err)
	}
	n := &connection{address: addressOf(to), wire: &wire{Conn: tcp}}
	n.stream = n.wire
	if to.Scheme == "https" {
		// No ALPN: HTTP/1.1 is the only protocol spoken here.
		secure := tls.Client(n.wire, &tls.Config{ServerName: to.Hostname(), RootCAs: c.cfg.RootCAs, MinVersion: tls.VersionTLS12})
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = tcp.Close() // it may be closed already, and err says more
			return nil, fmt.Errorf("shake hands with tls: %w", err)
		}
		n.stream = secure
	}
	if owner, ok := tcp.(syscall.Conn); ok {
		n.raw, err = owner.SyscallConn()
		if err != nil {
			_ = tcp.Close()
			return nil, fmt.Errorf("watch connection: %w", err)
		}
	}
	n.reader = bufio.NewReader(n)
	return n, nil
}

// forgetful lets the kernel forget what it has not delivered when the connection
// is closed, by a call that was given up as by the death of the process, and when
// the vendor has not acknowledged it within the timeout. Else it would repeat a
// request for minutes after everybody has given it up, and the vendor might get
// it after its records were read.
func (c *Caller) forgetful(conn net.Conn) error {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil
	}
	if err := tcp.SetLinger(0); err != nil {
		return err
	}
	return limitUnacknowledged(tcp, c.cfg.Timeout)
}

func addressOf(u *url.URL) string { return u.Scheme + "://" + u.Host }

// Read implements io.Reader for the buffered reader.
func (n *connection) Read(b []byte) (int, error) {
	if n.readable <= 0 {
		return 0, errHeaderTooLarge
	}
	if int64(len(b)) > n.readable {
		b = b[:n.readable]
	}
	read, err := n.stream.Read(b)
	n.readable -= int64(read)
	return read, err
}

// usable tells whether the vendor has left the idle connection alone: it has
// neither closed it nor said anything. A call on a connection that the vendor
// closed while it was idle would end as unknown without need.
// What lies between, decoded by TLS or not yet, is asked for by a read that may
// not wait.
func (n *connection) usable(deadline time.Time) bool {
	n.readable = maxReplyHeaderBytes
	if err := n.stream.SetReadDeadline(longAgo); err != nil {
		return false
	}
	if _, err := n.reader.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	return n.stream.SetDeadline(deadline) == nil && silent(n.raw)
}

// close drops the connection at once. There is no farewell of TLS: it would be
// a write that may block.
func (n *connection) close() { _ = n.wire.Close() } // nothing is left to be told

var errHeaderTooLarge = errors.New("reply's header is larger than the limit")
