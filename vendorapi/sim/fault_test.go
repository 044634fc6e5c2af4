package sim

import (
	"context"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Each kind: what the caller sees, and what the book says. Both variants of a
// kind are met because several keys are tried.
func TestFaultKinds(t *testing.T) {
	t.Parallel()
	html := func(g got) bool { return strings.HasPrefix(string(g.body), "<!DOCTYPE") }
	page := func(g got) bool { return (g.status == 200 || g.status == 201 || g.status == 502) && html(g) }
	kylinFailure := func(g got) bool {
		return g.status == 503 || g.status == 200 && g.json()["success"] == false && g.json()["code"] == "10500"
	}
	status := func(code int) func(got) bool { return func(g got) bool { return g.err == nil && g.status == code } }
	noReply := func(g got) bool { return g.err != nil && g.status == 0 }
	unreadable := func(g got) bool { return g.err != nil || g.json() == nil }
	for _, tt := range []struct {
		kind          FaultKind
		applied       int
		zhimai, kylin func(got) bool
	}{
		{ApplyThenDrop, 1, noReply, noReply},
		{DropBefore, 0, noReply, noReply},
		{Error500Before, 0, status(500), status(500)},
		{Error500After, 1, status(500), status(500)},
		{Hang, 0, status(504), status(504)},
		{HangAfter, 1, func(g got) bool { return g.code() == "0" }, frozen},
		{ApplyLate, 1, func(g got) bool { return g.code() == "0" }, frozen},
		{Throttle, 0, throttled, throttled},
		{HTMLBefore, 0, func(g got) bool { return g.status == 200 && html(g) }, page},
		{HTMLAfter, 1, func(g got) bool { return g.status == 200 && html(g) }, page},
		{CutJSON, 1, unreadable, unreadable},
		{StatusFalseBefore, 0, statusFalse, kylinFailure},
		{StatusFalseAfter, 1, statusFalse, kylinFailure},
		{Redirect, 0, status(307), status(307)},
		{Oversized, 1, func(g got) bool { return len(g.body) > 5<<20 }, func(g got) bool { return len(g.body) > 5<<20 }},
	} {
		t.Run(string(tt.kind), func(t *testing.T) {
			t.Parallel()
			f := always(tt.kind)
			f.HangFor = 5 * time.Millisecond
			s, c := startSim(t, Config{Zhimai: ZhimaiConfig{Faults: f}, Kylin: KylinConfig{Faults: f}})
			for i := range 6 {
				key := "key" + strconv.Itoa(i)
				if g := c.add(key); !tt.zhimai(g) {
					t.Errorf("zhimai: status %d, error %v, %d bytes: %.80s", g.status, g.err, len(g.body), g.body)
				}
				if g := c.freeze(key); !tt.kylin(g) {
					t.Errorf("kylin: status %d, error %v, %d bytes: %.80s", g.status, g.err, len(g.body), g.body)
				}
				wantCounts(t, lookup(t, s, Zhimai, key), 1, tt.applied)
				wantCounts(t, lookup(t, s, Kylin, key), 1, tt.applied)
			}
			for _, v := range vendorNames {
				if n := s.Totals(v).Faults[tt.kind]; n != 6 {
					t.Errorf("%s totals name %d faults, want 6", v, n)
				}
			}
			if got, want := s.Balance(someMember), int64(6*11*tt.applied); got != want {
				t.Errorf("balance %d, want %d", got, want)
			}
		})
	}
}

func throttled(g got) bool {
	after := g.header.Get("Retry-After")
	_, err := http.ParseTime(after)
	return g.status == 429 && (after == "1" || err == nil)
}

func statusFalse(g got) bool {
	v := g.json()
	return g.status == 200 && (v["status"] == false || v["status"] == "false")
}

func TestHarmlessKinds(t *testing.T) {
	t.Parallel()
	for kind, look := range map[FaultKind]func(z, k got) bool{
		"":             func(z, k got) bool { return strings.Contains(string(z.body), `"code":0,`) && k.status == 200 },
		StringBooleans: func(z, k got) bool { return z.json()["status"] == "true" && z.json()["code"] == "0" && k.status == 201 },
		WrongTypes: func(z, k got) bool {
			_, isList := z.json()["data"].([]any)
			return z.json()["status"] == true && z.json()["code"] == "0" && !isList && k.status == 204 && len(k.body) == 0
		},
	} {
		f := Faults{}
		if kind != "" {
			f = always(kind)
		}
		s, c := startSim(t, Config{Zhimai: ZhimaiConfig{Faults: f}, Kylin: KylinConfig{Faults: f}})
		for i := range 8 { // more than MaxPerKey of one key: harmless kinds are not capped
			z, k := c.add("key"), c.freeze("key")
			if z.code() != "0" || !look(z, k) {
				t.Errorf("%s %d: zhimai %s, kylin %d %s", kind, i, z.body, k.status, k.body)
			}
		}
		wantCounts(t, lookup(t, s, Zhimai, "key"), 8, 1)
	}
}

// A held call ends when its client goes away, long before HangFor.
func TestHangEndsWithTheClient(t *testing.T) {
	t.Parallel()
	for kind, applied := range map[FaultKind]int{Hang: 0, HangAfter: 1} {
		f := always(kind)
		f.HangFor = time.Hour
		s, err := New(Config{Kylin: KylinConfig{Faults: f}})
		if err != nil {
			t.Fatal(err)
		}
		srv := httptest.NewServer(s)
		c := newCaller(t, srv.URL)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan got)
		go func() {
			done <- c.do(ctx, kylinPath, map[string]string{"X-Business-Token": "k"}, freezeBody(nil))
		}()
		waitFor(t, "call", func() bool { e, _ := s.Lookup(Kylin, "k"); return e.Received == 1 && e.Applied == applied })
		cancel()
		if g := <-done; g.err == nil {
			t.Errorf("%s: got an answer %d", kind, g.status)
		}
		srv.Close() // waits for the handler
		wantCounts(t, lookup(t, s, Kylin, "k"), 1, applied)
	}
}

// The client is long gone when the vendor carries the call out.
func TestApplyLateAfterTheClientLeft(t *testing.T) {
	t.Parallel()
	f := always(ApplyLate)
	f.HangFor = time.Hour
	s, err := New(Config{Zhimai: ZhimaiConfig{Faults: f}})
	if err != nil {
		t.Fatal(err)
	}
	base, stop, err := s.Start("")
	if err != nil {
		t.Fatal(err)
	}
	c := newCaller(t, base)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan got)
	go func() { done <- c.zhimai(ctx, "user.points-add", addParams("late", nil)) }()
	waitFor(t, "call", func() bool { e, _ := s.Lookup(Zhimai, "late"); return e.Received == 1 })
	cancel()
	<-done
	wantCounts(t, lookup(t, s, Zhimai, "late"), 1, 0)
	waitFor(t, "late application", func() bool { // the call may not have begun to wait yet
		s.ReleaseHeld()
		return lookup(t, s, Zhimai, "late").Applied == 1
	})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

func TestUnauthorisedWindow(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Now()
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	advance := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); now = now.Add(d) }
	f := always(Unauthorised401)
	f.UnauthorisedFor = time.Second
	s, c := startSim(t, Config{Now: clock, Zhimai: ZhimaiConfig{Faults: f}})
	status := func(want int, key string) {
		t.Helper()
		if g := c.add(key); g.status != want {
			t.Errorf("%s: status %d, want %d", key, g.status, want)
		}
	}
	status(401, "opens")
	status(401, "inside")
	if n := s.Totals(Zhimai).Faults[Unauthorised401]; n != 1 {
		t.Errorf("%d faults drawn: a call inside the window must not draw", n)
	}
	if err := s.SetFaults(Zhimai, Faults{}); err != nil {
		t.Fatal(err)
	}
	if g := c.freeze("other vendor"); g.status != 200 {
		t.Errorf("kylin: status %d while zhimai's window is open", g.status)
	}
	advance(time.Second - 1)
	status(401, "inside")
	advance(1)
	status(200, "inside")
	wantCounts(t, lookup(t, s, Zhimai, "inside"), 3, 1)
	if n := s.Totals(Zhimai).InWindow; n != 2 {
		t.Errorf("in window: %d, want 2", n)
	}

	// A second draw soon after costs one call, not a window.
	if err := s.SetFaults(Zhimai, f); err != nil {
		t.Fatal(err)
	}
	status(401, "soon")
	if err := s.SetFaults(Zhimai, Faults{}); err != nil {
		t.Fatal(err)
	}
	status(200, "after soon")
}

func TestMaxPerKey(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		limit  int
		spared []int
	}{{2, []int{3, 6, 9}}, {0, []int{7}}, {-1, nil}} {
		table := compileFaults(Faults{Rates: map[FaultKind]float64{DropBefore: 1}, MaxPerKey: tt.limit})
		var d draws
		var spared []int
		for i := 1; i <= 10; i++ {
			if d.next(&table, 42).fault == "" {
				spared = append(spared, i)
			}
		}
		if !reflect.DeepEqual(spared, tt.spared) {
			t.Errorf("limit %d: spared %v, want %v", tt.limit, spared, tt.spared)
		}
	}
}

// sequences draws 12 faults for each of 100 keys, the keys in parallel.
func sequences(t *testing.T, seed uint64, workers int) map[string][]plan {
	f, err := FaultsPreset("heavy")
	if err != nil {
		t.Fatal(err)
	}
	table, b := compileFaults(f), newBook(seed, 1000)
	var mu sync.Mutex
	var wg sync.WaitGroup
	all := make(map[string][]plan)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < 100; i += workers {
				key := "k" + strconv.Itoa(i)
				var plans []plan
				for range 12 {
					p, _ := b.receive(movement{key: key}, &table, time.Time{})
					plans = append(plans, p)
				}
				mu.Lock()
				all[key] = plans
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return all
}

func TestSameSeedSameFaults(t *testing.T) {
	t.Parallel()
	first := sequences(t, 7, 1)
	if !reflect.DeepEqual(first, sequences(t, 7, 16)) {
		t.Error("the same seed gave other faults when the keys ran in parallel")
	}
	if reflect.DeepEqual(first, sequences(t, 8, 1)) {
		t.Error("another seed gave the same faults")
	}
	// Pinned: a seed in a bug report must mean the same in the next version.
	var kinds []FaultKind
	for _, p := range first["k67"] {
		kinds = append(kinds, p.fault)
	}
	want := []FaultKind{CutJSON, CutJSON, ApplyThenDrop, "", "", "", StatusFalseBefore, "", "", "", HTMLBefore, StatusFalseAfter}
	if !reflect.DeepEqual(kinds, want) {
		t.Errorf("seed 7, key k67: %q, want %q", kinds, want)
	}
}

func TestPresets(t *testing.T) {
	t.Parallel()
	for name, share := range map[string]float64{"none": 0, "light": 0.05, "heavy": 0.25} {
		f, err := FaultsPreset(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.validate(); err != nil {
			t.Fatal(err)
		}
		table := compileFaults(f)
		const keys = 100_000
		seen := make(map[FaultKind]int)
		for i := range uint64(keys) {
			var d draws
			p := d.next(&table, mix(i))
			if p.fault != "" {
				seen[p.fault]++
			}
		}
		total := 0
		for n := range maps.Values(seen) {
			total += n
		}
		if got := float64(total) / keys; math.Abs(got-share) > 0.01 {
			t.Errorf("%s: %.3f of the calls go wrong, want %.2f", name, got, share)
		}
		if name != "none" && len(seen) != len(harmfulKinds) {
			t.Errorf("%s: only %d kinds seen: %v", name, len(seen), seen)
		}
		if f.HangFor <= 2*time.Second || f.Rates[Hang]+f.Rates[HangAfter]+f.Rates[ApplyLate] > 0.01 {
			t.Errorf("%s: hangs of %v are too short or too many", name, f.HangFor)
		}
	}
	if _, err := FaultsPreset("Heavy"); err == nil {
		t.Error("an unknown preset was accepted")
	}
}
