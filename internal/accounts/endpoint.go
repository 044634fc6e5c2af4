package accounts

import (
	"pointsledger/internal/config"
	"pointsledger/vendorapi"
)

// Endpoint names where the calls of a configured vendor that is on go, as the
// worker does; empty for one that is off or cannot be made.
func Endpoint(v config.Account) string {
	if !v.On() {
		return ""
	}
	account, err := New(v)
	if err != nil {
		return ""
	}
	if client, holds := account.Vendor.(vendorapi.Closer); holds {
		defer client.Close()
	}
	return account.Endpoint()
}
