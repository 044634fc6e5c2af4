package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// clock is a vendor's clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Now()} }

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *clock) advance(d time.Duration) { c.mu.Lock(); c.now = c.now.Add(d); c.mu.Unlock() }

// texts are what the member's records show, newest first.
func texts(t *testing.T, c *caller) []string {
	t.Helper()
	rows, data, ok := items(c, page(1, "page_size", "100"))
	if !ok {
		t.Fatalf("records: %v", data)
	}
	var all []string
	for _, r := range rows {
		text, isA := r["desc"]
		if !isA {
			text = r["source_desc"]
		}
		all = append(all, fmt.Sprint(text))
	}
	return all
}

func wantTexts(t *testing.T, c *caller, what string, want ...string) {
	t.Helper()
	if all := texts(t, c); !slices.Equal(all, want) {
		t.Errorf("%s: records show %q, want %q", what, all, want)
	}
}

// addOne grants one point with this reason, at this moment of the clock.
func addOne(t *testing.T, c *caller, reason string) {
	t.Helper()
	if g := c.zhimai(context.Background(), "user.points-add", addParams(reason, map[string]string{"balance": "1", "reason": reason})); g.code() != "0" {
		t.Fatalf("%s: %s", reason, g.body)
	}
}

// Every habit is switched on and off at /_sim/config while the simulator runs,
// and none of them changes the book.
func TestRecordHabitsAreSwitchedWhileRunning(t *testing.T) {
	t.Parallel()
	at := newClock()
	s, c := startSim(t, Config{Now: at.Now, Zhimai: ZhimaiConfig{TimestampSkew: -1, Records: RecordsConfig{EchoReason: true}}})
	put := func(body string) {
		t.Helper()
		if status, b := control(t, c, "PUT", "/_sim/config", `{"zhimai":`+body+`}`); status != 200 {
			t.Fatalf("%s: %d %s", body, status, b)
		}
	}
	for _, reason := range []string{"订单一", "订单二", "订单三", "订单四"} {
		addOne(t, c, reason)
		at.advance(time.Minute)
	}
	wantTexts(t, c, "friendly", "订单四", "订单三", "订单二", "订单一")
	put(`{"echo_reason":false}`)
	wantTexts(t, c, "no reasons", "消费增加", "消费增加", "消费增加", "消费增加")
	put(`{"echo_reason":true,"records_reason_cut":2}`)
	wantTexts(t, c, "cut", "订单", "订单", "订单", "订单")
	put(`{"records_reason_cut":0,"records_quote_previous":true}`)
	wantTexts(t, c, "quoted", "订单三 订单四", "订单二 订单三", "订单一 订单二", "订单一")
	put(`{"records_quote_previous":false,"records_keep_newest":2}`)
	wantTexts(t, c, "short history", "订单四", "订单三")
	put(`{"records_keep_newest":0,"records_keep_for_ms":180000}`)
	wantTexts(t, c, "last three minutes", "订单四", "订单三")
	put(`{"records_keep_for_ms":0,"records_lag_ms":90000}`)
	wantTexts(t, c, "lag", "订单三", "订单二", "订单一")
	put(`{"records_lag_ms":0,"records_empty_rate":1}`)
	wantTexts(t, c, "data []")
	put(`{"records_empty_rate":0,"records_page_cap":3}`)
	wantTexts(t, c, "page cap", "订单四", "订单三", "订单二")
	put(`{"records_page_cap":0,"records_short_page_rate":1}`)
	wantTexts(t, c, "short page", "订单四", "订单三")
	put(`{"records_short_page_rate":0,"records_missing_rate":1}`)
	wantTexts(t, c, "all missing")
	put(`{"records_missing_rate":0.5}`)
	if first := texts(t, c); !slices.Equal(first, texts(t, c)) {
		t.Errorf("other records are missing at each reading")
	}
	put(`{"records_missing_rate":0,"records_stale":true,"balance_stuck":true}`)
	at.advance(time.Second)
	addOne(t, c, "订单五")
	wantTexts(t, c, "stale copy", "订单四", "订单三", "订单二", "订单一")
	if n := identityPoints(t, c); n != "4" || s.Balance(someMember) != 5 {
		t.Errorf("balance that stands still: %s, and truly %d", n, s.Balance(someMember))
	}
	put(`{"records_stale":false,"balance_stuck":false}`)
	wantTexts(t, c, "friendly again", "订单五", "订单四", "订单三", "订单二", "订单一")
	if n := identityPoints(t, c); n != "5" {
		t.Errorf("balance: %s", n)
	}
	if z := s.Totals(Zhimai); z.Applied != 5 || z.AppliedPoints != 5 {
		t.Errorf("a habit is in the book: %+v", z)
	}
}

// identityPoints is the balance that communal.user.identity shows.
func identityPoints(t *testing.T, c *caller) string {
	t.Helper()
	g := c.zhimai(context.Background(), "communal.user.identity", map[string]string{"type": "4", "user_id": someMember})
	data, _ := g.json()["data"].(map[string]any)
	info, _ := data["user_info"].(map[string]any)
	return fmt.Sprint(info["user_points"])
}

// A vendor that stops showing reasons may stop for what is written from then
// on, and begin again.
func TestEchoPerRecord(t *testing.T) {
	t.Parallel()
	s, c := startSim(t, Config{Zhimai: ZhimaiConfig{Records: RecordsConfig{EchoReason: true, EchoPerRecord: true}}})
	addOne(t, c, "a")
	if err := s.SetRecords(RecordsConfig{EchoPerRecord: true}); err != nil {
		t.Fatal(err)
	}
	addOne(t, c, "b")
	if err := s.SetRecords(RecordsConfig{EchoReason: true, EchoPerRecord: true}); err != nil {
		t.Fatal(err)
	}
	addOne(t, c, "c")
	wantTexts(t, c, "echo off midway", "c", "消费增加", "a")
}

// Two copies behind one address: now one answers, now the other.
func TestStaleCopyNowAndThen(t *testing.T) {
	t.Parallel()
	s, c := startSim(t, Config{Zhimai: ZhimaiConfig{Records: RecordsConfig{EchoReason: true}}})
	addOne(t, c, "a")
	if err := s.SetRecords(RecordsConfig{EchoReason: true, StaleSince: time.Now().Add(-time.Hour), StaleRate: 0.5}); err != nil {
		t.Fatal(err)
	}
	counts := make(map[int]int)
	for range 60 {
		counts[len(texts(t, c))]++
	}
	if counts[0] == 0 || counts[1] == 0 || len(counts) != 2 {
		t.Errorf("how many records were shown how often: %v", counts)
	}
}

// created_at names no zone; the simulator can write it in any.
func TestRecordZones(t *testing.T) {
	t.Parallel()
	at := newClock()
	at.now = time.Date(2026, 11, 20, 23, 30, 0, 0, time.UTC)
	s, c := startSim(t, Config{Now: at.Now, Zhimai: ZhimaiConfig{TimestampSkew: -1}})
	addOne(t, c, "a")
	for zone, want := range map[string]string{"": "2026-11-21 07:30:00", "Z": "2026-11-20 23:30:00", "+09:00": "2026-11-21 08:30:00",
		"-05:30": "2026-11-20 18:00:00"} {
		if err := s.SetRecords(RecordsConfig{Zone: zone}); err != nil {
			t.Fatal(err)
		}
		if rows, _, _ := items(c, page(1)); rows[0]["created_at"] != want {
			t.Errorf("zone %q: %v, want %s", zone, rows[0]["created_at"], want)
		}
	}
	for _, bad := range []RecordsConfig{{Zone: "Shanghai"}, {EmptyRate: 1.1}, {KeepNewest: -1}, {KeepFor: -1}, {StaleRate: -0.1}} {
		if err := s.SetRecords(bad); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

// A code that is nobody's is a business exception by the page, and a success
// with an id that is none by a client of the vendor.
func TestIdentityOfNobody(t *testing.T) {
	t.Parallel()
	s, c := startSim(t, Config{})
	ask := func() got {
		return c.zhimai(context.Background(), "communal.user.identity", map[string]string{"type": "3", "user_code": "stranger"})
	}
	if g := ask(); g.code() != "40401" {
		t.Errorf("by default: %s", g.body)
	}
	for nobody, want := range map[Nobody]any{NobodyZero: json.Number("0"), NobodyZeroString: "0", NobodyEmpty: "", NobodyNull: nil,
		NobodyNullString: "null", NobodyNegative: json.Number("-1"), NobodyWord: "guest", NobodyAbsent: nil} {
		if err := s.SetIdentity(IdentityConfig{Nobody: nobody}); err != nil {
			t.Fatal(err)
		}
		g := ask()
		data, _ := g.json()["data"].(map[string]any)
		info, _ := data["user_info"].(map[string]any)
		if id, there := info["id"]; g.code() != "0" || id != want || there != (nobody != NobodyAbsent) {
			t.Errorf("%s: %s", nobody, g.body)
		}
	}
	if err := s.SetIdentity(IdentityConfig{Nobody: "someone"}); err == nil {
		t.Error("an unknown way was accepted")
	}
}

// A success of freezePoint has a body that the page does not show.
func TestKylinBodies(t *testing.T) {
	t.Parallel()
	s, c := startSim(t, Config{})
	for body, want := range map[KylinBody]string{KylinBodyWords: `{"code":"200","message":"OK"}`, KylinBodyEmpty: "", KylinBodyObject: "{}",
		KylinBodyNull: "null", KylinBodyData: `{"success":true,"data":{"frozen":true},"traceId":"0a1b"}`} {
		if status, b := control(t, c, "PUT", "/_sim/config", `{"kylin":{"body":"`+string(body)+`"}}`); status != 200 {
			t.Fatalf("%s: %s", body, b)
		}
		if g := c.freeze(string(body)); g.status != 200 || string(g.body) != want {
			t.Errorf("%s: %d %s", body, g.status, g.body)
		}
	}
	if k := s.Totals(Kylin); k.Applied != 5 {
		t.Errorf("%+v", k)
	}
}

// A member's history may begin before the simulator does, and stays in order.
func TestOldRows(t *testing.T) {
	t.Parallel()
	s, c := startSim(t, Config{Zhimai: ZhimaiConfig{Records: RecordsConfig{EchoReason: true}}})
	if status, b := control(t, c, "POST", "/_sim/rows", `{"member":"`+someMember+`","points":4,"text":"期初","count":2,"age_ms":86400000}`); status != 201 {
		t.Fatalf("%d %s", status, b)
	}
	addOne(t, c, "a")
	wantTexts(t, c, "with a history", "a", "期初", "期初")
	if n := s.Balance(someMember); n != 9 {
		t.Errorf("balance %d, want 9", n)
	}
	if err := s.InsertOldRow(someMember, 1, false, "late", time.Hour); err == nil {
		t.Error("a record was put behind newer ones")
	}
	if err := s.InsertOldRow(someMember, 1, false, "of tomorrow", -time.Hour); err == nil {
		t.Error("a record of the future was accepted")
	}
}
