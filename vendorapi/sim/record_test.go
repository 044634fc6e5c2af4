package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"sync"
	"testing"
	"time"
)

// items reads one page; ok is false when the answer is not a success.
func items(c *caller, params map[string]string) (rows []map[string]any, data any, ok bool) {
	g := c.zhimai(context.Background(), "user.user-points-records", params)
	data = g.json()["data"]
	inner, _ := data.(map[string]any)
	if deeper, isB := inner["data"].(map[string]any); isB {
		inner = deeper
	}
	list, _ := inner["item_list"].([]any)
	for _, row := range list {
		rows = append(rows, row.(map[string]any))
	}
	return rows, data, g.code() == "0"
}

func page(number int, more ...string) map[string]string {
	p := map[string]string{"user_id": someMember, "page": strconv.Itoa(number), "page_size": "3"}
	for i := 0; i < len(more); i += 2 {
		p[more[i]] = more[i+1]
	}
	return p
}

func addRecords(t *testing.T, c *caller, n int) {
	t.Helper()
	for i := range n {
		p := addParams(fmt.Sprint("r", i), map[string]string{"balance": strconv.Itoa(i + 1), "reason": fmt.Sprint("#", i), "sourceType": "11"})
		if g := c.zhimai(context.Background(), "user.points-add", p); g.code() != "0" {
			t.Fatalf("add %d: %s", i, g.body)
		}
	}
}

func TestRecordsShapeA(t *testing.T) {
	t.Parallel()
	s, c := startSim(t, Config{Zhimai: ZhimaiConfig{Records: RecordsConfig{EchoReason: true}}})
	if _, data, ok := items(c, page(1)); !ok || !reflect.DeepEqual(data, []any{}) {
		t.Errorf("no records: %v, want an empty list", data)
	}
	addRecords(t, c, 7)
	if err := s.InsertRow(someMember, 4, true, "兑换"); err != nil {
		t.Fatal(err)
	}
	var words []any
	for n, size := range map[int]int{1: 3, 2: 3, 3: 2, 4: 0} {
		rows, data, ok := items(c, page(n))
		d, _ := data.(map[string]any)
		if !ok || len(rows) != size || d["current_page"] != json.Number(strconv.Itoa(n)) || d["per_page"] != json.Number("3") ||
			d["last_page"] != json.Number("3") || d["total"] != json.Number("8") {
			t.Errorf("page %d: %v", n, data)
		}
	}
	for n := 1; n <= 3; n++ {
		rows, _, _ := items(c, page(n))
		for _, r := range rows {
			words = append(words, r["desc"])
		}
	}
	if want := []any{"兑换", "#6", "#5", "#4", "#3", "#2", "#1", "#0"}; !reflect.DeepEqual(words, want) {
		t.Errorf("newest first: %v, want %v", words, want)
	}
	rows, _, _ := items(c, page(1))
	if r := rows[0]; r["type"] != json.Number("2") || r["sub_type"] != json.Number("2") || r["points"] != json.Number("4") ||
		r["previous_point"] != json.Number("28") || r["change_text"] != "-4" {
		t.Errorf("spent row: %v", r)
	}
	if r := rows[1]; r["type"] != json.Number("1") || r["previous_point"] != json.Number("21") || r["change_text"] != "+7" {
		t.Errorf("awarded row: %v", r)
	}
	if _, err := time.Parse(time.DateTime, fmt.Sprint(rows[0]["created_at"])); err != nil {
		t.Error(err)
	}
	for filter, n := range map[string]int{"all": 8, "in": 7, "out": 1, "": 8} {
		if rows, _, _ := items(c, page(1, "type", filter, "page_size", "")); len(rows) != n {
			t.Errorf("type %q: %d rows, want %d", filter, len(rows), n)
		}
	}
	for _, bad := range []map[string]string{page(0), page(1, "page_size", "0"), page(1, "page_size", "1001"), page(1, "type", "up"), page(1, "user_id", "")} {
		if _, data, ok := items(c, bad); ok {
			t.Errorf("%v: %v", bad, data)
		}
	}
}

func TestRecordsShapeBStringsWithoutReason(t *testing.T) {
	t.Parallel()
	_, c := startSim(t, Config{Zhimai: ZhimaiConfig{Records: RecordsConfig{Shape: ShapeB, Strings: true}}})
	addRecords(t, c, 4)
	rows, data, _ := items(c, page(2))
	if len(rows) != 1 || len(data.(map[string]any)) != 1 {
		t.Fatalf("page 2: %v", data)
	}
	created := rows[0]["created_at"]
	if want := map[string]any{"type": "1", "points": "1", "source_desc": "评价得积分", "created_at": created}; !reflect.DeepEqual(rows[0], want) {
		t.Errorf("row %v, want %v", rows[0], want)
	}
}

func TestRecordsLag(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Now()
	s, c := startSim(t, Config{Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now },
		Zhimai: ZhimaiConfig{Records: RecordsConfig{Lag: time.Minute}}})
	addRecords(t, c, 2)
	count := func() int { rows, _, _ := items(c, page(1)); return len(rows) }
	advance := func(d time.Duration) { mu.Lock(); now = now.Add(d); mu.Unlock() }
	if n := count(); n != 0 || s.Balance(someMember) != 3 {
		t.Errorf("%d rows at once, balance %d", n, s.Balance(someMember))
	}
	if err := s.InsertRow(someMember, 1, false, "x"); err != nil {
		t.Fatal(err)
	}
	if advance(time.Minute - 1); count() != 1 {
		t.Error("want the inserted row only, just before the lag is over")
	}
	if advance(1); count() != 3 {
		t.Error("want all rows when the lag is over")
	}
}

// Rows that arrive between two pages push the others down: a reader sees rows
// twice, or, when it reads page 1 last, new ones. No row of ours is ever lost
// to a reader that reads on.
func TestRowsBetweenPages(t *testing.T) {
	t.Parallel()
	s, c := startSim(t, Config{Zhimai: ZhimaiConfig{Records: RecordsConfig{EchoReason: true, RowsBetweenPages: 2, RowsBetweenPagesLimit: 5}}})
	addRecords(t, c, 6)
	seen := make(map[any]int)
	strange, pages := 0, 0
	for n := 1; ; n++ {
		rows, data, ok := items(c, page(n))
		if !ok {
			t.Fatalf("page %d: %v", n, data)
		}
		pages++
		for _, r := range rows {
			if text := fmt.Sprint(r["desc"]); text[0] == '#' {
				seen[text]++
			} else {
				strange++
			}
		}
		if len(rows) < 3 {
			break
		}
	}
	twice := 0
	for i := range 6 {
		if n := seen[fmt.Sprint("#", i)]; n == 0 {
			t.Errorf("#%d was never seen", i)
		} else if n > 1 {
			twice++
		}
	}
	if twice == 0 || pages < 3 {
		t.Errorf("%d pages, no row was pushed down: %v", pages, seen)
	}
	first, _, _ := items(c, page(1))
	again, _, _ := items(c, page(1))
	if !reflect.DeepEqual(first, again) || len(first) != 3 {
		t.Errorf("after the limit rows still arrive: %v, then %v", first, again)
	}
	_, data, _ := items(c, page(1))
	if total := data.(map[string]any)["total"]; total != json.Number("11") {
		t.Errorf("total %v, want 6 of ours and 5 others", total)
	}
	if _, data, _ := items(c, page(1, "user_id", "1")); !reflect.DeepEqual(data, []any{}) {
		t.Errorf("a member without records got rows by reading: %v", data)
	}
	if z := s.Totals(Zhimai); z.Applied != 6 || z.AppliedPoints != 21 {
		t.Errorf("unrelated rows are in the book: %+v", z)
	}
}

func TestRecordsAreBounded(t *testing.T) {
	t.Parallel()
	s, c := startSim(t, Config{Members: MembersConfig{StartBalance: 5}, Zhimai: ZhimaiConfig{Records: RecordsConfig{EchoReason: true, MaxPerMember: 4}}})
	addRecords(t, c, 6)
	rows, _, _ := items(c, page(1, "page_size", "10"))
	if len(rows) != 4 || rows[0]["desc"] != "#5" || s.Balance(someMember) != 26 {
		t.Errorf("%d rows, newest %v, balance %d", len(rows), rows[0]["desc"], s.Balance(someMember))
	}
}
