package zhimai

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pointsledger/vendorapi"
)

// historyServer answers pages of two records out of total, the newest first;
// arrive says how many records are new by the given call, from 0.
func historyServer(t *testing.T, total int, arrive func(call int) int) (*Client, *int) {
	t.Helper()
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		page := 1
		if _, after, found := strings.Cut(string(body), `"page":"`); found {
			if _, err := fmt.Sscanf(after, "%d", &page); err != nil {
				t.Error(err)
			}
		}
		now := total + arrive(calls)
		calls++
		var items []string
		for i := now - 2*(page-1); i > max(now-2*page, 0); i-- {
			items = append(items, fmt.Sprintf(`{"type":1,"points":%d,"desc":"","created_at":"2026-11-20 12:00:00"}`, i))
		}
		fmt.Fprint(w, answerData(fmt.Sprintf(`{"current_page":%d,"per_page":2,"total":%d,"item_list":[%s]}`, page, now, strings.Join(items, ","))))
	}))
	t.Cleanup(server.Close)
	return newTestClient(t, testConfig(server.URL)), &calls
}

func TestReadHistory(t *testing.T) {
	t.Parallel()
	none := func(int) int { return 0 }
	for name, c := range map[string]struct {
		total, maxPages int
		arrive          func(int) int
		records, calls  int
		partial, moving bool
	}{
		"none":               {0, 3, none, 0, 2, false, false},
		"one page":           {2, 3, none, 2, 2, false, false},
		"all pages":          {6, 3, none, 6, 4, false, false},
		"one too many":       {7, 3, none, 6, 4, true, false},
		"it moved once":      {4, 9, func(call int) int { return min(call, 1) }, 5, 8, false, false},
		"it does not settle": {4, 2, func(call int) int { return call }, 4, 15, true, true},
	} {
		client, calls := historyServer(t, c.total, c.arrive)
		got, reply := client.ReadHistory(t.Context(), "42", 2, c.maxPages)
		if reply.Outcome != vendorapi.Applied || len(got.Records) != c.records || got.Partial != c.partial || got.Moving != c.moving || *calls != c.calls {
			t.Errorf("%s: %d records, partial %v, moving %v, %d calls, %v", name, len(got.Records), got.Partial, got.Moving, *calls, reply.Err)
		}
	}
	client := newTestClient(t, testConfig(newVendor(t, 500, "").URL))
	if got, reply := client.ReadHistory(t.Context(), "42", 2, 3); reply.Outcome != vendorapi.Unknown || got.Records != nil {
		t.Errorf("a vendor in trouble: %+v %+v", got, reply)
	}
}

func TestRecordTime(t *testing.T) {
	t.Parallel()
	if at, ok := (Record{CreatedAt: "2026-11-20 12:00:00"}).Time(); !ok || at.UTC().Hour() != 4 {
		t.Errorf("got %v %v", at, ok)
	}
	if at, ok := (Record{CreatedAt: "yesterday"}).Time(); ok {
		t.Errorf("%v is a time", at)
	}
}
