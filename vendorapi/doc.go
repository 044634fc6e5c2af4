// Package vendorapi is the edge to the vendors: what a call's answer means
// ([Outcome]), the ports by which a vendor is asked, and what a kind of vendor is
// ([Kind]). The HTTP rules that the clients share are in wire.
//
// # A vendor is a folder
//
// zhimai and kylin are one each: the client, what it makes of a call
// (adapter.go there), its settings and how they are read, previews of its requests.
// Whoever sends, reads or shows asks ports, never a name:
//
//	Sender          makes the points calls; every vendor
//	Resolver        tells whose a scanned member code is
//	RecordReader    shows a member's records to the judge
//	BalanceReader   tells a member's points, for the judge
//	MemberReader    shows a member to a person
//	Shaped          has something of the configuration in its calls
//	Endpointed      names where its calls go
//	Authorised      can ask for its right to call
//	Closer          holds connections
//	Settings        an account of the kind: opens the Sender, shows a request
//	Signed          Settings whose signature can be made wrong, to compare
//	Varied          Signed ones of a vendor that leaves open how calls are signed
//	Offering        Settings that say themselves what their account offers
//
// custom is the kind whose calls the configuration describes. To add one in Go: a
// folder with a func Kind, and its line in vendorapi/kinds
// (TestStrangersVendor). Its calls must be among ledger's kinds of operations.
// sim holds a simulator of both vendors; it shares no code with them.
//
// # What always holds
//
//   - An Outcome answers "may the vendor have applied it?". It is decided from
//     status, code and error type, never from a text; what is not listed is
//     Unknown.
//   - One Send is one attempt, never sent twice unseen; NotSent is true: no byte
//     left this machine.
//   - A call is made of the VendorCall and the shape alone, so that every attempt
//     is the same request but for time and signature.
//   - No reply, error or preview shows a secret.
//
// # What happens on failure
//
// A reply that cannot be read, is too large, or breaks off is Unknown with its
// error; a request that must not be sent is NotSent with [ErrUnsendable]. Vendors
// log nothing: the reply says it all.
package vendorapi
