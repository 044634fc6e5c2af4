package seal

import (
	"time"

	"pointsledger/desk/privacy"
)

// namedMost bounds the findings that are named of each check; all are counted.
const namedMost = 1000

// The checks of Verify, in the order in which they are made.
const (
	// CheckChain: each batch has the hash that its rows' digests give, and follows on
	// the one before it.
	CheckChain = "chain"
	// CheckHead: the head that is kept outside the database is in the chain.
	CheckHead = "head"
	// CheckRows: each row that is listed is there as it was, and each row that is there
	// is listed, or was recorded since.
	CheckRows = "rows"
	// CheckRecompute: points, codes, keys and references are what the registered rules
	// make of each operation's own event, and refunds leave what they must.
	CheckRecompute = "recompute"
	// CheckRefunds: what is kept of a grant after its refunds.
	CheckRefunds = "refunds"
	// CheckTimes: the instants of an operation do not contradict each other.
	CheckTimes = "times"
	// CheckTold: each operation has ended once or is to be done, with its points.
	CheckTold = "told"
	// CheckBooked: what was booked on another day than its own came late for a lock, and each
	// kind of operation moves points between the accounts that it is to.
	CheckBooked = "booked"
	// CheckStream: ledger and stream have the same events, as far as the stream reaches.
	CheckStream = "stream"
)

// Kinds of findings.
const (
	// ChainBroken: a batch is not what it was.
	ChainBroken = "chain_broken"
	// HeadDiffers: the chain was written anew, from the batch of the head outside or an
	// earlier one on.
	HeadDiffers = "head_differs"
	// LostCommits: the head outside is of batches that the database does not hold.
	LostCommits = "lost_commits"
	// Edited, Removed and Inserted are rows.
	Edited   = "edited"
	Removed  = "removed"
	Inserted = "inserted"
	// Recomputed: the rules make something else of the operation's own event.
	Recomputed = "recomputed"
	// RulesMissing: the rule file that made it is not registered, or was edited.
	RulesMissing = "rules_missing"
	// TimesContradict: something ended before it began.
	TimesContradict = "times_contradict"
	// NotTold: its postings and its row to send do not say what became of it.
	NotTold = "not_told"
	// Misbooked: it is booked on a day or an account that it does not belong on.
	Misbooked = "misbooked"
	// MissingInLedger: the stream has an event that was acknowledged, and the ledger does
	// not.
	MissingInLedger = "missing_in_ledger"
	// OtherContent: the ledger has other content of an event than the stream.
	OtherContent = "other_content"
	// NotInStream: the ledger has an operation whose event the stream never had.
	NotInStream = "not_in_stream"
)

// Finding is something that does not hold.
type Finding struct {
	Check string `json:"check"`
	Kind  string `json:"kind"`
	// Table and ID name the row; empty and 0 for none.
	Table string `json:"table"`
	ID    int64  `json:"id"`
	// Batch is the batch of the seal that it is about; 0: none.
	Batch int64 `json:"batch"`
	// BusinessKey is what a person searches for, where it is known.
	BusinessKey string `json:"business_key"`
	// What says it in words.
	What string `json:"what"`

	// covers is the digest under which an act can cover it; nil: none can. lost is the
	// number of a head that was lost.
	covers []byte
	lost   int64
}

// Covered is something that does not hold, and that a person has looked into.
type Covered struct {
	Finding
	Actor  string    `json:"actor"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	// Act is the row of ops_actions.
	Act int64 `json:"act"`
}

// Check is a line of the result: what was looked at, how much of it, and what was found.
type Check struct {
	Name string `json:"name"`
	// What was checked, in words.
	What string `json:"what"`
	// Checked counts what was looked at, in Unit.
	Checked int64  `json:"checked"`
	Unit    string `json:"unit"`
	// Found counts what does not hold and nobody has covered.
	Found int64 `json:"found"`
	// Unchecked says what could not be checked and why; empty: all was.
	Unchecked string `json:"unchecked"`
	// Note says what is worth knowing and is no finding; empty: nothing.
	Note string `json:"note"`
}

// Result is what Verify found.
type Result struct {
	// OK: nothing was found. What could not be checked is in Checks and in Complete.
	OK bool `json:"ok"`
	// Complete: every check was made whole.
	Complete bool   `json:"complete"`
	LedgerID string `json:"ledger_id"`
	// Head is the newest batch in the database, and Outside the head that is kept outside;
	// number 0 when there is none.
	Head    Head `json:"head"`
	Outside Head `json:"outside"`
	// Unsealed rows are younger than the newest batch.
	Unsealed int64     `json:"unsealed_rows"`
	At       time.Time `json:"at"`
	Checks   []Check   `json:"checks"`
	// Findings are at most 1,000 of each check.
	Findings []Finding `json:"findings"`
	// Covered is what a person has covered by an act; it stays shown.
	Covered []Covered `json:"covered"`
}

// mask masks mobile numbers: an auditor needs the row, and not whose it is.
func (f *Finding) mask() {
	f.What, f.BusinessKey = privacy.Mobiles(f.What), privacy.Mobiles(f.BusinessKey)
}

// check begins a check; what it finds is counted in its line.
func (r *Result) check(name, what, unit string) *Check {
	r.Checks = append(r.Checks, Check{Name: name, What: what, Unit: unit})
	return &r.Checks[len(r.Checks)-1]
}

// found counts a finding and names it, while there are not too many.
func (r *Result) found(c *Check, f Finding) {
	f.Check = c.Name
	f.mask()
	if c.Found++; c.Found <= namedMost {
		r.Findings = append(r.Findings, f)
	}
}

// end works out what all checks come to.
func (r *Result) end() {
	r.OK, r.Complete = true, true
	for i := range r.Checks {
		r.OK = r.OK && r.Checks[i].Found == 0
		r.Complete = r.Complete && r.Checks[i].Unchecked == ""
	}
}
