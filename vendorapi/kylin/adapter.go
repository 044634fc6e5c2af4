package kylin

import (
	"context"

	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

// requestOf is the vendor's request for an operation. It depends on the
// recorded row and the shape alone.
func requestOf(c *ledger.VendorCall) Freeze {
	return Freeze{Token: string(c.BizID), MemberID: c.MemberID, Description: c.Reason,
		ShopCode: c.ShopCode, Point: int64(c.Points)}
}

// Send implements vendorapi.Sender: operations of kind freeze_point, through
// freezePoint.
func (c *Client) Send(ctx context.Context, call *ledger.VendorCall) vendorapi.Reply {
	if call.Kind != ledger.FreezePoint {
		return vendorapi.NotOffered(call.Kind, "Kylin")
	}
	return c.FreezePoint(ctx, requestOf(call))
}

// Endpoint implements vendorapi.Endpointed, by address: the page names no key
// id, and a gateway's headers are secrets.
func (c *Client) Endpoint() string { return vendorapi.EndpointName(c.url, "") }

// Shape implements vendorapi.Shaped.
func (c *Client) Shape() string { return c.shape.String() }

// InShape implements vendorapi.Shaped. Closing one of the clients closes both.
func (c *Client) InShape(text string) (vendorapi.Sender, error) {
	shape, err := parseShape(text)
	if err != nil {
		return nil, err
	}
	other := *c
	other.shape = shape
	return &other, nil
}
