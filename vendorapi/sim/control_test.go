package sim

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func control(t *testing.T, c *caller, method, path, body string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, b
}

func TestControlBook(t *testing.T) {
	t.Parallel()
	s, c := startSim(t, Config{})
	if status, _ := control(t, c, "GET", "/_sim/healthz", ""); status != 200 {
		t.Errorf("healthz: %d", status)
	}
	if _, b := control(t, c, "GET", "/_sim/book", ""); !bytes.HasPrefix(b, []byte(`{"entries":[]`)) {
		t.Errorf("empty book: %s", b)
	}
	c.add("a")
	c.add("a")
	c.freeze("b,\"c")
	var book struct {
		Entries []Entry           `json:"entries"`
		Totals  map[Vendor]Totals `json:"totals"`
	}
	_, b := control(t, c, "GET", "/_sim/book", "")
	if err := json.Unmarshal(b, &book); err != nil {
		t.Fatal(err)
	}
	if len(book.Entries) != 2 || book.Entries[0].Vendor != Kylin || book.Entries[1].Received != 2 || book.Totals[Zhimai].Repeats != 1 {
		t.Errorf("book: %s", b)
	}
	_, b = control(t, c, "GET", "/_sim/book?format=csv", "")
	rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil || len(rows) != 3 || rows[1][1] != "b,\"c" || strings.Join(rows[2][:10], " ") != "zhimai a "+someMember+" 11 2 1 11 1 0 0" {
		t.Errorf("csv: %v %q", err, rows)
	}
	_, b = control(t, c, "GET", "/_sim/book?vendor=zhimai&key=a", "")
	if bytes.Count(b, []byte(`"key":`)) != 1 {
		t.Errorf("narrowed: %s", b)
	}
	if status, _ := control(t, c, "GET", "/_sim/book?format=xml", ""); status != 400 {
		t.Errorf("unknown format: %d", status)
	}
	var totals map[Vendor]Totals
	_, b = control(t, c, "GET", "/_sim/totals", "")
	if err := json.Unmarshal(b, &totals); err != nil || totals[Kylin].Applied != 1 {
		t.Errorf("totals: %v %s", err, b)
	}
	if len(s.Book()) != 2 {
		t.Error("control calls are in the book")
	}
}

func TestControlConfig(t *testing.T) {
	t.Parallel()
	s, c := startSim(t, Config{})
	put := func(want int, body string) []byte {
		t.Helper()
		status, b := control(t, c, "PUT", "/_sim/config", body)
		if status != want {
			t.Errorf("%s: %d %s", body, status, b)
		}
		return b
	}
	before := string(put(200, `{}`))
	for _, bad := range []string{"", `{"zhimai":{"dedup":"maybe"}}`, `{"zhimai":{"nope":1}}`, `{"kylin":{"open_key":"x"}}`, `{"kylin":{"echo_reason":true}}`,
		`{"zhimai":{"open_key":""}}`, `{"zhimai":{"faults":{"preset":"huge"}}}`, `{"zhimai":{"faults":{"rates":{"hang":1.1}}}}`,
		`{"zhimai":{"faults":{"rates":{"hang":0.6,"429":0.6}}}}`, `{"zhimai":{"faults":{"rates":{"nope":0.1}}}}`, `{"zhimai":{"outage":"on"}}`,
		`{"zhimai":{"records_shape":"C"}}`, `{"zhimai":{"faults":{"hang_for_ms":-1}}}`, `{"zhimai":{"outage":"503"},"kylin":{"key_memory_ms":-1}}`} {
		want := 400
		if bad == "" {
			want = 415
		}
		put(want, bad)
	}
	if after := string(put(200, `{}`)); after != before {
		t.Errorf("refused changes changed something: %s, was %s", after, before)
	}

	b := put(200, `{"zhimai":{"dedup":"code","key_memory_ms":5000,"open_key":"k2","echo_reason":true,"records_shape":"B","records_lag_ms":1,
		"faults":{"preset":"heavy","rates":{"hang":0},"max_per_key":3,"hang_for_ms":9}},"kylin":{"outage":"503"}}`)
	set := s.vendors[0].settings.Load()
	heavy, _ := FaultsPreset("heavy")
	if set.dedup != (Dedup{DedupCode, 5 * time.Second}) || set.openKey != "k2" || !set.records.EchoReason || set.records.Shape != ShapeB ||
		set.records.Lag != time.Millisecond || set.faults.Rates[Hang] != 0 || set.faults.Rates[CutJSON] != heavy.Rates[CutJSON] ||
		set.faults.MaxPerKey != 3 || set.faults.HangFor != 9*time.Millisecond {
		t.Errorf("settings: %+v", set)
	}
	if bytes.Contains(b, []byte("k2")) {
		t.Errorf("the key is shown: %s", b)
	}
	if g := c.freeze("k"); g.status != 503 {
		t.Errorf("kylin away: %d", g.status)
	}
	put(200, `{"zhimai":{"faults":{"preset":"none"}},"kylin":{"outage":"off"}}`)
	if g := c.freeze("k"); g.status != 200 {
		t.Errorf("kylin back: %d", g.status)
	}
	if g := c.add("k"); g.code() != "40101" {
		t.Errorf("old key: %s", g.body)
	}
	c.key = "k2"
	if g := c.add("k"); g.code() != "0" {
		t.Errorf("new key: %s", g.body)
	}
	wantCounts(t, lookup(t, s, Kylin, "k"), 1, 1)
}

func TestControlRows(t *testing.T) {
	t.Parallel()
	s, c := startSim(t, Config{Members: MembersConfig{Unknown: []string{"404"}}})
	if status, b := control(t, c, "POST", "/_sim/rows", `{"member":"7","points":5,"count":3}`); status != 201 {
		t.Errorf("rows: %d %s", status, b)
	}
	if status, _ := control(t, c, "POST", "/_sim/rows", `{"member":"7","points":1,"type":"out","text":"x"}`); status != 201 {
		t.Errorf("rows: %d", status)
	}
	if n := s.Balance("7"); n != 14 {
		t.Errorf("balance %d, want 14", n)
	}
	for _, bad := range []string{`{"member":"404","points":5}`, `{"member":"7","points":0}`, `{"member":"7","points":1,"type":"up"}`, `{"member":"7","points":1,"count":1001}`} {
		if status, _ := control(t, c, "POST", "/_sim/rows", bad); status != 400 {
			t.Errorf("%s: %d", bad, status)
		}
	}
}

func TestNoControl(t *testing.T) {
	t.Parallel()
	_, c := startSim(t, Config{NoControl: true})
	if status, _ := control(t, c, "GET", "/_sim/book", ""); status != 404 {
		t.Errorf("control is off: %d", status)
	}
}

// Whoever opens the address without a path finds the pages that are there.
func TestIndexListsThePages(t *testing.T) {
	t.Parallel()
	for control, want := range map[bool]int{true: http.StatusOK, false: http.StatusNotFound} {
		s, err := New(Config{NoControl: !control})
		if err != nil {
			t.Fatal(err)
		}
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/", nil))
		if answer.Code != want || control != strings.Contains(answer.Body.String(), "/_sim/book") {
			t.Errorf("control %v: %d %s", control, answer.Code, answer.Body)
		}
	}
}
