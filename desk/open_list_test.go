package desk_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pointsledger/desk"
	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
)

// listed is what a filter chooses, in an order, by order number.
func listed(t *testing.T, s *desk.Desk, f desk.OpenFilter, sort desk.OpenSort) string {
	t.Helper()
	page, err := s.ListOpen(t.Context(), f, nil, desk.OpenList{Sort: sort, Limit: 50})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, o := range page.Operations {
		keys = append(keys, o.BusinessKey)
	}
	want(t, "total", int(page.Total), len(keys))
	return strings.Join(keys, " ")
}

// variedOrders are four open operations that differ in everything that people
// ask for. SO-1 failed two hours ago, then an hour ago; SO-2 half an hour ago;
// SO-3 and SO-4 never.
func variedOrders(t *testing.T) (*fixture, *desk.Desk) {
	t.Helper()
	f, s := replayFixture(t)
	for i, edit := range []func(e *ledger.Event, o *ledger.Operation){
		func(e *ledger.Event, o *ledger.Operation) { o.ShopCode, o.Points = "S7", 300 },
		func(e *ledger.Event, o *ledger.Operation) { o.SourceType, o.Points = 11, 500; e.Source = "shop-bj" },
		func(e *ledger.Event, o *ledger.Operation) {
			o.PointsChannel, o.Points = 1, 300
			e.Time = orders.Epoch.Add(-48 * time.Hour)
		},
		func(_ *ledger.Event, o *ledger.Operation) { *o = orders.Operation("kylin", "SO-4", 5) },
	} {
		entry := f.event(fmt.Sprintf("SO-%d", i+1))
		edit(entry.Event, &entry.Event.Operations[0])
		f.record(entry)
	}
	f.exec(`UPDATE outbox SET next_attempt_at = now() - operation_id * interval '1 minute'`)
	f.exec(`INSERT INTO attempts (operation_id, outcome, vendor_code, duration_ms, at)
	        SELECT o.id, a.outcome, '40301', 1, now() - a.minutes * interval '1 minute'
	          FROM (VALUES ('SO-1', 'unknown', 120), ('SO-1', 'refused', 60), ('SO-2', 'unknown', 30)) AS a (order_key, outcome, minutes)
	          JOIN operations o ON o.business_key = a.order_key`)
	return f, s
}

func TestOpenFilterByAllThatPeopleAsk(t *testing.T) {
	t.Parallel()
	_, s := variedOrders(t)
	now := time.Now()
	for _, tc := range []struct {
		name   string
		filter desk.OpenFilter
		orders string
	}{
		{"kind", desk.OpenFilter{Kind: ledger.FreezePoint}, "SO-4"},
		{"the other kind", desk.OpenFilter{Kind: ledger.PointsAdd}, "SO-1 SO-2 SO-3"},
		{"source type", desk.OpenFilter{SourceType: 11}, "SO-2"},
		{"source type that nobody has", desk.OpenFilter{SourceType: 1, PointsChannel: 9}, ""},
		{"channel", desk.OpenFilter{PointsChannel: 1}, "SO-3"},
		{"shop", desk.OpenFilter{ShopCode: "S7"}, "SO-1"},
		{"part of a shop", desk.OpenFilter{ShopCode: "S"}, ""},
		{"source", desk.OpenFilter{EventSource: "shop-bj"}, "SO-2"},
		{"last outcome", desk.OpenFilter{Outcome: "refused"}, "SO-1"},
		{"not an earlier one", desk.OpenFilter{Outcome: "unknown"}, "SO-2"},
		{"no attempt", desk.OpenFilter{Outcome: desk.NoAttempt}, "SO-3 SO-4"},
		{"event since", desk.OpenFilter{By: desk.TimeEvent, Since: orders.Epoch}, "SO-1 SO-2 SO-4"},
		{"event until", desk.OpenFilter{By: desk.TimeEvent, Until: orders.Epoch}, "SO-3"},
		{"recorded since the event", desk.OpenFilter{Since: orders.Epoch.Add(-24 * time.Hour), Until: now.Add(time.Hour)}, "SO-1 SO-2 SO-3 SO-4"},
		{"failed since", desk.OpenFilter{By: desk.TimeFailed, Since: now.Add(-45 * time.Minute)}, "SO-2"},
		{"failed until: the last failure counts", desk.OpenFilter{By: desk.TimeFailed, Until: now.Add(-90 * time.Minute)}, ""},
		{"failed until", desk.OpenFilter{By: desk.TimeFailed, Until: now.Add(-45 * time.Minute)}, "SO-1"},
		{"all at once", desk.OpenFilter{Kind: ledger.PointsAdd, SourceType: 1, PointsChannel: 3, ShopCode: "S7", EventSource: "shop-sh", Outcome: "refused",
			Code: "40301", By: desk.TimeFailed, Since: now.Add(-2 * time.Hour), Until: now}, "SO-1"},
	} {
		want(t, tc.name, listed(t, s, tc.filter, ""), tc.orders)
	}
}

func TestOpenSort(t *testing.T) {
	t.Parallel()
	_, s := variedOrders(t)
	for sort, wanted := range map[desk.OpenSort]string{
		"":                "SO-1 SO-2 SO-3 SO-4",
		desk.SortRecorded: "SO-1 SO-2 SO-3 SO-4",
		desk.SortDue:      "SO-4 SO-3 SO-2 SO-1",
		desk.SortPoints:   "SO-2 SO-1 SO-3 SO-4",
		desk.SortFailed:   "SO-2 SO-1 SO-3 SO-4",
	} {
		want(t, "sorted by "+string(sort), listed(t, s, desk.OpenFilter{}, sort), wanted)
		// Page by page it is the same, each operation once.
		for limit := 1; limit <= 4; limit++ {
			var keys []string
			list := desk.OpenList{Sort: sort, Limit: limit}
			for pages := 0; ; pages++ {
				page, err := s.ListOpen(t.Context(), desk.OpenFilter{}, nil, list)
				if err != nil || pages > 4 {
					t.Fatal(pages, err)
				}
				for _, o := range page.Operations {
					keys = append(keys, o.BusinessKey)
				}
				if list.After = page.Next; !page.More {
					break
				}
			}
			want(t, fmt.Sprintf("%s, %d a page", sort, limit), strings.Join(keys, " "), wanted)
		}
	}
}

// A hundred thousand parked operations are counted, summed up and listed to
// the end, each once.
func TestListOfAHundredThousand(t *testing.T) {
	t.Parallel()
	f, s := replayFixture(t)
	const n = 100_000
	f.parkMany(n)
	f.exec(`INSERT INTO attempts (operation_id, outcome, vendor_code, duration_ms) SELECT operation_id, 'refused', '40301', 1 FROM outbox`)
	f.exec(`ANALYZE`)
	filter := desk.OpenFilter{State: "parked", Outcome: "refused", Code: "40301", By: desk.TimeFailed, Since: time.Now().Add(-time.Hour)}
	seen := make(map[ledger.OperationID]bool, n)
	list := desk.OpenList{Sort: desk.SortPoints, Limit: 34_000}
	for {
		page, err := s.ListOpen(t.Context(), filter, nil, list)
		if err != nil {
			t.Fatal(err)
		}
		want(t, "total", page.Total, n)
		for _, o := range page.Operations {
			seen[o.ID] = true
		}
		if list.After = page.Next; !page.More {
			break
		}
	}
	want(t, "seen", len(seen), n)
	groups, err := s.OpenGroups(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want(t, "groups", fmt.Sprint(len(groups), groups[0].Count), fmt.Sprint(1, n))
}
