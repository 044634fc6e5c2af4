package dispatch

import (
	"context"

	"pointsledger/ledger"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/kylin"
)

// Kylin serves operations of kind freeze_point through freezePoint.
type Kylin struct {
	Client *kylin.Client
	// Statuses gives HTTP statuses a meaning that the page leaves open (409 as
	// already applied, say). nil: the page's meanings alone.
	Statuses map[int]vendorapi.Outcome
}

// KylinRequest is the vendor's request for an operation; see ZhimaiRequest.
func KylinRequest(c *ledger.VendorCall) kylin.Freeze {
	return kylin.Freeze{Token: string(c.BizID), MemberID: c.MemberID, Description: c.Reason,
		ShopCode: c.ShopCode, Point: int64(c.Points)}
}

// InShape implements Shaped.
func (k Kylin) InShape(text string) (Vendor, error) {
	shape, err := kylin.ParseShape(text)
	if err != nil {
		return nil, err
	}
	k.Client = k.Client.InShape(shape)
	return k, nil
}

// Send implements Vendor.
func (k Kylin) Send(ctx context.Context, c *ledger.VendorCall) vendorapi.Reply {
	if c.Kind != ledger.FreezePoint {
		return unsupported(c.Kind, "Kylin")
	}
	reply := k.Client.FreezePoint(ctx, KylinRequest(c))
	if outcome, configured := k.Statuses[reply.HTTPStatus]; configured {
		reply.Outcome = outcome
	}
	return reply
}
