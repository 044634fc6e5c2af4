package custom_test

import (
	"bytes"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"pointsledger/internal/config"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

// example is a file of docs/vendors.
func example(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/vendors/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// head is what a configuration has before its vendors.
const head = `programme: points
timezone: Asia/Shanghai
rules:
  - from: 2026-01-01T00:00:00+08:00
    events:
      - type: order.paid
        operations:
          - {vendor: shop, call: points_add, source_type: 1, points: {value: 7}, reason: "订单{orderId}"}
`

// load reads a configuration.
func load(text string, environ ...string) (*config.Config, error) {
	return config.Load(append(environ, "WORKER_CONFIG=points.yaml"), func(path string) ([]byte, error) {
		if path != "points.yaml" {
			return nil, fs.ErrNotExist
		}
		return []byte(text), nil
	})
}

// open makes the client of the only account of a configuration, for a server.
func open(t testing.TB, text, address string, environ ...string) (vendorapi.Settings, vendorapi.Sender) {
	t.Helper()
	cfg, err := load(text, environ...)
	if err != nil {
		t.Fatal(err)
	}
	v := cfg.Accounts[0]
	if !v.On() {
		t.Fatalf("off: %s", v.OffBecause())
	}
	sender, err := v.Settings.Open(address, vendorapi.HTTPConfig{Timeout: v.Timeout, ConnectTimeout: v.ConnectTimeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sender.(vendorapi.Closer).Close)
	return v.Settings, sender
}

// recorder is a server that keeps each request as the bytes that came, and gives one
// answer.
type recorder struct {
	url    string
	answer string

	mu  sync.Mutex
	raw []byte
}

func newRecorder(t testing.TB, answer string) *recorder {
	t.Helper()
	r := &recorder{answer: answer}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		_, _ = io.Copy(io.Discard, request.Body)
		_, _ = io.WriteString(w, r.answer)
	}))
	server.Listener = listening{server.Listener, r}
	server.Start()
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// take is what came since the last time.
func (r *recorder) take() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	raw := r.raw
	r.raw = nil
	return string(raw)
}

type listening struct {
	net.Listener
	r *recorder
}

func (l listening) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return tapped{c, l.r}, err
}

type tapped struct {
	net.Conn
	r *recorder
}

func (c tapped) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	c.r.raw = append(c.r.raw, b[:n]...)
	return n, err
}

// corpus are operations with what texts can hold.
func corpus(kind ledger.Kind) []ledger.VendorCall {
	one := ledger.VendorCall{Kind: kind, BizID: "pa7k2m9qf3tr4v8w6x5y1z0abcde", Points: 129, SourceType: 1, PointsChannel: 3,
		Reason: "购物送积分 <SO-1> & \"礼\" #7K2M9QF3TR4V8", MemberID: "383933091455959041"}
	all := []ledger.VendorCall{one}
	for _, change := range []func(*ledger.VendorCall){
		func(c *ledger.VendorCall) { c.ShopCode = "SH-01" },
		func(c *ledger.VendorCall) { c.Points, c.SourceType, c.PointsChannel = 1, 12, 9 },
		func(c *ledger.VendorCall) { c.Points = 1 << 52 },
		func(c *ledger.VendorCall) { c.MemberID = "0042" },
		func(c *ledger.VendorCall) { c.Reason = "{secret.open_key} {token} {{biz_id}} {points}" },
		func(c *ledger.VendorCall) { c.Reason = "a\\b\"c\td\ne\u0001f\u2028g</script>&amp;'😀" },
		func(c *ledger.VendorCall) { c.Reason = "half \xff\xfe a character" },
		func(c *ledger.VendorCall) { c.MemberID, c.ShopCode = `1","points":"9`, "?a=b&c=d#e/../%2e" },
	} {
		other := one
		change(&other)
		all = append(all, other)
	}
	return all
}

// withURL is an example whose account is at another address.
func withURL(t testing.TB, text, address string) string {
	t.Helper()
	lines := bytes.Split([]byte(text), []byte("\n"))
	for i, line := range lines {
		if strings.HasPrefix(string(line), "    url: ") {
			lines[i] = []byte("    url: " + address)
			return string(bytes.Join(lines, []byte("\n")))
		}
	}
	t.Fatal("no url in the example")
	return ""
}
