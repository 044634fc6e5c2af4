// Package custom calls a vendor that the configuration describes: its calls are data
// (docs/vendors/README.md teaches how to write them).
//
//	file ─▶ reader (read*.go) ─▶ Settings: compiled calls ─▶ client
//	VendorCall + secrets, token, time, nonce ─▶ call.build ─▶ one request ─▶ outcomes
//
// template.go has texts with places for values, target.go method, path and query,
// body.go JSON and forms, signing.go the signature, outcome.go what answers mean,
// document.go how a reply is read. The ports of vendorapi are in client.go (Sender),
// shape.go (Shaped), records.go (RecordReader, BalanceReader) and member.go (Resolver); a
// client has those that its account describes.
//
// # What always holds
//
//   - A body is a tree until it is written; parts of a URL are escaped, headers with
//     control characters refused. So a value is never more than a value, and is never
//     read as a template (TestValuesStayValues).
//   - Templates know the operation's fields, the account's secrets, its token, the time,
//     a nonce, and nothing else.
//   - Applied needs a condition on the body, or no body where that is said: a status
//     alone proves nothing. The first outcome that fits counts, and what fits none is
//     unknown (TestOutcomesOfAnswers).
//   - A call that was tried is sent in the same shape until it ends (shape.go).
//   - Errors name method and path as the file has them: no query, no value, no secret.
//   - All that is wrong with an account is said at the start, with its line.
//
// # What happens on failure
//
// A token that the vendor refuses is dropped and fetched once within the call's time;
// then the reply says Unauthorised, and the gate closes. Without a token the call is
// NotSent. An answer that cannot be read is Unknown; records that cannot be read are
// never taken for none.
package custom
