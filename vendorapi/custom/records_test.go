package custom_test

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"pointsledger/evidence"
	"pointsledger/vendorapi"
)

// readingShop reads records by pages of two.
func readingShop(records string) string {
	return strings.Replace(shop, "    calls:\n", "    calls:\n      records: "+records+"\n", 1)
}

const (
	byPage   = `{request: "GET /records?who={member_id}&page={page}&size={page_size}", list: /data/items, points: /score, text: /remark, at: /time, before: /was, award: {/type: [1]}, page: {size: 2}}`
	byTotal  = `{request: "GET /records?who={member_id}&page={page}", list: /data/items, points: /score, page: {first: 0, size: 2, total: /data/total}}`
	byLast   = `{request: "GET /records?who={member_id}&page={page}", list: /data/items, points: /score, page: {size: 2, last: /data/last}}`
	byOffset = `{request: "GET /records?who={member_id}&page={offset}", list: /data/items, points: /score, page: {size: 2}}`
	onePage  = `{request: "GET /records?who={member_id}", list: /data/items, points: /score, text: /remark}`
)

// pagesOf answers each page by its number, and with an empty list behind them.
func pagesOf(first int, rest string, pages ...string) func(int, got) reply {
	return func(_ int, r got) reply {
		u, _ := url.Parse(strings.TrimPrefix(r.target, "GET "))
		var n int
		_, _ = fmt.Sscan(u.Query().Get("page"), &n)
		items := ""
		if n -= first; n >= 0 && n < len(pages) {
			items = pages[n]
		}
		return reply{body: `{"data":{"items":[` + items + `]` + rest + `}}`}
	}
}

func readOf(t *testing.T, s *server, records string) (evidence.Reading, vendorapi.Reply) {
	t.Helper()
	_, sender := open(t, readingShop(records), s.url, shopKey)
	return sender.(vendorapi.RecordReader).ReadRecords(t.Context(), "m&42")
}

const (
	first  = `{"score":5,"type":1,"remark":"订单 #7K2M","time":"2026-11-27 20:00:00","was":"10"},{"score":"3","type":"2","remark":"x","time":1795780800}`
	second = `{"score":"7.00","type":1,"time":"2026-11-27T12:00:00Z"},{"score":-2,"type":1,"time":"soon","was":null}`
	third  = `{"score":1,"type":1,"time":1795780800123}`
)

// All pages are read, and the first again at the end; numbers may be texts.
func TestRecordsOfAllPages(t *testing.T) {
	t.Parallel()
	at := time.Unix(1795780800, 0)
	want := []evidence.Record{
		{Award: true, Points: 5, Text: "订单 #7K2M", At: at, Before: 10, Tells: true}, {Points: 3, Text: "x", At: at},
		{Award: true, Points: 7, At: at}, {Award: true, Points: -2}, {Award: true, Points: 1, At: at.Add(123 * time.Millisecond)},
	}
	s := serve(t, pagesOf(1, "", first, second, third))
	reading, reply := readOf(t, s, byPage)
	if reply.Outcome != vendorapi.Applied || !reading.Complete || len(reading.Records) != len(want) {
		t.Fatalf("%+v %+v", reading, reply)
	}
	for i, r := range reading.Records {
		if !r.At.Equal(want[i].At) {
			t.Errorf("record %d at %s", i, r.At)
		}
		r.At = want[i].At
		if !reflect.DeepEqual(r, want[i]) {
			t.Errorf("record %d %+v, want %+v", i, r, want[i])
		}
	}
	var pages []string
	for _, r := range s.requests() {
		pages = append(pages, strings.TrimPrefix(r.target, "GET /records?who=m%2642&"))
	}
	if got := strings.Join(pages, " "); got != "page=1&size=2 page=2&size=2 page=3&size=2 page=4&size=2 page=1&size=2" {
		t.Errorf("read %s", got)
	}
}

// When a list is whole, and when it is no list at all.
func TestRecordsThatProveSomething(t *testing.T) {
	t.Parallel()
	const items = `{"data":{"items":[` + first + `]}}`
	for name, c := range map[string]struct {
		records  string
		answer   func(int, got) reply
		count    int // -1: unreadable
		complete bool
		requests int
	}{
		"an empty list":               {byPage, pagesOf(1, ""), 0, true, 1},
		"an empty list without pages": {onePage, pagesOf(1, ""), 0, false, 1},
		"without pages":               {onePage, pagesOf(0, "", first), 2, false, 1},
		"one page, by total":          {byTotal, pagesOf(0, `,"total":"2"`, first), 2, true, 1},
		"two pages, by total":         {byTotal, pagesOf(0, `,"total":4`, first, second), 4, true, 3},
		"fewer than the total":        {byTotal, pagesOf(0, `,"total":9`, first, second), 4, false, 4},
		"one page, by the last":       {byLast, pagesOf(1, `,"last":1`, first), 2, true, 1},
		"two pages, by the last":      {byLast, pagesOf(1, `,"last":"2"`, first, second), 4, true, 3},
		"by offset": {byOffset, func(n int, _ got) reply {
			return pagesOf(0, "", first)(0, got{target: "GET /?page=" + fmt.Sprint((n-1)%2)})
		}, 2, true, 3},
		"no total where one is named":      {byTotal, pagesOf(0, ``, first), -1, false, 1},
		"a page twice":                     {byPage, func(int, got) reply { return reply{body: items} }, -1, false, 2},
		"HTML":                             {byPage, func(int, got) reply { return reply{body: "<html>"} }, -1, false, 1},
		"nothing":                          {byPage, func(int, got) reply { return reply{} }, -1, false, 1},
		"204":                              {byPage, func(int, got) reply { return reply{status: 204} }, -1, false, 1},
		"no list":                          {byPage, func(int, got) reply { return reply{body: `{"data":{}}`} }, -1, false, 1},
		"null for a list":                  {byPage, func(int, got) reply { return reply{body: `{"data":{"items":null}}`} }, -1, false, 1},
		"an object for a list":             {byPage, func(int, got) reply { return reply{body: `{"data":{"items":{}}}`} }, -1, false, 1},
		"a list for data":                  {byPage, func(int, got) reply { return reply{body: `{"data":[]}`} }, -1, false, 1},
		"a list that stands twice":         {byPage, func(int, got) reply { return reply{body: `{"data":{"items":[],"items":[]}}`} }, -1, false, 1},
		"no points":                        {byPage, pagesOf(1, "", `{"type":1}`), -1, false, 1},
		"points that are no number":        {byPage, pagesOf(1, "", `{"type":1,"score":"many"}`), -1, false, 1},
		"a fraction of a point":            {byPage, pagesOf(1, "", `{"type":1,"score":1.5}`), -1, false, 1},
		"too many points":                  {byPage, pagesOf(1, "", `{"type":1,"score":99999999999999999999}`), -1, false, 1},
		"true for points":                  {byPage, pagesOf(1, "", `{"type":1,"score":true}`), -1, false, 1},
		"nothing that says what was given": {byPage, pagesOf(1, "", `{"score":1}`), -1, false, 1},
		"a record that is none":            {byPage, pagesOf(1, "", `7`), -1, false, 1},
		"a second page without points":     {byPage, pagesOf(1, "", first, `{"type":1}`), -1, false, 2},
		"500":                              {byPage, func(int, got) reply { return reply{status: 500, body: items} }, -1, false, 1},
		"half a list":                      {byPage, func(int, got) reply { return reply{body: items[:60]} }, -1, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, c.answer)
			reading, reply := readOf(t, s, c.records)
			if n := len(s.requests()); n != c.requests {
				t.Errorf("%d requests, want %d", n, c.requests)
			}
			if c.count < 0 {
				if reply.Outcome != vendorapi.Unknown || reply.Err == nil || len(reading.Records) > 0 || reading.Complete {
					t.Errorf("%+v %+v", reading, reply)
				}
				return
			}
			if reply.Outcome != vendorapi.Applied || len(reading.Records) != c.count || reading.Complete != c.complete {
				t.Errorf("%+v %+v", reading, reply)
			}
		})
	}
}

// Records that arrive while the pages are read prove nothing.
func TestRecordsThatMove(t *testing.T) {
	t.Parallel()
	s := serve(t, func(n int, r got) reply {
		if n%3 == 2 {
			return reply{body: `{"data":{"items":[]}}`}
		}
		return reply{body: fmt.Sprintf(`{"data":{"items":[{"type":1,"score":%d}]}}`, n)}
	})
	reading, reply := readOf(t, s, byPage)
	if !errors.Is(reply.Err, vendorapi.ErrRecordsMove) || reply.Outcome != vendorapi.Unknown || len(reading.Records) > 0 || len(s.requests()) != 9 {
		t.Errorf("%+v %+v, %d requests", reading, reply, len(s.requests()))
	}
}

// Without award the sign says what was given; a vendor may say that there are none in
// another way than by an empty list; and it may tell the balance.
func TestRecordsInOtherForms(t *testing.T) {
	t.Parallel()
	records := `{request: "GET /records?who={member_id}", list: /items, none: {/data: [[], null]}, points: /p, balance: /sum, outcomes: [{at: {/code: [0]}, means: answered}, {at: {/code: [7]}, means: unauthorised}]}`
	answers := map[string]string{
		"m1": `{"code":0,"items":[{"p":3},{"p":-3}],"sum":"0012"}`, "m2": `{"code":0,"data":[]}`, "m3": `{"code":0,"data":null}`,
		"m4": `{"code":1,"items":[]}`, "m5": `{"code":7}`, "m6": `{"code":0,"items":[],"sum":"much"}`,
	}
	s := serve(t, func(_ int, r got) reply {
		return reply{body: answers[strings.TrimPrefix(r.target, "GET /records?who=")]}
	})
	_, sender := open(t, readingShop(records), s.url, shopKey)
	for member, want := range map[string]struct {
		outcome vendorapi.Outcome
		records []evidence.Record
		balance int64 // -1: not told
	}{
		"m1": {vendorapi.Applied, []evidence.Record{{Award: true, Points: 3}, {Points: -3}}, 12},
		"m2": {vendorapi.Applied, nil, -1}, "m3": {vendorapi.Applied, nil, -1},
		"m4": {vendorapi.Unknown, nil, -1}, "m5": {vendorapi.Unauthorised, nil, -1}, "m6": {vendorapi.Applied, nil, -1},
	} {
		reading, reply := sender.(vendorapi.RecordReader).ReadRecords(t.Context(), member)
		if reply.Outcome != want.outcome || !reflect.DeepEqual(reading.Records, want.records) {
			t.Errorf("%s: %+v %+v", member, reading, reply)
		}
		balance, reply := sender.(vendorapi.BalanceReader).ReadBalance(t.Context(), member)
		if reply.Outcome != want.outcome || (balance == nil) != (want.balance < 0) || balance != nil && *balance != want.balance {
			t.Errorf("%s: balance %v %+v", member, balance, reply)
		}
	}
}

// Whose a code is; what names nobody is never a member.
func TestMemberOfACode(t *testing.T) {
	t.Parallel()
	text := strings.Replace(shop, "    calls:\n", `    calls:
      member:
        request: GET /member/{code}
        id: /data/openid
        outcomes:
          - {status: 404, means: nobody}
          - {at: {/errcode: [46004]}, means: nobody}
          - {status: 401, means: unauthorised}
          - {means: answered}
`, 1)
	for name, c := range map[string]struct {
		answer reply
		id     string
		want   vendorapi.Outcome
		nobody bool
	}{
		"a text":           {reply{body: `{"data":{"openid":"oX-12"}}`}, "oX-12", vendorapi.Applied, false},
		"a number":         {reply{body: `{"data":{"openid":6930000000000000001}}`}, "6930000000000000001", vendorapi.Applied, false},
		"nobody":           {reply{body: `{"errcode":46004}`}, "", vendorapi.Refused, true},
		"404":              {reply{status: 404, body: "<html>"}, "", vendorapi.Refused, true},
		"0":                {reply{body: `{"data":{"openid":0}}`}, "", vendorapi.Refused, true},
		"an empty text":    {reply{body: `{"data":{"openid":""}}`}, "", vendorapi.Refused, true},
		"null":             {reply{body: `{"data":{"openid":null}}`}, "", vendorapi.Refused, true},
		"another answer":   {reply{body: `{"errcode":40001}`}, "", vendorapi.Unknown, false},
		"HTML":             {reply{body: `<html>`}, "", vendorapi.Unknown, false},
		"a list":           {reply{body: `{"data":{"openid":["a"]}}`}, "", vendorapi.Unknown, false},
		"true":             {reply{body: `{"data":{"openid":true}}`}, "", vendorapi.Unknown, false},
		"a line end":       {reply{body: `{"data":{"openid":"a\nb"}}`}, "", vendorapi.Unknown, false},
		"an id as a page":  {reply{body: `{"data":{"openid":"` + strings.Repeat("a", 129) + `"}}`}, "", vendorapi.Unknown, false},
		"two at one place": {reply{body: `{"data":{"openid":"a","openid":"b"}}`}, "", vendorapi.Unknown, false},
		"401":              {reply{status: 401}, "", vendorapi.Unauthorised, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(int, got) reply { return c.answer })
			_, sender := open(t, text, s.url, shopKey)
			id, reply := sender.(vendorapi.Resolver).Resolve(t.Context(), "+86 138/1")
			if id != c.id || reply.Outcome != c.want || errors.Is(reply.Err, vendorapi.ErrNoMember) != c.nobody {
				t.Errorf("%q %+v", id, reply)
			}
			if target := s.requests()[0].target; target != "GET /member/%2B86%20138%2F1" {
				t.Errorf("asked %s", target)
			}
		})
	}
}
