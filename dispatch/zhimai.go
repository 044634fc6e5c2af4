package dispatch

import (
	"context"
	"errors"

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
