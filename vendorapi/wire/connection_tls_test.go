package wire

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"pointsledger/vendorapi"
)

// gathered holds writes back until it is told to send them in one.
type gathered struct {
	net.Conn
	hold    bool
	waiting bytes.Buffer
}

func (g *gathered) Write(b []byte) (int, error) {
	if g.hold {
		return g.waiting.Write(b)
	}
	return g.Conn.Write(b)
}

// A vendor's second record that comes with its reply lies inside the TLS
// connection, where the kernel does not show it. It must not pass for the reply
// to the next call.
func TestPostLeavesTLSConnectionsWithMoreToRead(t *testing.T) {
	t.Parallel()
	const reply = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nright"
	for name, more := range map[string]func(*tls.Conn) error{
		"another reply": func(c *tls.Conn) error {
			_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong")
			return err
		},
		"the end of chunks": func(c *tls.Conn) error { _, err := io.WriteString(c, "0\r\n\r\n"); return err },
		"farewell":          func(c *tls.Conn) error { return c.CloseWrite() },
		"nothing":           nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			template := httptest.NewTLSServer(http.NotFoundHandler())
			t.Cleanup(template.Close)
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = listener.Close() })
			var conns atomic.Int64
			go func() {
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					conns.Add(1)
					go func() {
						defer conn.Close()
						g := &gathered{Conn: conn}
						secure := tls.Server(g, &tls.Config{Certificates: template.TLS.Certificates})
						for r := bufio.NewReader(secure); readRequest(r) == nil; {
							g.hold = true
							_, _ = io.WriteString(secure, reply)
							if more != nil {
								_ = more(secure)
							}
							g.hold = false
							_ = g.SetWriteDeadline(time.Time{}) // a farewell leaves one behind
							_, _ = g.Conn.Write(g.waiting.Bytes())
							g.waiting.Reset()
						}
					}()
				}
			}()
			cfg := vendorapi.HTTPConfig{MaxConns: 1, RootCAs: x509.NewCertPool()}
			cfg.RootCAs.AddCert(template.Certificate())
			c := newCaller(t, cfg)
			for i := range 4 {
				if a := post(t.Context(), c, "https://"+listener.Addr().String()); a.Status != 200 || string(a.Body) != "right" {
					t.Fatalf("call %d: %+v, body %q", i, a, a.Body)
				}
			}
			want := int64(4)
			if more == nil {
				want = 1
			}
			if n := conns.Load(); n != want {
				t.Errorf("%d connections for 4 calls, want %d", n, want)
			}
		})
	}
}
