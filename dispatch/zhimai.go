package dispatch

import (
	"context"
	"errors"
	"time"

	"pointsledger/ledger"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/zhimai"
)

// Zhimai serves operations of kind points_add through user.points-add, and
// resolves scanned codes through communal.user.identity.
type Zhimai struct {
	Client *zhimai.Client
}

// ZhimaiRequest is the vendor's request for an operation. It depends on the
// recorded row alone, so that every attempt carries the same parameters.
func ZhimaiRequest(c *ledger.Claimed) zhimai.PointsAdd {
	return zhimai.PointsAdd{Balance: int64(c.Points), BizID: string(c.BizID), CustomerID: c.MemberID,
		Reason: c.Reason, SourceType: c.SourceType, PointsChannel: c.PointsChannel}
}

// Send implements Vendor.
func (z Zhimai) Send(ctx context.Context, c *ledger.Claimed) vendorapi.Reply {
	if c.Kind != ledger.PointsAdd {
		return unsupported(c.Kind, "Zhimai")
	}
	return z.Client.AddPoints(ctx, ZhimaiRequest(c))
}

// Resolve implements Resolver. An account that the vendor calls frozen is
// resolved all the same: whether it may be granted points the vendor decides.
func (z Zhimai) Resolve(ctx context.Context, code string) (string, vendorapi.Reply) {
	identity, reply := z.Client.Identity(ctx, zhimai.IdentityQuery{Type: zhimai.ByUserCode, UserCode: code})
	if reply.Outcome == vendorapi.Applied && identity.UserID == "" {
		reply.Outcome = vendorapi.Refused
		reply.Message = "the vendor's answer names no member for this code"
	}
	return identity.UserID, reply
}

// unsupported refuses an operation that the rules should never have made.
func unsupported(kind ledger.Kind, vendor string) vendorapi.Reply {
	return vendorapi.Reply{Outcome: vendorapi.Refused, Err: errors.New(vendor + " offers no call for " + string(kind))}
}

// What bounds a scan of a member's records.
const (
	scanPageSize = 100
	scanMaxPages = 500
	scanTries    = 5
)

// vendorZone is the zone of the times in Zhimai's records. The page gives none;
// the vendor is in China, and a time that is read wrongly early would hide a
// record, so unreadable times count as possible.
var vendorZone = time.FixedZone("CST", 8*60*60)

// Scan implements Verifier: all pages, then page 1 again; when it has changed
// meanwhile, rows may have moved between the pages, and the scan is repeated.
func (z Zhimai) Scan(ctx context.Context, memberID string) ([]Record, vendorapi.Reply) {
	query := zhimai.RecordsQuery{UserID: memberID, PageSize: scanPageSize}
	for range scanTries {
		all, reply := z.Client.AllRecords(ctx, query, scanMaxPages)
		if reply.Outcome != vendorapi.Applied {
			return nil, reply
		}
		first, reply := z.Client.PointsRecords(ctx, query)
		if reply.Outcome != vendorapi.Applied {
			return nil, reply
		}
		if sameBeginning(all, first.Records) {
			return awards(all), reply
		}
	}
	return nil, vendorapi.Reply{Outcome: vendorapi.Unknown, Err: ErrRecordsMove}
}

// sameBeginning tells whether page 1 is still what the scan began with.
func sameBeginning(all, first []zhimai.Record) bool {
	if len(first) > len(all) || len(first) == 0 && len(all) > 0 {
		return false
	}
	for i := range first {
		a, b := all[i], first[i]
		if a.Type != b.Type || a.Points != b.Points || a.Desc != b.Desc || a.CreatedAt != b.CreatedAt {
			return false
		}
	}
	return true
}

// awards keeps the records of awarded points.
func awards(all []zhimai.Record) []Record {
	var kept []Record
	for _, r := range all {
		if r.Type != zhimai.Spent {
			at, err := time.ParseInLocation(time.DateTime, r.CreatedAt, vendorZone)
			if err != nil {
				at = time.Time{}
			}
			kept = append(kept, Record{Points: r.Points, Text: r.Desc, At: at})
		}
	}
	return kept
}
