// Package kylin calls the Kylin CRM's one action that the worker needs:
// freezing a member's points (page "W9", /openapi/v2/member/freezePoint).
//
//	VendorCall ─▶ Freeze ─▶ one POST ─▶ its status, then its body ─▶ Outcome
//
// adapter.go makes the ports of vendorapi of it, freeze_point.go has the call and the
// table of statuses, body.go what a body must be like.
//
// There are no records to read and no codes to resolve, so a row in doubt can only be
// sent again with the same key: the page promises that a repeat is harmless.
//
// # What always holds
//
//   - A freeze that was tried once is sent in the same shape until it ends, whatever
//     the configuration says by then (shape.go).
//   - Nothing of a request is cut or changed to fit: what the page does not allow is
//     NotSent with vendorapi.ErrUnsendable.
//   - A status alone is not believed: a 200 or 201 counts as applied only with a body
//     that can be Kylin's (TestBodiesOfAFreeze).
//
// # What happens on failure
//
// What is not listed is Unknown, and the reply's Err says why. The
// configuration of an account may list statuses from 400 to 499 whose meaning is
// known, and codes in the body of a 200 that mean frozen; they go before the table.
package kylin
