// Package kinds is the table of the kinds of vendors. A vendor is a folder
// beside it and one line in it; whoever needs to know what a kind offers asks the
// table. It stands apart from vendorapi because the vendors import that.
package kinds

import (
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/custom"
	"pointsledger/vendorapi/kylin"
	"pointsledger/vendorapi/zhimai"
)

// All are the kinds that a configuration may name, in the order in which people
// are told of them.
func All() []vendorapi.Kind {
	return []vendorapi.Kind{
		zhimai.Kind(),
		kylin.Kind(),
		custom.Kind(),
	}
}
