package zhimai

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"pointsledger/vendorapi"
)

// PointsAdd is one user.points-add. Nothing of it is changed on the way: a
// repeat with the same values is the same request but for time and nonce.
type PointsAdd struct {
	// Balance is the points to grant.
	Balance int64
	// BizID is the dedup key; a call without it is not sent. CustomerID is the
	// member, digits exactly as known.
	BizID      string
	CustomerID string
	// Reason is shown to the member. The page gives no length.
	Reason string
	// SourceType is 1 to 12, PointsChannel 1 to 9 (user.points-add page).
	SourceType    int
	PointsChannel int
}

func (p PointsAdd) params() []param {
	return []param{
		{"balance", strconv.FormatInt(p.Balance, 10)},
		{"bizId", p.BizID},
		{"customerId", p.CustomerID},
		{"reason", p.Reason},
		{"sourceType", strconv.Itoa(p.SourceType)},
		{"pointsChannel", strconv.Itoa(p.PointsChannel)},
	}
}

// AddPoints grants points. The reply's Err is set when there is no outcome that
// the vendor gave.
func (c *Client) AddPoints(ctx context.Context, add PointsAdd) vendorapi.Reply {
	if add.BizID == "" || add.CustomerID == "" {
		return unsendable("add points", errors.New("biz id and customer id are required"))
	}
	_, reply := c.call(ctx, actionPointsAdd, add.params())
	return reply
}

// previewPointsAdd shows the request that AddPoints sends to url (empty:
// DefaultURL), with the credentials and what changes by the moment masked.
func previewPointsAdd(url string, add PointsAdd) vendorapi.Preview {
	return preview(url, actionPointsAdd, add.params())
}

// preview builds a request exactly as call does, with a masked envelope.
func preview(url, action string, params []param) vendorapi.Preview {
	if url == "" {
		url = DefaultURL
	}
	masked := envelope{
		openID: vendorapi.Mask, grantCode: vendorapi.Mask, timestamp: vendorapi.Mask,
		nonce: vendorapi.Mask, token: vendorapi.Mask,
	}
	return vendorapi.Preview{
		Method: http.MethodPost,
		URL:    vendorapi.PreviewURL(url),
		Header: requestHeader(),
		Body:   appendRequest(nil, masked, action, params),
	}
}
