package records

import (
	"slices"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/evidence"
	"pointsledger/ledger"
	"pointsledger/ledger/knowledge"
)

// MemberAccount is a member at one account.
type MemberAccount struct {
	Account string `json:"account"`
	Kind    string `json:"kind"`
	// MemberID is the id at the vendor, masked where it looks like a mobile
	// number; empty when only a code is known. MemberCode is that code.
	MemberID   string     `json:"member_id"`
	MemberCode string     `json:"member_code"`
	Vendor     VendorView `json:"vendor"`
	// Ledger and Records are sums over all rows, shown or not.
	Ledger  MemberSums `json:"ledger"`
	Records RecordSums `json:"records"`
	// ShowsReferences: the vendor's records are known to show our references.
	ShowsReferences bool `json:"shows_references"`
	// Rows are the newest first; MoreRows counts those that are not shown, and
	// OlderRows those from before --since, which are not counted anywhere else.
	Rows        []Row        `json:"rows"`
	MoreRows    int          `json:"more_rows"`
	OlderRows   int          `json:"older_rows"`
	Differences []Difference `json:"differences"`
	// MoreOperations: the ledger has older operations, which were not read.
	MoreOperations bool `json:"more_operations"`
	// ScannedFrom is how far back scanned codes were looked for; null: not at
	// all. ScanEnded: not to the beginning.
	ScannedFrom *time.Time `json:"scanned_codes_from"`
	ScanEnded   bool       `json:"scanned_codes_cut_off"`

	// Gate is why no call is made at the account now; empty while calls are made.
	Gate string `json:"-"`

	config Account
	names  wording.Names
	ledger desk.MemberOperations
	echo   bool
	// knowledge is what was known of the account before its records were read,
	// issued the member's operations, lacks what proofs of an absence lack.
	knowledge knowledge.EndpointKnowledge
	issued    []evidence.Issued
	lacks     map[evidence.Lack]bool
	id, code  string
	rows      []memberRow
}

// MemberSums are the ledger's sums. InDoubt lies across Waiting and Parked.
type MemberSums struct {
	Posted        Tally `json:"posted"`
	Waiting       Tally `json:"waiting"`
	Parked        Tally `json:"parked"`
	InDoubt       Tally `json:"in_doubt"`
	Voided        Tally `json:"voided"`
	NothingToSend int64 `json:"nothing_to_send"`
}

// RecordSums are those of the vendor's records.
type RecordSums struct {
	// Read: they were read. All else is 0 when they were not.
	Read    bool  `json:"read"`
	Ours    Tally `json:"ours"`
	Guessed Tally `json:"ours_by_guess"`
	Others  Tally `json:"other_sources"`
	Spent   Tally `json:"spent"`
}

// Row is a row without private data.
type Row struct {
	Finding   Finding       `json:"finding"`
	At        time.Time     `json:"at"`
	Operation *RowOperation `json:"operation"`
	Record    *RowRecord    `json:"record"`
}

type RowOperation struct {
	ID          ledger.OperationID `json:"id"`
	BizID       ledger.BizID       `json:"biz_id"`
	Reference   string             `json:"reference"`
	BusinessKey string             `json:"business_key"`
	EventType   string             `json:"event_type"`
	Points      ledger.Points      `json:"points"`
	// State is in words: posted, parked in doubt, waiting…
	State       string          `json:"state"`
	Cause       ledger.Cause    `json:"cause"`
	InDoubt     bool            `json:"in_doubt"`
	Evidence    ledger.Evidence `json:"evidence"`
	RecordedAt  time.Time       `json:"recorded_at"`
	FirstSentAt *time.Time      `json:"first_sent_at"`
	PostedAt    *time.Time      `json:"posted_at"`
}

type RowRecord struct {
	// Points are below zero when they were spent.
	Points int64  `json:"points"`
	Spent  bool   `json:"spent"`
	Text   string `json:"text"`
	// At is as the vendor writes it.
	At string `json:"at"`
}

// settledAfter is how long after its posting an operation surely shows in the
// records: what the configuration says, and a minute.
const settledAfter = time.Minute

// compare sets the ledger and the records side by side.
func (a *MemberAccount) compare(q MemberQuestion) {
	a.MemberID, a.MemberCode = privacy.Mobiles(a.id), privacy.Mobiles(a.code)
	a.MoreOperations, a.ScanEnded = a.ledger.More, a.ledger.ScanEnded
	if at := a.ledger.ScannedFrom; !at.IsZero() {
		a.ScannedFrom = &at
	}
	for _, r := range a.Vendor.history.Records {
		a.echo = a.echo || r.Award && evidence.ReferenceAtEnd(r.Text) != ""
	}
	a.ShowsReferences = a.echo
	rows := compareMember(a.ledger.Operations, a.Vendor.history.Records, comparison{read: a.Vendor.read, echo: a.echo,
		judged: a.judged(), partial: a.Vendor.Partial, settled: a.config.Beliefs.VerifyAfter + settledAfter, now: q.Now})
	a.rows = slices.DeleteFunc(rows, func(r memberRow) bool { return !r.at.IsZero() && r.at.Before(q.Since) })
	a.OlderRows = len(rows) - len(a.rows)
	a.sum()
	a.Differences = a.differences()
	a.MoreRows = max(len(a.rows)-q.Limit, 0)
	a.Rows = make([]Row, 0, len(a.rows)-a.MoreRows)
	for _, r := range a.rows[:len(a.rows)-a.MoreRows] {
		a.Rows = append(a.Rows, a.shown(r))
	}
}

// judged asks the judge about the operations in doubt; nil when nothing was read.
func (a *MemberAccount) judged() map[ledger.OperationID]evidence.Judgement {
	if !a.Vendor.read {
		return nil
	}
	h := a.Vendor.history
	reading := evidence.Reading{Records: make([]evidence.Record, len(h.Records)), Complete: !h.Partial && !h.Moving && !h.Short, BeganAt: a.knowledge.Now}
	for i, r := range h.Records {
		reading.Records[i] = r.Record
	}
	if a.Vendor.Identity != nil {
		reading.Balance = a.Vendor.Identity.Balance
	}
	known := evidence.KnowledgeOf(a.knowledge, a.config.Beliefs)
	judged := map[ledger.OperationID]evidence.Judgement{}
	for _, o := range a.ledger.Operations {
		if o.InDoubt {
			judged[o.ID] = evidence.Judge(evidence.Operation{Account: a.Account, MemberID: o.MemberID, Reference: o.Reference, Reason: o.Reason,
				Points: o.Points, FirstSentAt: o.FirstSentAt, QuietSince: o.QuietSince}, reading, a.issued, known)
		}
	}
	a.lacks = map[evidence.Lack]bool{}
	for _, j := range judged {
		if j.Lack != "" {
			a.lacks[j.Lack] = true
		}
	}
	return judged
}

func (a *MemberAccount) sum() {
	a.Records.Read = a.Vendor.read
	for _, r := range a.rows {
		if o := r.operation; o != nil && r.finding != AppliedAgain {
			a.Ledger.add(o)
		}
		if r.record == nil {
			continue
		}
		switch r.finding {
		case OtherSpent:
			a.Records.Spent.add(max(r.record.Points, -r.record.Points))
		case OtherAward:
			a.Records.Others.add(r.record.Points)
		case InBothByGuess, DoubtMaybe:
			a.Records.Guessed.add(r.record.Points)
		default:
			a.Records.Ours.add(r.record.Points)
		}
	}
}

func (s *MemberSums) add(o *desk.MemberOperation) {
	points := int64(o.Points)
	switch o.State {
	case string(ledger.Posted):
		s.Posted.add(points)
	case string(ledger.Voided):
		s.Voided.add(points)
	case "":
		s.NothingToSend++
	case string(ledger.Parked):
		s.Parked.add(points)
	default:
		s.Waiting.add(points)
	}
	if o.InDoubt {
		s.InDoubt.add(points)
	}
}

// shown masks a row.
func (a *MemberAccount) shown(r memberRow) Row {
	row := Row{Finding: r.finding, At: r.at}
	if o := r.operation; o != nil {
		row.Operation = &RowOperation{ID: o.ID, BizID: o.BizID, Reference: o.Reference,
			BusinessKey: privacy.Hide(o.BusinessKey, o.MemberID, o.MemberCode), EventType: o.EventType, Points: o.Points,
			State: memberState(o), Cause: o.Cause, InDoubt: o.InDoubt, Evidence: o.Evidence, RecordedAt: o.RecordedAt,
			FirstSentAt: orNil(o.FirstSentAt), PostedAt: orNil(o.PostedAt)}
	}
	if record := r.record; record != nil {
		text := a.Vendor.private.Mask(record.Text)
		if r.operation != nil && evidence.ReferenceAtEnd(record.Text) != "" {
			text = privacy.Hide(a.Vendor.private.MaskOurs(record.Text), r.operation.MemberID, r.operation.MemberCode)
		}
		row.Record = &RowRecord{Points: record.Points, Spent: !record.Award, Text: text, At: a.Vendor.private.Mask(record.WrittenAt)}
		if row.Record.Spent {
			row.Record.Points = -max(record.Points, -record.Points)
		}
	}
	return row
}

func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// memberState is an operation's state in a word or two.
func memberState(o *desk.MemberOperation) string {
	state := o.State
	switch o.State {
	case "":
		return "nothing to send"
	case string(ledger.Pending):
		state = "waiting"
	case string(ledger.Sending):
		state = "being sent"
	}
	if o.InDoubt {
		state += " in doubt"
	}
	return state
}

// worthShowing tells whether there is anything to show.
func (a *MemberAccount) worthShowing() bool {
	return len(a.ledger.Operations) > 0 || a.Vendor.Identity != nil || len(a.Vendor.history.Records) > 0 || a.Vendor.State == VendorAway
}

// incomplete tells whether the vendor was to be asked and did not say it all.
func (a *MemberAccount) incomplete() bool {
	known := len(a.ledger.Operations) > 0 || a.Vendor.Identity != nil
	return a.Vendor.State == VendorAway || a.Vendor.State == VendorRefused && known || a.Vendor.Partial
}

// Total counts the rows, those that are not among Rows included.
func (a *MemberAccount) Total() int { return len(a.rows) }

// IDsOnly: vendors of the account's kind know no scanned codes.
func (a *MemberAccount) IDsOnly() bool { return a.config.IDsOnly }
