package dispatch

import "pointsledger/vendorapi"

// unnamedEndpoint is the endpoint of a vendor that cannot name one.
const unnamedEndpoint = "unnamed"

// Endpoint names where the account's calls go.
func (a Account) Endpoint() string {
	if e, named := a.Vendor.(vendorapi.Endpointed); named {
		return e.Endpoint()
	}
	return unnamedEndpoint
}
