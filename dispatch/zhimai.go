package dispatch

import (
	"context"
	"errors"
	"fmt"

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

// Resolve implements Resolver. Who the vendor names with an id of 0, an empty one
// or none is nobody (Refused, vendorapi.ErrNoMember). An account that the vendor calls frozen is
// resolved all the same: whether it may be granted points the vendor decides.
func (z Zhimai) Resolve(ctx context.Context, code string) (string, vendorapi.Reply) {
	identity, reply := z.Client.Identity(ctx, zhimai.IdentityQuery{Type: zhimai.ByUserCode, UserCode: code})
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
)

// Scan implements Verifier. Records that move while they are read, or that are
// more than can be read, prove nothing.
func (z Zhimai) Scan(ctx context.Context, memberID string) ([]Record, vendorapi.Reply) {
	history, reply := z.Client.ReadHistory(ctx, memberID, scanPageSize, scanMaxPages)
	switch {
	case reply.Outcome != vendorapi.Applied:
		return nil, reply
	case history.Moving:
		return nil, vendorapi.Reply{Outcome: vendorapi.Unknown, Err: ErrRecordsMove}
	case history.Partial:
		return nil, vendorapi.Reply{Outcome: vendorapi.Unknown,
			Err: fmt.Errorf("the member has more than %d pages of records", scanMaxPages)}
	}
	return awards(history.Records), reply
}

// awards keeps the records of awarded points. A time that cannot be read is
// zero: a record is not left out for it.
func awards(all []zhimai.Record) []Record {
	var kept []Record
	for _, r := range all {
		if r.Type != zhimai.Spent {
			at, _ := r.Time()
			kept = append(kept, Record{Points: r.Points, Text: r.Desc, At: at})
		}
	}
	return kept
}
