package sim

import (
	"context"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestNewNamesEveryBadField(t *testing.T) {
	t.Parallel()
	_, err := New(Config{Latency: -1, MaxKeys: -1,
		Zhimai: ZhimaiConfig{SigningPayload: "x", ReasonMaxChars: -1, Dedup: Dedup{Mode: "x"}, Records: RecordsConfig{Shape: "C"},
			Faults: Faults{Rates: map[FaultKind]float64{"x": 0.1, Hang: math.NaN()}}},
		Kylin: KylinConfig{AlreadyAppliedStatus: 99, Dedup: Dedup{KeyMemory: -1}, Faults: Faults{RetryAfter: -1}}})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, name := range []string{"Latency", "MaxKeys", "SigningPayload", "ReasonMaxChars", "Zhimai.Dedup", "Zhimai.Records", `"x"`, "hang",
		"AlreadyAppliedStatus", "Kylin.Dedup", "Kylin.Faults"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
}

func TestOutage(t *testing.T) {
	t.Parallel()
	s, c := startSim(t, Config{})
	for _, o := range []Outage{OutageClose, Outage503} {
		if err := s.SetOutage(Zhimai, o); err != nil {
			t.Fatal(err)
		}
		g := c.add("k")
		if o == OutageClose && g.err == nil || o == Outage503 && g.status != 503 {
			t.Errorf("%s: %d %v", o, g.status, g.err)
		}
	}
	if g := c.freeze("k"); g.status != 200 {
		t.Errorf("the other vendor: %d", g.status)
	}
	if _, ok := s.Lookup(Zhimai, "k"); ok || s.Totals(Zhimai).InOutage != 2 {
		t.Error("an outage saw a call")
	}
	if err := s.SetOutage(Zhimai, OutageOff); err != nil {
		t.Fatal(err)
	}
	if g := c.add("k"); g.code() != "0" {
		t.Errorf("back: %s", g.body)
	}
	if s.SetOutage("other", OutageOff) == nil || s.SetOutage(Zhimai, "on") == nil {
		t.Error("an unknown vendor or outage was accepted")
	}
}

// Stopping ends held calls; starting again on the same address keeps the book.
func TestStopAndStartAgain(t *testing.T) {
	t.Parallel()
	f := always(Hang)
	f.HangFor = time.Hour
	s, err := New(Config{Kylin: KylinConfig{Faults: f}})
	if err != nil {
		t.Fatal(err)
	}
	base, stop, err := s.Start("")
	if err != nil {
		t.Fatal(err)
	}
	c := newCaller(t, base)
	done := make(chan got)
	go func() { done <- c.freeze("held") }()
	waitFor(t, "call", func() bool { e, _ := s.Lookup(Kylin, "held"); return e.Received == 1 })
	c.add("k")
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if g := <-done; g.err == nil && g.status != 504 {
		t.Errorf("held call: %d", g.status)
	}
	if g := c.add("k"); g.err == nil {
		t.Error("stopped, but answers")
	}
	_, stop, err = s.Start(strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	c.add("k")
	wantCounts(t, lookup(t, s, Zhimai, "k"), 2, 1)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

func TestLatencyOutlivesTheClient(t *testing.T) {
	t.Parallel()
	s, c := startSim(t, Config{Latency: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan got)
	go func() { done <- c.zhimai(ctx, "user.points-add", addParams("k", nil)) }()
	waitFor(t, "call", func() bool { e, _ := s.Lookup(Zhimai, "k"); return e.Received == 1 })
	cancel()
	<-done
	waitFor(t, "application", func() bool { s.ReleaseHeld(); return lookup(t, s, Zhimai, "k").Applied == 1 })
}

// A client that follows redirects is found out.
func TestFollowedRedirectIsCounted(t *testing.T) {
	t.Parallel()
	s, c := startSim(t, Config{NoControl: true, Kylin: KylinConfig{Faults: always(Redirect)}})
	c.http.CheckRedirect = nil
	if g := c.freeze("k"); g.status != http.StatusTeapot {
		t.Errorf("followed: %d", g.status)
	}
	if n := s.Totals(Kylin).RedirectsFollowed; n != 1 {
		t.Errorf("followed %d, want 1", n)
	}
	wantCounts(t, lookup(t, s, Kylin, "k"), 1, 0)
}

// Reading calls meet faults too, the same ones for the same seed.
func TestReadsMeetFaults(t *testing.T) {
	t.Parallel()
	s, c := startSim(t, Config{Zhimai: ZhimaiConfig{Faults: Faults{Rates: map[FaultKind]float64{Error500Before: 1}, MaxPerKey: 2}}})
	var statuses []int
	for range 4 {
		g := c.zhimai(context.Background(), "user.my-cards", map[string]string{"user_id": "1"})
		statuses = append(statuses, g.status)
	}
	if statuses[0] != 500 || statuses[1] != 500 || statuses[2] != 200 || statuses[3] != 500 {
		t.Errorf("statuses %v", statuses)
	}
	if z := s.Totals(Zhimai); z.Reads != 4 || z.Faults[Error500Before] != 3 || z.Keys != 0 {
		t.Errorf("totals %+v", z)
	}
}
