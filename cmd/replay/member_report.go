package main

import (
	"slices"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/evidence"
	"pointsledger/internal/config"
	"pointsledger/ledger"
)

// memberAccount is a member at one account.
type memberAccount struct {
	Account string `json:"account"`
	Kind    string `json:"kind"`
	// MemberID is the id at the vendor, masked where it looks like a mobile
	// number; empty when only a code is known. MemberCode is that code.
	MemberID   string     `json:"member_id"`
	MemberCode string     `json:"member_code"`
	Vendor     vendorView `json:"vendor"`
	// Ledger and Records are sums over all rows, shown or not.
	Ledger  memberSums `json:"ledger"`
	Records recordSums `json:"records"`
	// ShowsReferences: the vendor's records are known to show our references.
	ShowsReferences bool `json:"shows_references"`
	// Rows are the newest first; MoreRows counts those that are not shown, and
	// OlderRows those from before --since, which are not counted anywhere else.
	Rows        []shownRow         `json:"rows"`
	MoreRows    int                `json:"more_rows"`
	OlderRows   int                `json:"older_rows"`
	Differences []memberDifference `json:"differences"`
	// MoreOperations: the ledger has older operations, which were not read.
	MoreOperations bool `json:"more_operations"`
	// ScannedFrom is how far back scanned codes were looked for; null: not at
	// all. ScanEnded: not to the beginning.
	ScannedFrom *time.Time `json:"scanned_codes_from"`
	ScanEnded   bool       `json:"scanned_codes_cut_off"`

	config config.Vendor
	ledger desk.MemberOperations
	echo   bool
	// knowledge is what was known of the account before its records were read,
	// issued the member's operations, lacks what proofs of an absence lack.
	knowledge ledger.EndpointKnowledge
	issued    []evidence.Issued
	lacks     map[evidence.Lack]bool
	id, code  string
	gate      string
	rows      []memberRow
}

// tally is a number of operations or records and their points.
type tally struct {
	Count  int64 `json:"count"`
	Points int64 `json:"points"`
}

func (t *tally) add(points int64) { t.Count++; t.Points += points }

// memberSums are the ledger's sums. InDoubt lies across Waiting and Parked.
type memberSums struct {
	Posted        tally `json:"posted"`
	Waiting       tally `json:"waiting"`
	Parked        tally `json:"parked"`
	InDoubt       tally `json:"in_doubt"`
	Voided        tally `json:"voided"`
	NothingToSend int64 `json:"nothing_to_send"`
}

// recordSums are those of the vendor's records.
type recordSums struct {
	// Read: they were read. All else is 0 when they were not.
	Read    bool  `json:"read"`
	Ours    tally `json:"ours"`
	Guessed tally `json:"ours_by_guess"`
	Others  tally `json:"other_sources"`
	Spent   tally `json:"spent"`
}

// shownRow is a row without private data.
type shownRow struct {
	Finding   memberFinding   `json:"finding"`
	At        time.Time       `json:"at"`
	Operation *shownMemberOp  `json:"operation"`
	Record    *shownVendorRow `json:"record"`
}

type shownMemberOp struct {
	ID          ledger.OperationID `json:"id"`
	BizID       ledger.BizID       `json:"biz_id"`
	Reference   string             `json:"reference"`
	BusinessKey string             `json:"business_key"`
	EventType   string             `json:"event_type"`
	Points      ledger.Points      `json:"points"`
	// State is in words: posted, parked in doubt, waiting…
	State       string     `json:"state"`
	Cause       string     `json:"cause"`
	InDoubt     bool       `json:"in_doubt"`
	Evidence    string     `json:"evidence"`
	RecordedAt  time.Time  `json:"recorded_at"`
	FirstSentAt *time.Time `json:"first_sent_at"`
	PostedAt    *time.Time `json:"posted_at"`
}

type shownVendorRow struct {
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
func (a *memberAccount) compare(q memberQuestion) {
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
		judged: a.judged(), partial: a.Vendor.Partial, settled: a.config.VerifyAfter + settledAfter, now: q.now})
	a.rows = slices.DeleteFunc(rows, func(r memberRow) bool { return !r.at.IsZero() && r.at.Before(q.since) })
	a.OlderRows = len(rows) - len(a.rows)
	a.sum()
	a.Differences = a.differences()
	a.MoreRows = max(len(a.rows)-q.limit, 0)
	a.Rows = make([]shownRow, 0, len(a.rows)-a.MoreRows)
	for _, r := range a.rows[:len(a.rows)-a.MoreRows] {
		a.Rows = append(a.Rows, a.shown(r))
	}
}

// judged asks the judge about the operations in doubt; nil when nothing was read.
func (a *memberAccount) judged() map[ledger.OperationID]evidence.Judgement {
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
	known := evidence.KnowledgeOf(a.knowledge, beliefsOf(a.config))
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

func (a *memberAccount) sum() {
	a.Records.Read = a.Vendor.read
	for _, r := range a.rows {
		if o := r.operation; o != nil && r.finding != appliedAgain {
			a.Ledger.add(o)
		}
		if r.record == nil {
			continue
		}
		switch r.finding {
		case otherSpent:
			a.Records.Spent.add(max(r.record.Points, -r.record.Points))
		case otherAward:
			a.Records.Others.add(r.record.Points)
		case inBothGuess, doubtMaybe:
			a.Records.Guessed.add(r.record.Points)
		default:
			a.Records.Ours.add(r.record.Points)
		}
	}
}

func (s *memberSums) add(o *desk.MemberOperation) {
	points := int64(o.Points)
	switch o.State {
	case "posted":
		s.Posted.add(points)
	case "voided":
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
func (a *memberAccount) shown(r memberRow) shownRow {
	row := shownRow{Finding: r.finding, At: r.at}
	if o := r.operation; o != nil {
		row.Operation = &shownMemberOp{ID: o.ID, BizID: o.BizID, Reference: o.Reference,
			BusinessKey: privacy.Hide(o.BusinessKey, o.MemberID, o.MemberCode), EventType: o.EventType, Points: o.Points,
			State: memberState(o), Cause: o.Cause, InDoubt: o.InDoubt, Evidence: o.Evidence, RecordedAt: o.RecordedAt,
			FirstSentAt: orNil(o.FirstSentAt), PostedAt: orNil(o.PostedAt)}
	}
	if record := r.record; record != nil {
		text := a.Vendor.private.Mask(record.Text)
		if r.operation != nil && evidence.ReferenceAtEnd(record.Text) != "" {
			text = privacy.Hide(a.Vendor.private.MaskOurs(record.Text), r.operation.MemberID, r.operation.MemberCode)
		}
		row.Record = &shownVendorRow{Points: record.Points, Spent: !record.Award, Text: text, At: a.Vendor.private.Mask(record.WrittenAt)}
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
	case "sending":
		state = "being sent"
	}
	if o.InDoubt {
		state += " in doubt"
	}
	return state
}

// worthShowing tells whether there is anything to show.
func (a *memberAccount) worthShowing() bool {
	return len(a.ledger.Operations) > 0 || a.Vendor.Identity != nil || a.Vendor.State == vendorAway
}

// incomplete tells whether the vendor was to be asked and did not say it all.
func (a *memberAccount) incomplete() bool {
	known := len(a.ledger.Operations) > 0 || a.Vendor.Identity != nil
	return a.Vendor.State == vendorAway || a.Vendor.State == vendorRefused && known || a.Vendor.Partial
}
