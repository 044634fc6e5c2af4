package sim

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"
)

// hammer sends every key from 64 callers at once, each key until it succeeds,
// and returns how many calls each key took.
func hammer(t *testing.T, c *caller, keys int) map[string]int {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	calls := make(map[string]int)
	next := make(chan int)
	for range 64 {
		wg.Go(func() {
			for i := range next {
				key, n := "k"+strconv.Itoa(i), 0
				for ok := false; !ok; n++ {
					if n == 100 {
						t.Errorf("%s: no success in 100 calls", key)
						break
					}
					if i%3 == 0 {
						ok = frozen(c.freeze(key))
					} else {
						ok = c.zhimai(context.Background(), "user.points-add",
							addParams(key, map[string]string{"customerId": strconv.Itoa(1 + i%7)})).code() == "0"
					}
				}
				mu.Lock()
				calls[key] = n
				mu.Unlock()
			}
		})
	}
	for i := range keys {
		next <- i
	}
	close(next)
	wg.Wait()
	return calls
}

func heavyFaults(t *testing.T) Faults {
	t.Helper()
	f, err := FaultsPreset("heavy")
	if err != nil {
		t.Fatal(err)
	}
	f.HangFor, f.UnauthorisedFor = 20*time.Millisecond, 5*time.Millisecond
	return f
}

// The book is exact: what each key received is what its callers sent, and with
// dedup every key is applied once, whatever the callers saw.
func TestBookIsExactUnderFaults(t *testing.T) {
	t.Parallel()
	for _, mode := range []DedupMode{DedupSuccess, DedupOff} {
		t.Run(string(mode), func(t *testing.T) {
			f := heavyFaults(t)
			s, c := startSim(t, Config{Seed: 11, Zhimai: ZhimaiConfig{Faults: f, Dedup: Dedup{Mode: mode}},
				Kylin: KylinConfig{Faults: f, Dedup: Dedup{Mode: mode}}})
			const keys = 600
			calls := hammer(t, c, keys)
			book := s.Book()
			if len(book) != keys {
				t.Fatalf("%d entries, want %d", len(book), keys)
			}
			double := 0
			points := make(map[Vendor]int64)
			for _, e := range book {
				if e.Received != calls[e.Key] || e.Mismatched != 0 || e.Refused != 0 {
					t.Errorf("%+v: sent %d times", e, calls[e.Key])
				}
				if mode == DedupSuccess && e.Applied != 1 || e.Applied < 1 || e.AppliedPoints != int64(e.Applied)*e.Points {
					t.Errorf("%+v: applied", e)
				}
				if e.Applied > 1 {
					double++
				}
				points[e.Vendor] += e.AppliedPoints
			}
			if mode == DedupOff && double < keys/50 {
				t.Errorf("without dedup only %d keys were applied twice: the faults do not bite", double)
			}
			z, k := s.Totals(Zhimai), s.Totals(Kylin)
			if z.AppliedPoints != points[Zhimai] || k.AppliedPoints != points[Kylin] || z.DoubleApplied+k.DoubleApplied != double || z.Keys+k.Keys != keys {
				t.Errorf("totals %+v %+v do not add up to the entries %v", z, k, points)
			}
			balances := int64(0)
			for id := 1; id <= 7; id++ {
				balances += s.Balance(strconv.Itoa(id))
			}
			if balances != points[Zhimai] {
				t.Errorf("balances add up to %d, the book to %d", balances, points[Zhimai])
			}
		})
	}
}

func TestDedupModes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		mode        DedupMode
		code        string
		kylinStatus int
		applied     int
	}{{"", "0", 200, 1}, {DedupSuccess, "0", 200, 1}, {DedupCode, "40901", 409, 1}, {DedupOff, "0", 200, 2}} {
		s, c := startSim(t, Config{Zhimai: ZhimaiConfig{Dedup: Dedup{Mode: tt.mode}}, Kylin: KylinConfig{Dedup: Dedup{Mode: tt.mode}}})
		if g := c.add("k"); g.code() != "0" {
			t.Fatalf("%s: first add: %s", tt.mode, g.body)
		}
		if g := c.freeze("k"); g.status != 200 {
			t.Fatalf("%s: first freeze: %d", tt.mode, g.status)
		}
		if g := c.add("k"); g.code() != tt.code {
			t.Errorf("%s: repeat: %s", tt.mode, g.body)
		}
		if g := c.freeze("k"); g.status != tt.kylinStatus {
			t.Errorf("%s: repeat: %d", tt.mode, g.status)
		}
		for _, v := range vendorNames {
			e := lookup(t, s, v, "k")
			wantCounts(t, e, 2, tt.applied)
			if e.Repeats != 2-tt.applied {
				t.Errorf("%s %s: %d repeats", tt.mode, v, e.Repeats)
			}
		}
	}
}

func TestKeyMemory(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Now()
	s, c := startSim(t, Config{Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now },
		Zhimai: ZhimaiConfig{TimestampSkew: -1, Dedup: Dedup{Mode: DedupCode, KeyMemory: time.Hour}}})
	for _, step := range []struct {
		advance time.Duration
		code    string
		applied int
	}{{0, "0", 1}, {time.Hour - 1, "40901", 1}, {1, "0", 2}, {time.Hour - 1, "40901", 2}} {
		mu.Lock()
		now = now.Add(step.advance)
		mu.Unlock()
		if g := c.add("k"); g.code() != step.code {
			t.Errorf("after %v: %s", step.advance, g.body)
		}
		if e := lookup(t, s, Zhimai, "k"); e.Applied != step.applied {
			t.Errorf("after %v: applied %d, want %d", step.advance, e.Applied, step.applied)
		}
	}
	if n := s.Totals(Zhimai).DoubleApplied; n != 1 {
		t.Errorf("double applied: %d", n)
	}
}

// A repeat with other parameters is seen, also when it is refused or answered
// success.
func TestMismatch(t *testing.T) {
	t.Parallel()
	s, c := startSim(t, Config{})
	c.add("k")
	c.add("k")
	if e := lookup(t, s, Zhimai, "k"); e.Mismatched != 0 {
		t.Errorf("the same parameters are a mismatch: %+v", e)
	}
	for i, change := range []map[string]string{{"balance": "12"}, {"reason": "x"}, {"customerId": "1"}, {"balance": "-1"}, {"extra": ""}} {
		c.zhimai(context.Background(), "user.points-add", addParams("k", change))
		if e := lookup(t, s, Zhimai, "k"); e.Mismatched != i+1 || e.Applied != 1 || e.Points != 11 || e.Member != someMember {
			t.Errorf("%v: %+v", change, e)
		}
	}
	c.freeze("k")
	c.do(context.Background(), kylinPath, map[string]string{"X-Business-Token": "k"}, bytes.Replace(freezeBody(nil), []byte("5.0"), []byte("5"), 1))
	if e := lookup(t, s, Kylin, "k"); e.Mismatched != 1 || e.Received != 2 || e.Applied != 1 {
		t.Errorf("kylin: %+v", e)
	}
}

func TestBookIsBounded(t *testing.T) {
	t.Parallel()
	s, c := startSim(t, Config{MaxKeys: 2})
	for i, want := range []int{200, 200, 503} {
		if g := c.add(fmt.Sprint("k", i)); g.status != want {
			t.Errorf("key %d: status %d, want %d", i, g.status, want)
		}
	}
	if g := c.add("k0"); g.code() != "0" {
		t.Errorf("a known key of a full book: %s", g.body)
	}
	if n := s.Totals(Zhimai); n.Keys != 2 || n.Overflow != 1 {
		t.Errorf("totals %+v", n)
	}
}

// BenchmarkPointsAdd measures the simulator without the network.
func BenchmarkPointsAdd(b *testing.B) {
	s, err := New(Config{MaxKeys: 10_000_000})
	if err != nil {
		b.Fatal(err)
	}
	c := &caller{key: DefaultOpenKey}
	var mu sync.Mutex
	n := 0
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		envelope := c.envelope("user.points-add", nil)
		for pb.Next() {
			mu.Lock()
			n++
			key := strconv.Itoa(n)
			mu.Unlock()
			envelope["Params"] = addParams(key, nil)
			r := httptest.NewRequest(http.MethodPost, "/api/v2", bytes.NewReader(mustJSON(envelope)))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != 200 {
				b.Fatal(w.Code)
			}
		}
	})
	if t := s.Totals(Zhimai); t.Applied != int64(n) {
		b.Fatalf("applied %d of %d", t.Applied, n)
	}
}

// BenchmarkHTTP is 64 keep-alive connections, client and server on one machine.
func BenchmarkHTTP(b *testing.B) {
	s, c := startSim(b, Config{MaxKeys: 10_000_000})
	c.http.Transport = &http.Transport{MaxIdleConnsPerHost: 64}
	var mu sync.Mutex
	n := 0
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			mu.Lock()
			n++
			key := strconv.Itoa(n)
			mu.Unlock()
			if g := c.add(key); g.code() != "0" {
				b.Errorf("%v %s", g.err, g.body)
			}
		}
	})
	if t := s.Totals(Zhimai); t.Applied != int64(n) {
		b.Fatalf("applied %d of %d", t.Applied, n)
	}
}
