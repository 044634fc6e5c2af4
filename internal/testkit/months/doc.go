// Package months makes the month of a shop for tests of a comparison with a vendor's
// records: what a ledger posted, what the vendor recorded, and the faults that were planted
// between the two, with what is to be found of each. It knows nothing of what compares them.
package months
