package runs

import (
	"iter"
	"time"

	"pointsledger/evidence"
	"pointsledger/vendorapi"
)

// Account is a vendor account as it is configured.
type Account struct {
	Name string
	// Reader reads its records; nil: its vendor has none, or is not asked.
	Reader Reader
	// Off is why no call is made to it although its vendor has records; empty otherwise.
	Off string
	// RecordsPerSecond and MembersPerSecond are how many calls for records, and for who a
	// member is, may start in a second; 0 is no limit. OneRate: they are one limit, with all
	// other calls of the account.
	RecordsPerSecond, MembersPerSecond float64
	OneRate                            bool
	Beliefs                            evidence.Beliefs
}

// Reader is a vendor whose records can be read. If it tells a member's balance too
// (vendorapi.BalanceReader), that is compared.
type Reader interface {
	vendorapi.RecordReader
	vendorapi.Endpointed
}

// Choice says which members are read.
type Choice string

const (
	// Changed are those with a movement in the window.
	Changed Choice = "changed"
	// All are all that the ledger knows at the account.
	All Choice = "all"
	// Sample are some of Changed, drawn by the run's number.
	Sample Choice = "sample"
	// List are those that are named.
	List Choice = "list"
)

// Record is a movement in a file.
type Record struct {
	MemberID string
	// Points are below zero when they were taken.
	Points int64
	Text   string
	At     time.Time
	// DateOnly: At is the beginning of its day, and the file has no time.
	DateOnly bool
}

// File is an export of a vendor's.
type File struct {
	Name string
	// Records ends at its first error.
	Records iter.Seq2[Record, error]
	// ExportedAt is when it was written. Too late: what was posted since counts as
	// missing.
	ExportedAt time.Time
}

// Asked is what a run is to compare.
type Asked struct {
	// Account is a configured account; empty: all that are configured.
	Account string
	// From and To are the first and the last day, such as 2026-11-01, in Zone.
	From, To string
	Zone     *time.Location
	// File is compared instead of what the vendor answers; nil: the vendor is asked.
	File *File
	// Choice is of the members; empty is Changed, and of a file all that are in it or in
	// the ledger. SampleSize goes with Sample, Members with List.
	Choice     Choice
	SampleSize int
	Members    []string
	// NoBalances: balances are not asked for. A file has none.
	NoBalances bool
	// SoleSource: nothing but this ledger grants points at the account.
	SoleSource bool
	// Resume goes on with a run; all else but Progress is that run's.
	Resume int64
	// MadeBy is who asks.
	MadeBy string
	// Progress hears how far the run is, one thing at a time; may be nil.
	Progress func(Progress)
}

// Phase is what a run is doing.
type Phase string

const (
	Reading   Phase = "reading"
	Loading   Phase = "loading"
	Comparing Phase = "comparing"
)

// Progress says how far a run is.
type Progress struct {
	Run   int64
	Phase Phase
	// Done of Total members, rows or postings; Total is 0 when it is not known.
	Done, Total int64
	// Left is how long reading will take at the rate so far, or as the accounts' rates
	// allow; 0 when nobody knows.
	Left time.Duration
	// Waits says why nothing is read now; empty while it goes on.
	Waits string
}
