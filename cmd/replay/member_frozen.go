package main

import (
	"context"

	"pointsledger/vendorapi"
	"pointsledger/vendorapi/zhimai"
)

// memberFrozen tells whether the vendor says that a member's account is frozen
// (status 0 of communal.user.identity): points for it are refused. It is false
// also when that could not be read, and costs one call.
func memberFrozen(ctx context.Context, client *zhimai.Client, memberID string) bool {
	identity, reply := client.Identity(ctx, zhimai.IdentityQuery{Type: zhimai.ByUserID, UserID: memberID})
	return reply.Outcome == vendorapi.Applied && identity.UserID == memberID && identity.Frozen()
}
