package main

import (
	"context"

	"pointsledger/vendorapi"
)

// memberFrozen tells whether the vendor says that a member's account is frozen
// (status 0 of communal.user.identity): points for it are refused. It is false
// also when that could not be read, and costs one call.
func memberFrozen(ctx context.Context, client vendorapi.MemberReader, memberID string) bool {
	member, reply := client.MemberByID(ctx, memberID)
	return reply.Outcome == vendorapi.Applied && member.ID == memberID && member.Frozen
}
