package kylin

import "pointsledger/vendorapi"

// Endpoint names where the account's calls go, by address: the page names no key
// id, and a gateway's headers are secrets.
func (c *Client) Endpoint() string { return vendorapi.EndpointName(c.url, "") }
