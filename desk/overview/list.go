package overview

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/wording"
	"pointsledger/ledger"
)

// Listing is a page of a list as a person is shown it: masked.
type Listing struct {
	Operations []desk.OpenOperation `json:"operations"`
	// Total counts all that fit, other pages included.
	Total int64 `json:"total"`
	More  bool  `json:"more"`
	// After is the place where the next page begins, empty when this is the
	// last.
	After string `json:"after"`

	sort desk.OpenSort
}

// List reads the page of a list.
func List(ctx context.Context, d *desk.Desk, f desk.OpenFilter, memories []desk.KeyMemory, page desk.OpenList) (Listing, error) {
	l := Listing{Operations: []desk.OpenOperation{}, sort: page.Sort}
	found, err := d.ListOpen(ctx, f, memories, page)
	if err != nil {
		return l, err
	}
	l.Total, l.More = found.Total, found.More
	for _, o := range found.Operations {
		l.Operations = append(l.Operations, Masked(o))
	}
	if l.More {
		l.After = placeText(found.Next, page.Sort)
	}
	return l, nil
}

// placeText is a place in a list as [Place] reads it: the operation's id, and
// before it its value in an order other than that of recording. Empty at the
// start.
func placeText(at desk.OpenCursor, sort desk.OpenSort) string {
	switch {
	case at.ID == 0:
		return ""
	case sort == desk.SortRecorded:
		return strconv.FormatInt(int64(at.ID), 10)
	}
	return fmt.Sprintf("%d:%d", at.Order, at.ID)
}

// Place reads where a page ended (Listing.After) for the list's next page in the same
// order. Empty is the start.
func Place(text string, sort desk.OpenSort) (at desk.OpenCursor, err error) {
	if text == "" || text == "0" {
		return at, nil
	}
	order, id, found := strings.Cut(text, ":")
	if !found {
		order, id = "0", text
	}
	var n int64
	if n, err = strconv.ParseInt(id, 10, 64); err == nil {
		at.ID = ledger.OperationID(n)
		at.Order, err = strconv.ParseInt(order, 10, 64)
	}
	if err != nil || n < 0 || found != (sort != desk.SortRecorded) {
		return at, fmt.Errorf("want what the page before ended with, in the same order, got %q", text)
	}
	return at, nil
}

// When is the time that the list's order is about, as the title of its column
// and as text.
func (l *Listing) When(o *desk.OpenOperation, now time.Time) (title, text string) {
	switch {
	case l.sort == desk.SortDue && o.NextAt.After(now):
		return "DUE", "in " + wording.Short(o.NextAt.Sub(now))
	case l.sort == desk.SortDue:
		return "DUE", wording.Age(o.NextAt, now)
	case l.sort == desk.SortFailed && o.FailedAt == nil:
		return "FAILED", "never"
	case l.sort == desk.SortFailed:
		return "FAILED", wording.Age(*o.FailedAt, now)
	}
	return "AGE", wording.Age(o.RecordedAt, now)
}

// Records are a title and one record for each operation, for a spreadsheet; times in
// UTC.
func (l *Listing) Records() [][]string {
	records := [][]string{{"id", "account", "state", "cause", "in_doubt", "blocked", "attempts", "kind", "biz_id", "reference",
		"business_key", "member_id", "member_code", "points", "event_type", "event_time", "recorded_at", "first_sent_at",
		"next_attempt_at", "last_outcome", "vendor_code", "vendor_message", "last_attempt_at", "event_source", "source_type",
		"points_channel", "shop_code", "last_call", "error"}}
	for _, o := range l.Operations {
		records = append(records, []string{strconv.FormatInt(int64(o.ID), 10), o.Account, string(o.State), string(o.Cause),
			strconv.FormatBool(o.InDoubt), o.Blocked, strconv.Itoa(o.Attempts), string(o.Kind), string(o.BizID), o.Reference,
			wording.Cell(o.BusinessKey), wording.Cell(o.MemberID), wording.Cell(o.MemberCode), strconv.FormatInt(int64(o.Points), 10),
			wording.Cell(o.EventType), wording.UTC(o.EventTime), wording.UTC(o.RecordedAt), wording.UTCOrNone(o.FirstSentAt), wording.UTC(o.NextAt), o.Outcome,
			wording.Cell(o.VendorCode), wording.Cell(o.VendorWords), wording.UTCOrNone(o.FailedAt), wording.Cell(o.EventSource), strconv.Itoa(o.SourceType),
			strconv.Itoa(o.PointsChannel), wording.Cell(o.ShopCode), string(o.Call), wording.Cell(o.Error)})
	}
	return records
}
