package sim

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// caller is a client of its own: it signs by itself, and never retries.
type caller struct {
	url   string
	key   string
	http  *http.Client
	nonce atomic.Int64
}

// startSim serves a new simulator and returns it with a caller.
func startSim(t testing.TB, cfg Config) (*Simulator, *caller) {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	base, stop, err := s.Start("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return s, newCaller(t, base)
}

// newCaller opens a connection per call: a call then reaches the simulator
// exactly once or not at all.
func newCaller(t testing.TB, base string) *caller {
	tr := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &caller{url: base, key: DefaultOpenKey, http: &http.Client{Transport: tr, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// got is what a caller saw.
type got struct {
	status int
	header http.Header
	body   []byte
	err    error
}

// json is the body as an object, nil when it is none.
func (g got) json() map[string]any {
	var v map[string]any
	dec := json.NewDecoder(bytes.NewReader(g.body))
	dec.UseNumber()
	if g.err != nil || dec.Decode(&v) != nil {
		return nil
	}
	return v
}

// code is Zhimai's code in text, "" when the reply is not status true.
func (g got) code() string {
	v := g.json()
	if g.status != http.StatusOK || v == nil || fmt.Sprint(v["status"]) != "true" {
		return ""
	}
	return fmt.Sprint(v["code"])
}

func (c *caller) do(ctx context.Context, path string, header map[string]string, body []byte) got {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, bytes.NewReader(body))
	if err != nil {
		return got{err: err}
	}
	req.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return got{err: err}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return got{res.StatusCode, res.Header, b, err}
}

// envelope is a signed request for the action.
func (c *caller) envelope(action string, params any) map[string]any {
	ts := strconv.FormatInt(time.Now().Unix(), 10)
	nonce := strconv.FormatInt(c.nonce.Add(1), 10)
	mac := hmac.New(sha1.New, []byte(c.key))
	fmt.Fprintf(mac, "GrantCode=%s&Nonce=%s&OpenId=%s&Timestamp=%s", DefaultGrantCode, nonce, DefaultOpenID, ts)
	return map[string]any{"OpenId": DefaultOpenID, "GrantCode": DefaultGrantCode, "Timestamp": ts, "Nonce": nonce,
		"Token": url.QueryEscape(base64.StdEncoding.EncodeToString(mac.Sum(nil))), "Action": action, "Params": params}
}

func (c *caller) zhimai(ctx context.Context, action string, params any) got {
	return c.do(ctx, "/api/v2", nil, mustJSON(c.envelope(action, params)))
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

const someMember = "383933091455959041"

// addParams are good parameters of user.points-add, with changes.
func addParams(key string, change map[string]string) map[string]string {
	p := map[string]string{"balance": "11", "bizId": key, "customerId": someMember, "reason": "订单 SO-1 #7K2M",
		"sourceType": "1", "pointsChannel": "7"}
	maps.Copy(p, change)
	return p
}

func (c *caller) add(key string) got {
	return c.zhimai(context.Background(), "user.points-add", addParams(key, nil))
}

// freezeBody is a good body of freezePoint, with changes; a nil removes.
func freezeBody(change map[string]any) []byte {
	f := map[string]any{"memberId": "m-1", "description": "订单 SO-1", "channelType": "WECHAT", "memberType": "aupres",
		"pointBizType": "POINT", "idempotentMode": 1, "point": json.RawMessage("5.0")}
	for name, value := range change {
		if value == nil {
			delete(f, name)
		} else {
			f[name] = value
		}
	}
	return mustJSON(f)
}

func (c *caller) freeze(key string) got {
	return c.do(context.Background(), kylinPath, map[string]string{"X-Business-Token": key}, freezeBody(nil))
}

// frozen does not believe a page or a failure that comes with a good status.
func frozen(g got) bool {
	return g.status == 204 || (g.status == 200 || g.status == 201) && g.json() != nil && g.json()["success"] != false
}

// lookup fails the test when the key is not in the book.
func lookup(t *testing.T, s *Simulator, v Vendor, key string) Entry {
	t.Helper()
	e, ok := s.Lookup(v, key)
	if !ok {
		t.Fatalf("no entry %s/%s", v, key)
	}
	return e
}

func wantCounts(t *testing.T, e Entry, received, applied int) {
	t.Helper()
	if e.Received != received || e.Applied != applied || e.AppliedPoints != int64(applied)*e.Points {
		t.Errorf("%s/%s: received %d, applied %d for %d points; want %d, %d", e.Vendor, e.Key, e.Received, e.Applied,
			e.AppliedPoints, received, applied)
	}
}

// waitFor polls until the condition holds.
func waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-deadline.C:
			t.Fatalf("no %s after 10 s", what)
		case <-tick.C:
		}
	}
}

func always(kind FaultKind) Faults { return Faults{Rates: map[FaultKind]float64{kind: 1}} }
