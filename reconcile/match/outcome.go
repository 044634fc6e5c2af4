package match

import (
	"time"

	"pointsledger/ledger"
)

// Kind is what an item is; see the package comment.
type Kind string

// The kinds, in the order in which they are shown.
const (
	OnlyInLedger     Kind = "only_in_ledger"
	OnlyAtVendor     Kind = "only_at_vendor"
	AmountDiffers    Kind = "amount_differs"
	AppliedTwice     Kind = "applied_twice"
	WrongMember      Kind = "wrong_member"
	Ambiguous        Kind = "ambiguous"
	VoidedButApplied Kind = "voided_but_applied"
	BalanceDiffers   Kind = "balance_differs"
	InTransit        Kind = "in_transit"
)

// Kinds are those of differences: all but in_transit.
func Kinds() []Kind {
	return []Kind{OnlyInLedger, OnlyAtVendor, AmountDiffers, AppliedTwice, WrongMember, Ambiguous, VoidedButApplied, BalanceDiffers}
}

// Step is what to do about an item.
type Step string

const (
	// StepAskVendor: the vendor must say what became of it.
	StepAskVendor Step = "ask_vendor"
	// StepSettle: the records show it; a person may write that down.
	StepSettle Step = "settle"
	// StepSend: it may be put back and sent.
	StepSend Step = "send"
	// StepWait: it goes on by itself.
	StepWait Step = "wait"
	// StepShow: look at the operation, and explain the item.
	StepShow Step = "show"
	// StepTakeBack: the member has points too many at the vendor.
	StepTakeBack Step = "take_back"
	// StepByHand: a person does it in the vendor's back office.
	StepByHand Step = "by_hand"
	// StepMove: the points are with the wrong member.
	StepMove Step = "move"
)

// How is what became of a record.
type How string

const (
	ByReference How = "reference"
	Proposed    How = "proposed"
	InItem      How = "item"
	OnItsWay    How = "in_transit"
	NotOurs     How = "not_ours"
	// Outside: it is another window's.
	Outside How = "outside"
)

// Match says what became of one record.
type Match struct {
	Record int64
	// Operation is 0 for none.
	Operation ledger.OperationID
	How       How
	// Item is its place among the items, -1 for none.
	Item int
}

// Item is a difference, or something that is in transit.
type Item struct {
	Kind              Kind
	Account, MemberID string
	// Operation is the first of Operations, or whose reference a record shows; 0 for none.
	// BizID, BusinessKey and Reference are its.
	Operation                     ledger.OperationID
	BizID, BusinessKey, Reference string
	// Of balance_differs they are what the records lead to and the balance, and no part of
	// the totals.
	LedgerPoints, VendorPoints int64
	// OpenPoints are to be moved, and in neither side; of in_transit alone.
	OpenPoints int64
	// At is when it was posted or recorded; zero when nobody knows.
	At time.Time
	// Evidence says in a sentence what was seen.
	Evidence string
	Step     Step
	// Operations and Records are all that it claims.
	Operations []ledger.OperationID
	Records    []int64
	// Key is the same for the same difference in every run.
	Key string

	// names are the dedup keys of Operations: a ledger that was rebuilt numbers anew.
	names []string
}

// Totals are the sums of one or more members.
type Totals struct {
	// Postings are those of the window; Compared those that have a record, or would.
	Postings, Compared int64
	// Records are those of the window, and what was matched with postings of it.
	Records                           int64
	MatchedByReference, MatchedPoints int64
	Proposed, ProposedPoints          int64
	InTransit                         int64
	NotOurs, NotOursPoints            int64
	BeyondReach, BeyondReachPoints    int64
	LedgerPoints, VendorPoints        int64
	// Balances counts those that were compared.
	Balances int64
}

// Add adds other totals.
func (t *Totals) Add(o *Totals) {
	t.Postings += o.Postings
	t.Compared += o.Compared
	t.Records += o.Records
	t.MatchedByReference += o.MatchedByReference
	t.MatchedPoints += o.MatchedPoints
	t.Proposed += o.Proposed
	t.ProposedPoints += o.ProposedPoints
	t.InTransit += o.InTransit
	t.NotOurs += o.NotOurs
	t.NotOursPoints += o.NotOursPoints
	t.BeyondReach += o.BeyondReach
	t.BeyondReachPoints += o.BeyondReachPoints
	t.LedgerPoints += o.LedgerPoints
	t.VendorPoints += o.VendorPoints
	t.Balances += o.Balances
}

// Outcome is what became of a member's postings and records.
type Outcome struct {
	Matches []Match
	Items   []Item
	Totals
}
