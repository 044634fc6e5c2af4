// Package zhimai calls the Zhimai OpenAPI v2: one URL, the action and a
// signature in the body. It offers the four actions the worker needs:
//
//	user.points-add            points_add.go       grants points: Sender
//	user.user-points-records   points_records.go   one page of a member's records
//	                           history.go          all pages, in one view: RecordReader
//	communal.user.identity     identity.go         whose a scanned code is: Resolver
//	user.my-cards              my_cards.go         gift cards, for a person
//
// adapter.go and member.go make the ports of vendorapi of them, reply.go says what
// an answer means.
//
// The pages contradict themselves about types (status true or "true", code 0
// or "0"), so the client reads either; about what means success it is strict.
//
// # What always holds
//
//   - Applied is a 2xx with status true and code 0, and nothing else. What other
//     codes mean only the configuration of the account says (codes).
//   - A repeated call is the same request, but for time, nonce and signature.
//   - Records that move while they are read prove nothing: they are read anew, and
//     then the reading is no reading (vendorapi.ErrRecordsMove).
//   - A member whose id is 0, empty or missing is nobody (TestCodeOfNobodyIsUnresolved).
//
// # What happens on failure
//
// A reply without a clear status and code is Unknown. A code that no list names is a
// refusal with status true and Unknown with status false. A list that lacks records
// is never taken as whole (History.Short, History.Partial).
package zhimai
