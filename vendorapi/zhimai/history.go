package zhimai

import (
	"context"
	"slices"
	"time"

	"pointsledger/vendorapi"
)

// History is what was read of a member's points records.
type History struct {
	// Records are in the vendor's order.
	Records []Record
	// Partial says that the vendor has further pages, which were not read.
	Partial bool
	// Moving says that records arrived each time while the pages were read: one
	// may be there twice, and one may be missing.
	Moving bool
	// Short says that the vendor counts more records than it listed, or listed a
	// page twice: some are missing.
	Short bool
}

// historyTries is how often a history that moves is read.
const historyTries = 5

// ReadHistory reads a member's records from page 1, at most maxPages of
// pageSize. After the last it reads page 1 again: if that has changed, rows may
// have moved between the pages, and all is read anew, five times in all; a list that lacks
// records is read twice. The
// history counts only when the outcome is Applied. The reply's Duration is the
// sum.
func (c *Client) ReadHistory(ctx context.Context, userID string, pageSize, maxPages int) (History, vendorapi.Reply) {
	query := RecordsQuery{UserID: userID, PageSize: pageSize}
	var spent time.Duration
	for try := 1; ; try++ {
		history, reply := c.readPages(ctx, query, maxPages)
		spent += reply.Duration
		if reply.Outcome != vendorapi.Applied {
			reply.Duration = spent
			return History{}, reply
		}
		first, reply := c.PointsRecords(ctx, query)
		spent += reply.Duration
		reply.Duration = spent
		if reply.Outcome != vendorapi.Applied {
			return History{}, reply
		}
		history.Moving = !sameBeginning(history.Records, first.Records)
		if !history.Moving && (!history.Short || try > 1) || try == historyTries {
			return history, reply
		}
	}
}

func (c *Client) readPages(ctx context.Context, q RecordsQuery, maxPages int) (h History, sum vendorapi.Reply) {
	h.Partial = true
	var before []Record
	var total *int64
	for q.Page = 1; h.Partial && q.Page <= maxPages; q.Page++ {
		page, reply := c.PointsRecords(ctx, q)
		reply.Duration += sum.Duration
		sum = reply
		if reply.Outcome != vendorapi.Applied {
			return History{}, reply
		}
		h.Short = h.Short || len(page.Records) > 1 && sameRecords(before, page.Records)
		h.Records, before = append(h.Records, page.Records...), page.Records
		h.Partial = page.HasMore
		if page.Total != nil {
			total = page.Total
		}
	}
	h.Short = h.Short || total != nil && !h.Partial && int64(len(h.Records)) < *total
	return h, sum
}

// sameBeginning tells whether page 1 is still what the reading began with.
func sameBeginning(all, first []Record) bool {
	if len(first) > len(all) || len(first) == 0 && len(all) > 0 {
		return false
	}
	return sameRecords(all[:len(first)], first)
}

func sameRecords(a, b []Record) bool {
	return slices.EqualFunc(a, b, func(a, b Record) bool {
		return a.Type == b.Type && a.Points == b.Points && a.Desc == b.Desc && a.CreatedAt == b.CreatedAt
	})
}

// recordZone is the zone of the times in records. The page gives none; the
// vendor is in China.
var recordZone = time.FixedZone("CST", 8*60*60)

// Time reads CreatedAt in China's time; zero and false when it cannot be read.
func (r Record) Time() (time.Time, bool) {
	at, err := time.ParseInLocation(time.DateTime, r.CreatedAt, recordZone)
	if err != nil {
		return time.Time{}, false
	}
	return at, true
}
