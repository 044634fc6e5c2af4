package dispatch

import (
	"context"
	"errors"

	"pointsledger/evidence"
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
func ZhimaiRequest(c *ledger.VendorCall) zhimai.PointsAdd {
	return zhimai.PointsAdd{Balance: int64(c.Points), BizID: string(c.BizID), CustomerID: c.MemberID,
		Reason: c.Reason, SourceType: c.SourceType, PointsChannel: c.PointsChannel}
}

// Send implements Vendor.
func (z Zhimai) Send(ctx context.Context, c *ledger.VendorCall) vendorapi.Reply {
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

// Scan implements Verifier. Records that move while they are read prove nothing.
func (z Zhimai) Scan(ctx context.Context, memberID string) (evidence.Reading, vendorapi.Reply) {
	history, reply := z.Client.ReadHistory(ctx, memberID, scanPageSize, scanMaxPages)
	switch {
	case reply.Outcome != vendorapi.Applied:
		return evidence.Reading{}, reply
	case history.Moving:
		return evidence.Reading{}, vendorapi.Reply{Outcome: vendorapi.Unknown, Err: ErrRecordsMove}
	}
	reading := evidence.Reading{Records: RecordsOf(history.Records), Complete: !history.Partial && !history.Short}
	if len(history.Records) == 0 {
		reading.Balance = z.balance(ctx, memberID)
	}
	return reading, reply
}

// balance is the member's points by the vendor's own word; nil when it does not
// say.
func (z Zhimai) balance(ctx context.Context, memberID string) *int64 {
	identity, reply := z.Client.Identity(ctx, zhimai.IdentityQuery{Type: zhimai.ByUserID, UserID: memberID})
	if reply.Outcome != vendorapi.Applied || identity.UserID != memberID {
		return nil
	}
	return identity.Points
}

// RecordsOf makes of a vendor's records what the judge asks for. A time that
// cannot be read is zero: a record is not left out for it.
func RecordsOf(all []zhimai.Record) []evidence.Record {
	records := make([]evidence.Record, len(all))
	for i, r := range all {
		at, _ := r.Time()
		records[i] = evidence.Record{Award: r.Type != zhimai.Spent, Points: r.Points, Text: r.Desc, At: at}
	}
	return records
}
