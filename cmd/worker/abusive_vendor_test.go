package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"pointsledger/internal/testkit"
	"pointsledger/vendorapi/sim"
)

// The bounds of the worker's memory while both vendors abuse it. Two accounts
// with 64 calls each hold 128 replies of at most 1 MiB: 128 MiB. The collector
// may let the heap grow to the double, and 64 MiB are for the rest of the
// program. Replies that do not end are given up at their first byte too many,
// so they take no more than that. Text that has to be made fit for the ledger
// takes for a moment three times as much again (the body as text, and the text
// without broken characters in a buffer that grows).
const (
	mostFloodMemory  = (2*128 + 64) << 20
	mostVendorMemory = (2*4*128 + 64) << 20
)

// hostileVendor stands before a simulator. While it is hostile it answers
// every vendor call in one of many wrong ways, each in turn; every second call
// is carried out before.
type hostileVendor struct {
	simulator *sim.Simulator
	hostile   atomic.Bool
	followed  atomic.Int64
	ways      []way

	mu sync.Mutex
	// calls by vendor, served by vendor and way.
	calls  map[string]int
	served map[string]int
}

func (h *hostileVendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/followed") {
		h.followed.Add(1)
	}
	if !h.hostile.Load() || strings.HasPrefix(r.URL.Path, "/_sim/") {
		h.simulator.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	vendor, status := "zhimai", http.StatusOK
	if strings.Contains(r.URL.Path, "freezePoint") {
		// Kylin's nonsense comes with a status that says nothing; what a 200 with a
		// foreign body means is TestPageWithStatus200IsNoFreeze's.
		vendor, status = "kylin", http.StatusBadGateway
	}
	way, carryOut := h.next(vendor)
	if carryOut {
		r.Body = io.NopCloser(bytes.NewReader(body))
		h.simulator.ServeHTTP(httptest.NewRecorder(), r)
	}
	way.answer(w, r, status)
}

// next takes the vendor's next way, and says whether to carry the call out. All
// ways have their turn before 20 failures in a row close the vendor's gate.
func (h *hostileVendor) next(vendor string) (way, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.calls[vendor]
	h.calls[vendor]++
	chosen := h.ways[n%len(h.ways)]
	h.served[vendor+": "+chosen.about]++
	return chosen, n%2 == 0
}

// way is one wrong answer.
type way struct {
	about  string
	answer func(w http.ResponseWriter, r *http.Request, status int)
}

const success = `{"status":true,"code":0,"message":"`

// begin answers with what could become a success.
func begin(w http.ResponseWriter, status int) {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, success) // the client may have left
}

// flood writes so many MiB, or until the client leaves.
func flood(w io.Writer, mebibytes int) {
	mebibyte := bytes.Repeat([]byte("a"), 1<<20)
	for range mebibytes {
		if _, err := w.Write(mebibyte); err != nil {
			return
		}
	}
}

// floods are replies that are too large.
func floods() []way {
	return []way{
		{"100 MB, announced", func(w http.ResponseWriter, _ *http.Request, status int) {
			w.Header().Set("Content-Length", fmt.Sprint(100<<20+len(success)))
			begin(w, status)
			flood(w, 100)
		}},
		{"100 MB, not announced", func(w http.ResponseWriter, _ *http.Request, status int) {
			begin(w, status)
			flood(w, 100)
			_, _ = io.WriteString(w, `","data":[]}`)
		}},
		{"never-ending, fast", func(w http.ResponseWriter, r *http.Request, status int) {
			begin(w, status)
			flood(w, math.MaxInt)
		}},
	}
}

// oddities are all other wrong replies.
func oddities(bomb []byte) []way {
	return []way{
		{"never-ending, slow", func(w http.ResponseWriter, r *http.Request, status int) {
			begin(w, status)
			for drip := time.NewTicker(20 * time.Millisecond); ; {
				select {
				case <-r.Context().Done():
					drip.Stop()
					return
				case <-drip.C:
					_, _ = io.WriteString(w, "a")
					_ = http.NewResponseController(w).Flush()
				}
			}
		}},
		{"redirect 307", func(w http.ResponseWriter, r *http.Request, _ int) {
			http.Redirect(w, r, "/followed"+r.URL.Path, http.StatusTemporaryRedirect)
		}},
		{"redirect 308 to itself", func(w http.ResponseWriter, r *http.Request, _ int) {
			http.Redirect(w, r, r.URL.Path, http.StatusPermanentRedirect)
		}},
		{"compressed bomb", func(w http.ResponseWriter, _ *http.Request, status int) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(status)
			_, _ = w.Write(bomb)
		}},
		{"compressed bomb, not called so", func(w http.ResponseWriter, _ *http.Request, status int) {
			w.WriteHeader(status)
			_, _ = w.Write(bomb)
		}},
		{"1 MB of broken characters", func(w http.ResponseWriter, _ *http.Request, status int) {
			begin(w, status)
			_, _ = w.Write(bytes.Repeat([]byte("a\xff"), 500_000))
		}},
		{"system error in 1 MB", func(w http.ResponseWriter, _ *http.Request, status int) {
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"status":false,"code":500,"message":"%s"}`, bytes.Repeat([]byte("a\xff"), 500_000))
		}},
		{"a million levels", func(w http.ResponseWriter, _ *http.Request, status int) {
			w.WriteHeader(status)
			_, _ = w.Write(bytes.Repeat([]byte("["), 1_000_000))
		}},
		{"never-ending header", func(w http.ResponseWriter, _ *http.Request, _ int) {
			raw(w, "HTTP/1.1 200 OK\r\nX-Long: ", "aaaaaaaaaaaaaaaa")
		}},
		{"never-ending early hints", func(w http.ResponseWriter, _ *http.Request, _ int) {
			raw(w, "", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
		}},
		{"other protocol", func(w http.ResponseWriter, _ *http.Request, _ int) {
			raw(w, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", success)
		}},
		{"not HTTP", func(w http.ResponseWriter, _ *http.Request, _ int) { raw(w, "", success) }},
	}
}

// raw writes to the bare connection: a beginning, then one piece until the
// client leaves.
func raw(w http.ResponseWriter, beginning, piece string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	left := make(chan struct{}) // a client that leaves is heard by reading
	go func() { _, _ = io.Copy(io.Discard, conn); close(left) }()
	_, err = io.WriteString(conn, beginning)
	for block := strings.Repeat(piece, 1000); err == nil; {
		select {
		case <-left:
			return
		default:
			_, err = io.WriteString(conn, block)
		}
	}
}

// gzipBomb is 1 GB of zeros in 1 MB.
func gzipBomb(t *testing.T) []byte {
	t.Helper()
	var bomb bytes.Buffer
	for range 10 {
		var part bytes.Buffer
		packer := gzip.NewWriter(&part)
		if _, err := packer.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
		if err := packer.Close(); err != nil {
			t.Fatal(err)
		}
		bomb.Write(bytes.Repeat(part.Bytes(), 100))
	}
	return bomb.Bytes()
}

// The vendors answer in every wrong way there is: what they were asked is in
// doubt, never posted, and the memory stays bounded. When they answer rightly
// again, everything is applied exactly once.
func TestAbusiveVendor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		ways []way
		most int64
	}{
		{"floods", floods(), mostFloodMemory},
		{"all", slices.Concat(floods(), oddities(gzipBomb(t))), mostVendorMemory},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			peak := sufferAbuse(t, c.ways)
			t.Logf("peak memory %d MiB of %d", peak>>20, c.most>>20)
			if peak > c.most {
				t.Errorf("the worker took %d MiB at its peak, want at most %d", peak>>20, c.most>>20)
			}
		})
	}
}

// sufferAbuse lets a worker meet hostile vendors that become honest, and
// returns its peak memory.
func sufferAbuse(t *testing.T, ways []way) (peak int64) {
	t.Helper()
	simulator, err := sim.New(sim.Config{Zhimai: sim.ZhimaiConfig{Records: sim.RecordsConfig{EchoReason: true}}})
	if err != nil {
		t.Fatal(err)
	}
	vendor := &hostileVendor{simulator: simulator, ways: ways, calls: map[string]int{}, served: map[string]int{}}
	server := httptest.NewServer(vendor)
	t.Cleanup(server.Close)
	w := newWatchedRig(t)
	w.simURL = server.URL
	w.env = append(w.env, "WORKER_CONFIG="+honouringConfig(t), "ZHIMAI_URL="+server.URL+"/api/v2", "KYLIN_URL="+server.URL)

	const events, scanned = 300, 20
	// Once both accounts have confirmed a call, 64 go out at once.
	w.publish(freezingOrders(0, 1)...)
	worker := w.start("run")
	address := regexp.MustCompile(`"http":"([^"]+)"`).FindStringSubmatch(worker.waitFor("worker started"))[1]
	testkit.Eventually(t, time.Minute, "the first postings", func() bool { return w.number(sqlPosted) == 2 })

	vendor.hostile.Store(true)
	w.publish(freezingOrders(1, events)...)
	w.publish(scannedOrders(scanned)...)
	testkit.Eventually(t, 2*time.Minute, "every wrong answer to be given to both accounts", func() bool {
		vendor.mu.Lock()
		defer vendor.mu.Unlock()
		return len(vendor.served) == 2*len(ways)
	})
	testkit.Eventually(t, time.Minute, "rows in doubt", func() bool {
		return w.number(`SELECT count(*) FROM outbox WHERE in_doubt AND state <> 'sending'`) >= len(ways)
	})
	if n := w.number(sqlPosted); n != 2 {
		t.Errorf("%d postings while the vendors answered wrongly, want the 2 from before", n)
	}
	if n := w.number(`SELECT count(*) FROM attempts WHERE outcome IN ('refused', 'unauthorised', 'throttled', 'retryable')`); n != 0 {
		t.Errorf("%d attempts ended as if the vendor had been understood", n)
	}
	if n := w.number(`SELECT count(*) FROM outbox WHERE state = 'parked'`); n != 0 {
		t.Errorf("%d rows are parked", n)
	}
	if ready := get(t, "http://"+address+"/readyz"); !strings.HasPrefix(ready, "200 ") {
		t.Errorf("readiness: %s", ready)
	}

	vendor.hostile.Store(false)
	testkit.Eventually(t, 2*time.Minute, "quiet with honest vendors", w.quiet)
	w.booksAgree(2*events + scanned)
	if n := vendor.followed.Load(); n != 0 {
		t.Errorf("%d redirects were followed", n)
	}
	t.Logf("wrong answers: %v", vendor.calls)
	return worker.peakMemory()
}

// freezingOrders are orders, each with a call to both vendors.
func freezingOrders(from, to int) []*nats.Msg {
	var messages []*nats.Msg
	for i := from; i < to; i++ {
		messages = append(messages, &nats.Msg{Subject: "points.events.order.paid", Data: fmt.Appendf(nil,
			`{"specversion":"1.0","id":"e%[1]d","source":"shop-sh","type":"order.paid","data":{"orderId":"SO-%[1]d","member":{"customerId":"3839330914%08[1]d","memberId":"K%[1]d"},"channel":"pos","amountFen":12999,"pointsUsed":10}}`, i)})
	}
	return messages
}

// scannedOrders are orders whose members are to be asked for first.
func scannedOrders(n int) []*nats.Msg {
	var messages []*nats.Msg
	for i := range n {
		messages = append(messages, &nats.Msg{Subject: "points.events.order.paid", Data: fmt.Appendf(nil,
			`{"specversion":"1.0","id":"c%[1]d","source":"shop-sh","type":"order.paid","data":{"orderId":"SC-%[1]d","member":{"userCode":"UC3839330914%08[1]d"},"channel":"pos","amountFen":12999}}`, i)})
	}
	return messages
}
