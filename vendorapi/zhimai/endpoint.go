package zhimai

import "pointsledger/vendorapi"

// Endpoint names where the account's calls go, by address and open id, without
// showing the id: what was learned of one endpoint says nothing of another.
func (c *Client) Endpoint() string { return vendorapi.EndpointName(c.url, c.openID) }
