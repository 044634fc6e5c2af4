package rehearsal

import (
	"cmp"
	"fmt"
	"slices"
)

// State is where an operation stands in the ledger, as its caller reads it.
type State string

const (
	StatePosted  State = "posted"
	StateParked  State = "parked"
	StatePending State = "pending"
	StateSending State = "sending"
	// StateNothing is an operation with 0 points: nothing to send.
	StateNothing State = "nothing"
	StateVoided  State = "voided"
	// StateNetted is taken from what it takes back before that was sent: no call.
	StateNetted State = "netted"
	// StateWaits waits for what it takes back, which has not ended.
	StateWaits State = "waits"
)

// LedgerRow is one operation of the ledger and how it ended.
type LedgerRow struct {
	Account     string
	Kind        string
	Type        string
	Source      string
	BusinessKey string
	// BizID is the dedup key as the vendor knows it.
	BizID string
	// Points are as they were recorded. Netted of them were taken back before it was
	// sent: the rest is what is sent, or was.
	Points, Netted int64
	State          State
	InDoubt        bool
	// ByHand: parked for a person, as the account has no call for it.
	ByHand bool
	// Origin is the key of the operation that it takes from, at the same account;
	// empty for all others.
	Origin string
}

// sent are the points that are sent, or were.
func (r LedgerRow) sent() int64 { return r.Points - r.Netted }

// BookRow is what a vendor knows about one dedup key.
type BookRow struct {
	Vendor string
	Key    string
	// Points are those of the key's first call.
	Points int64
	// Received and Applied count calls: how often the key came, how often
	// points moved. More than one Applied is what must never happen.
	Received int
	Applied  int
	// AppliedPoints is the sum of the points that moved.
	AppliedPoints int64
	// Mismatched counts calls whose parameters differed from the key's first.
	Mismatched int
	// FirstNo and AppliedNo say which call came, and which was applied, before which, at
	// all vendors; AppliedNo is 0 while nothing was applied.
	FirstNo, AppliedNo int64
}

// Disagreement is one thing that does not agree, under one key.
type Disagreement struct {
	// Kind is a short name to count by, such as applied_twice.
	Kind string
	// Account, Type, Source and BusinessKey name the fact, BizID the vendor's
	// key; what is not known is empty.
	Account, Type, Source, BusinessKey, BizID string
	// Text says what is wrong and which invariant that breaks.
	Text string
}

func (d Disagreement) String() string {
	name := d.Account + " " + d.Type
	if d.Source != "" {
		name += " " + d.Source
	}
	if d.BusinessKey != "" {
		name += " " + d.BusinessKey
	}
	if d.BizID != "" {
		name += " (" + d.BizID + ")"
	}
	return fmt.Sprintf("%s: %s: %s", d.Kind, name, d.Text)
}

// The kinds of disagreement.
const (
	MissingOperation    = "missing_operation"
	UnexpectedOperation = "unexpected_operation"
	DoubleOperation     = "double_operation"
	WrongPoints         = "wrong_points"
	WrongState          = "wrong_state"
	InTransit           = "in_transit"
	PostedNotApplied    = "posted_not_applied"
	AppliedNotPosted    = "applied_not_posted"
	AppliedTwice        = "applied_twice"
	AppliedOtherPoints  = "applied_other_points"
	UnknownToLedger     = "unknown_to_ledger"
	ParametersChanged   = "parameters_changed"
	FrozenPosted        = "frozen_posted"
	// Of orders that come back:
	TakeBackOvertook = "take_back_overtook"
	KeptOtherwise    = "kept_otherwise"
	EndedTwice       = "ended_twice"
)

// maxShown bounds the disagreements of each kind that a report holds in words; a
// broken run can have as many as keys.
const maxShown = 20

// Report is the comparison of three books, key by key.
type Report struct {
	// Expected is the number of operations in the truth, Operations in the ledger.
	Expected   int
	Operations int
	// How the ledger's operations stand. InDoubt counts rows of any open state
	// that may have been applied without proof.
	Posted, Parked, InTransit, NothingToSend, Voided, InDoubt int
	// Netted are those that took from another one before that was sent, Waiting those
	// that wait for one that is parked. ByHand of the parked are for a person because
	// the account has no call for them, ByHandPoints in all.
	Netted, Waiting, ByHand int
	ByHandPoints            int64
	// ParkedUnexpected are parked though the member is not frozen. They are no
	// disagreement (a person decides), and worth a look.
	ParkedUnexpected int
	// LedgerPoints and VendorPoints are sums of posted and of applied points.
	LedgerPoints, VendorPoints int64
	// VendorApplied is how many keys were applied, VendorDoubleApplied how many
	// more than once.
	VendorApplied, VendorDoubleApplied int
	// Difference is the sum over keys of |posted points − applied points|.
	Difference int64
	// ByKind counts all disagreements, Shown holds the first in words.
	ByKind map[string]int
	Shown  []Disagreement
}

// Agrees says that published truth, ledger and vendors' books agree under
// every key, and that nothing is still on its way.
func (r Report) Agrees() bool { return len(r.ByKind) == 0 && r.Difference == 0 }

// Disagreements is how many there are, shown or not.
func (r Report) Disagreements() int {
	n := 0
	for _, count := range r.ByKind {
		n += count
	}
	return n
}

func (r *Report) disagree(kind string, d Disagreement, format string, args ...any) {
	r.ByKind[kind]++
	if r.ByKind[kind] <= maxShown {
		d.Kind, d.Text = kind, fmt.Sprintf(format, args...)
		r.Shown = append(r.Shown, d)
	}
}

// fact identifies a business fact at an account.
type fact struct{ account, kind, typ, source, key string }

func (f fact) named(bizID string) Disagreement {
	return Disagreement{Account: f.account, Type: f.typ, Source: f.source, BusinessKey: f.key, BizID: bizID}
}

// bookKey identifies a vendor call.
type bookKey struct{ vendor, key string }

// BookOf names the vendor whose book the calls of an account are in: the mall grants at
// one and freezes at the other.
func BookOf(account, kind string) string {
	switch {
	case account != accountMall:
		return account
	case kind == kindAdd || kind == kindDeduct:
		return accountZhimai
	}
	return accountKylin
}

func bookKeyOf(row LedgerRow) bookKey { return bookKey{BookOf(row.Account, row.Kind), row.BizID} }

// Compare compares what was published, what the ledger says and what the
// vendors applied. It changes nothing and reads no clock; take the ledger's
// rows and the book at quiet. The order of the arguments' rows does not matter.
// What takes something back is compared with the book alone: [Plan.Compare] also
// holds it against its order.
func Compare(truth []Expected, ledger []LedgerRow, book []BookRow) Report {
	r := Report{Expected: len(truth), Operations: len(ledger), ByKind: map[string]int{}}
	wanted := make(map[fact]Expected, len(truth))
	for _, e := range truth {
		wanted[fact{e.Account, e.Kind, e.Type, e.Source, e.BusinessKey}] = e
	}
	ledger = slices.Clone(ledger)
	slices.SortFunc(ledger, func(a, b LedgerRow) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.BizID, b.BizID), cmp.Compare(a.BusinessKey, b.BusinessKey))
	})
	found := make(map[fact]string, len(ledger))
	posted := make(map[bookKey]int64, len(ledger))
	rows := make(map[bookKey]LedgerRow, len(ledger))
	states := statesOf(ledger)
	for _, row := range ledger {
		r.count(row, states)
		if row.Origin == "" {
			r.againstTruth(row, wanted, found)
		}
		k := bookKeyOf(row)
		if _, twice := rows[k]; twice {
			r.disagree(DoubleOperation, factOf(row).named(row.BizID), "two operations have one dedup key (invariant 2)")
		}
		rows[k] = row
		if row.State == StatePosted {
			posted[k] += row.sent()
		}
	}
	for _, e := range truth {
		f := fact{e.Account, e.Kind, e.Type, e.Source, e.BusinessKey}
		if _, ok := found[f]; !ok {
			r.disagree(MissingOperation, f.named(""), "published (message %d, %d points) and not in the ledger (invariant 1)", e.Message, e.Points)
		}
	}
	r.againstBook(rows, posted, book)
	return r
}

func factOf(row LedgerRow) fact {
	return fact{row.Account, row.Kind, row.Type, row.Source, row.BusinessKey}
}

// origin is the place of an operation for those that take from it.
type origin struct{ account, key string }

// statesOf are the states of all operations.
func statesOf(ledger []LedgerRow) map[origin]State {
	states := make(map[origin]State, len(ledger))
	for _, row := range ledger {
		states[origin{row.Account, row.BizID}] = row.State
	}
	return states
}

func (r *Report) count(row LedgerRow, states map[origin]State) {
	if row.InDoubt {
		r.InDoubt++
	}
	switch row.State {
	case StatePosted:
		r.Posted++
		r.LedgerPoints += row.sent()
	case StateParked:
		r.Parked++
		if row.ByHand {
			r.ByHand++
			r.ByHandPoints += row.Points
		} else if row.Origin != "" {
			r.ParkedUnexpected++
		}
	case StateNetted:
		r.Netted++
	case StateWaits:
		if of := states[origin{row.Account, row.Origin}]; of != StateParked {
			r.InTransit++
			r.disagree(InTransit, factOf(row).named(row.BizID), "waits for what it takes back, which is %s (invariant 9)", of)
			return
		}
		r.Waiting++
	case StateNothing:
		r.NothingToSend++
	case StateVoided:
		r.Voided++
	case StatePending, StateSending:
		r.InTransit++
		r.disagree(InTransit, factOf(row).named(row.BizID), "still %s: take the books at quiet (invariant 9)", row.State)
	default:
		r.disagree(WrongState, factOf(row).named(row.BizID), "state %q is none of the ledger's", row.State)
	}
}

// againstTruth compares one operation with what was published.
func (r *Report) againstTruth(row LedgerRow, wanted map[fact]Expected, found map[fact]string) {
	f := factOf(row)
	e, ok := wanted[f]
	if !ok { // a key of the programme: any source may have been first
		f.source = ""
		e, ok = wanted[f]
	}
	if !ok {
		r.disagree(UnexpectedOperation, factOf(row).named(row.BizID), "in the ledger with %d points, and no accepted message says so", row.Points)
		return
	}
	if other, twice := found[f]; twice {
		r.disagree(DoubleOperation, factOf(row).named(row.BizID), "the same fact is also operation %s (invariant 2)", other)
		return
	}
	found[f] = row.BizID
	if row.Points != e.Points {
		r.disagree(WrongPoints, f.named(row.BizID), "the ledger has %d points, published were %d", row.Points, e.Points)
	}
	if (row.State == StateNothing) != (row.Points == 0) {
		r.disagree(WrongState, f.named(row.BizID), "%d points and state %s: nothing to send means 0 points", row.Points, row.State)
	}
	if row.State == StatePosted && e.Frozen {
		r.disagree(FrozenPosted, f.named(row.BizID), "posted, and the vendor refuses this member (a refusal is never a success)")
	}
	if row.State == StateParked && !e.Frozen {
		r.ParkedUnexpected++
	}
}

// againstBook compares postings with what the vendors applied, and adds up the
// difference per key.
func (r *Report) againstBook(rows map[bookKey]LedgerRow, posted map[bookKey]int64, book []BookRow) {
	book = slices.Clone(book)
	slices.SortFunc(book, func(a, b BookRow) int {
		return cmp.Or(cmp.Compare(a.Vendor, b.Vendor), cmp.Compare(a.Key, b.Key))
	})
	seen := make(map[bookKey]bool, len(book))
	for _, b := range book {
		k := bookKey{b.Vendor, b.Key}
		seen[k] = true
		row, known := rows[k]
		r.difference(posted[k], b.AppliedPoints)
		name := Disagreement{Account: b.Vendor, BizID: b.Key}
		if known {
			name = factOf(row).named(b.Key)
		}
		if b.Applied > 0 {
			r.VendorApplied++
			r.VendorPoints += b.AppliedPoints
		}
		if b.Applied > 1 {
			r.VendorDoubleApplied++
			r.disagree(AppliedTwice, name, "applied %d times for %d points in all (invariants 4, 6 and 7)", b.Applied, b.AppliedPoints)
		}
		if b.Mismatched > 0 {
			r.disagree(ParametersChanged, name, "%d of %d calls differed from the key's first (invariant 4)", b.Mismatched, b.Received)
		}
		isPosted := known && row.State == StatePosted
		switch {
		case !known:
			r.disagree(UnknownToLedger, name, "the vendor got this key %d times and applied it %d times; the ledger has no such operation (invariant 1)", b.Received, b.Applied)
		case isPosted && b.Applied == 0:
			r.disagree(PostedNotApplied, name, "posted with %d points, received %d times and never applied (invariant 9)", row.sent(), b.Received)
		case !isPosted && b.Applied > 0:
			r.disagree(AppliedNotPosted, name, "applied for %d points; the ledger says %s, in doubt %t (invariant 9)", b.AppliedPoints, row.State, row.InDoubt)
		case isPosted && b.Applied == 1 && b.AppliedPoints != row.sent():
			r.disagree(AppliedOtherPoints, name, "posted with %d points, applied with %d (invariant 9)", row.sent(), b.AppliedPoints)
		}
	}
	for _, k := range sortedBookKeys(posted) {
		if !seen[k] {
			r.difference(posted[k], 0)
			r.disagree(PostedNotApplied, factOf(rows[k]).named(k.key), "posted with %d points, and the vendor never saw the key (invariant 9)", posted[k])
		}
	}
}

func (r *Report) difference(posted, applied int64) {
	d := posted - applied
	if d < 0 {
		d = -d
	}
	r.Difference += d
}

func sortedBookKeys(m map[bookKey]int64) []bookKey {
	list := make([]bookKey, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b bookKey) int {
		return cmp.Or(cmp.Compare(a.vendor, b.vendor), cmp.Compare(a.key, b.key))
	})
	return list
}
