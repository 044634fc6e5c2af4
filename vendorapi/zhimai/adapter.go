package zhimai

import (
	"context"

	"pointsledger/evidence"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

// requestOf is the vendor's request for an operation. It depends on the
// recorded row alone, so that every attempt carries the same parameters.
func requestOf(c *ledger.VendorCall) PointsAdd {
	return PointsAdd{Balance: int64(c.Points), BizID: string(c.BizID), CustomerID: c.MemberID,
		Reason: c.Reason, SourceType: c.SourceType, PointsChannel: c.PointsChannel}
}

// Send implements vendorapi.Sender: operations of kind points_add, through
// user.points-add.
func (c *Client) Send(ctx context.Context, call *ledger.VendorCall) vendorapi.Reply {
	if call.Kind != ledger.PointsAdd {
		return vendorapi.NotOffered(call.Kind, "Zhimai")
	}
	return c.AddPoints(ctx, requestOf(call))
}

// Endpoint implements vendorapi.Endpointed, by address and open id, without
// showing the id: what was learned of one endpoint says nothing of another.
func (c *Client) Endpoint() string { return vendorapi.EndpointName(c.url, c.openID) }

// Resolve implements vendorapi.Resolver, through communal.user.identity. Who the
// vendor names with an id of 0, an empty one or none is nobody (Refused,
// vendorapi.ErrNoMember). An account that the vendor calls frozen is resolved all
// the same: whether it may be granted points the vendor decides.
func (c *Client) Resolve(ctx context.Context, code string) (string, vendorapi.Reply) {
	identity, reply := c.Identity(ctx, IdentityQuery{Type: ByUserCode, UserCode: code})
	return identity.UserID, reply
}

// What bounds a reading of a member's records.
const (
	readPageSize = 100
	readMaxPages = 500
)

// ReadRecords implements vendorapi.RecordReader. Records that move while they are
// read prove nothing.
func (c *Client) ReadRecords(ctx context.Context, memberID string) (evidence.Reading, vendorapi.Reply) {
	history, reply := c.ReadHistory(ctx, memberID, readPageSize, readMaxPages)
	switch {
	case reply.Outcome != vendorapi.Applied:
		return evidence.Reading{}, reply
	case history.Moving:
		return evidence.Reading{}, vendorapi.Reply{Outcome: vendorapi.Unknown, Err: vendorapi.ErrRecordsMove}
	}
	return evidence.Reading{Records: recordsOf(history.Records), Complete: !history.Partial && !history.Short}, reply
}

// ReadBalance implements vendorapi.BalanceReader, through communal.user.identity.
func (c *Client) ReadBalance(ctx context.Context, memberID string) (*int64, vendorapi.Reply) {
	identity, reply := c.Identity(ctx, IdentityQuery{Type: ByUserID, UserID: memberID})
	if reply.Outcome != vendorapi.Applied || identity.UserID != memberID {
		return nil, reply
	}
	return identity.Points, reply
}

// recordsOf makes of a vendor's records what the judge asks for. A time that
// cannot be read is zero: a record is not left out for it.
func recordsOf(all []Record) []evidence.Record {
	records := make([]evidence.Record, len(all))
	for i, r := range all {
		at, _ := r.Time()
		records[i] = evidence.Record{Award: r.Type != Spent, Points: r.Points, Text: r.Desc, At: at}
		if r.PreviousPoint != nil {
			records[i].Before, records[i].Tells = *r.PreviousPoint, true
		}
	}
	return records
}
