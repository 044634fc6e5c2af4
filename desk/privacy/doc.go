// Package privacy masks what no view shows of a member: mobile numbers, names,
// the numbers of cards. Whatever shows a text that a publisher, a vendor or a
// person wrote passes it through here first; the ledger itself keeps it whole.
//
// It errs on the side of hiding, except in ids: an order number or a member id
// must stay readable, or nobody can look it up. All functions are pure.
package privacy
