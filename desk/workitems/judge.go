package workitems

import (
	"context"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/ledger"
)

// Outcome is what becomes of a row of the file.
type Outcome string

// The outcomes. Only the first two change anything.
const (
	// WouldSettle in a preview, Settled when it was done.
	WouldSettle Outcome = "would_settle"
	Settled     Outcome = "settled"
	// Open: the row has no result yet.
	Open Outcome = "open"
	// Already: it ended as the row says, by an earlier run or another way.
	Already Outcome = "already_settled"
	// The others are for a person to look at. EndedOtherwise: it has ended, and not as
	// the row says.
	EndedOtherwise Outcome = "ended_otherwise"
	Unknown        Outcome = "unknown_biz_id"
	NoWorkItem     Outcome = "no_work_item"
	BadResult      Outcome = "bad_result"
	BadNote        Outcome = "bad_note"
	// Changed: the row has other points than the item, so its columns were mixed up.
	Changed Outcome = "changed_since_export"
	// Contradicted: another row says something else of the same item.
	Contradicted Outcome = "contradicted"
)

// ok are the outcomes that nobody needs to look at.
var ok = []Outcome{WouldSettle, Settled, Open, Already}

// Row is a row of the file with what becomes of it.
type Row struct {
	Line    int          `json:"line"`
	BizID   ledger.BizID `json:"biz_id"`
	Result  Result       `json:"result"`
	Outcome Outcome      `json:"outcome"`
	// Words says more where a person has to look; masked.
	Words string `json:"words"`
	// The operation; 0 and empty for one that is not known. Masked.
	Operation   ledger.OperationID `json:"operation"`
	Account     string             `json:"account"`
	Kind        ledger.Kind        `json:"kind"`
	BusinessKey string             `json:"business_key"`
	MemberID    string             `json:"member_id"`
	Points      ledger.Points      `json:"points"`

	note, member string
}

// sqlStandings reads what the ledger knows of keys. A key names its account, but the
// index begins with that (operations_one_per_key): it is read as a whole, once for each
// batch. No row for a key means that nobody has it.
const sqlStandings = `
SELECT o.biz_id, o.id, o.target, o.kind, o.business_key, COALESCE(w.member_id, p.member_id, o.member_id, ''), COALESCE(w.points, p.points, o.points),
       w.operation_id IS NOT NULL, COALESCE(x.cause, '') = 'no_vendor_call', COALESCE(x.state, ''), COALESCE(p.kind, ''), COALESCE(p.evidence, '')
  FROM operations o
  LEFT JOIN outbox x ON x.operation_id = o.id
  LEFT JOIN postings p ON p.operation_id = o.id
  LEFT JOIN work_items w ON w.operation_id = o.id
 WHERE o.biz_id = ANY ($1::text[])`

// standing is what the ledger knows of a key.
type standing struct {
	id          ledger.OperationID
	account     string
	kind        ledger.Kind
	businessKey string
	memberID    string
	points      ledger.Points
	// item: it is a work item now. early: it will be one when its origin has arrived.
	item, early bool
	state       string
	ended       ledger.PostingKind
	evidence    ledger.Evidence
}

// batchRows bounds one statement and one transaction.
const batchRows = 1000

// Judge says what becomes of answers, and changes nothing.
func (x *Items) Judge(ctx context.Context, answers []Answer) ([]Row, error) {
	said := map[ledger.BizID]Result{}
	split := map[ledger.BizID]bool{}
	for _, a := range answers {
		if before, there := said[a.BizID]; there && a.Result != "" && before != a.Result {
			split[a.BizID] = true
		}
		if a.Result != "" {
			said[a.BizID] = a.Result
		}
	}
	seen := map[ledger.BizID]bool{}
	rows := make([]Row, 0, len(answers))
	for batch := range slices.Chunk(answers, batchRows) {
		known, err := x.standings(ctx, batch)
		if err != nil {
			return nil, err
		}
		for _, a := range batch {
			s := known[a.BizID]
			r := Row{Line: a.Line, BizID: a.BizID, Result: a.Result, note: a.Note, member: s.memberID, Operation: s.id, Account: s.account, Kind: s.kind,
				BusinessKey: privacy.Hide(s.businessKey, s.memberID), MemberID: privacy.Mobiles(s.memberID), Points: s.points}
			switch r.Outcome, r.Words = a.judge(&s); {
			case r.Outcome != WouldSettle:
			case split[a.BizID]:
				r.Outcome, r.Words = Contradicted, "other rows say something else of it: say one thing"
			case seen[a.BizID]:
				r.Outcome, r.Words = Already, "the same as a row above"
			default:
				seen[a.BizID] = true
			}
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// judge says what becomes of one answer alone.
func (a *Answer) judge(s *standing) (Outcome, string) {
	ends := map[Result]ledger.PostingKind{Done: ledger.Posted, NotPossible: ledger.Voided}[a.Result]
	switch {
	case a.Result == "":
		return Open, ""
	case ends == "":
		return BadResult, fmt.Sprintf("the result is %q: want %s or %s, or nothing while it is not done", a.Result, Done, NotPossible)
	case a.BizID == "":
		return Unknown, "the row has a result and no biz_id"
	case s.id == 0:
		return Unknown, "no operation has this biz_id"
	case s.ended == ends && s.evidence == ledger.Manual:
		return Already, ""
	case s.ended != "":
		return EndedOtherwise, fmt.Sprintf("it is %s: %s", s.ended, wording.Evidence(s.evidence))
	case s.early:
		return NoWorkItem, "what it takes from has not arrived, so there is nothing to do yet"
	case !s.item && s.state == "":
		return NoWorkItem, "there is nothing to do for it"
	case !s.item:
		return NoWorkItem, "it goes by a call of its own, and is " + s.state
	case a.Points != nil && *a.Points != int64(s.points):
		return Changed, fmt.Sprintf("the row has %s and the item %s: were columns mixed up?", wording.Plural(*a.Points, "point"), wording.Plural(s.points, "point"))
	case a.Result == NotPossible && a.Note == "":
		return BadNote, "want a note: why it is not possible"
	case utf8.RuneCountInString(a.Note) > maxNoteChars:
		return BadNote, fmt.Sprintf("the note has more than %d characters", maxNoteChars)
	}
	return WouldSettle, ""
}

func (x *Items) standings(ctx context.Context, answers []Answer) (map[ledger.BizID]standing, error) {
	keys := make([]string, 0, len(answers))
	for _, a := range answers {
		if a.Result != "" && a.BizID != "" {
			keys = append(keys, ledger.Storable(string(a.BizID)))
		}
	}
	rows, err := x.pool.Query(ctx, sqlStandings, keys)
	if err != nil {
		return nil, fmt.Errorf("look work items up: %w", err)
	}
	known := map[ledger.BizID]standing{}
	var key ledger.BizID
	var s standing
	var person bool
	_, err = pgx.ForEachRow(rows, []any{&key, &s.id, &s.account, &s.kind, &s.businessKey, &s.memberID, &s.points, &s.item, &person, &s.state, &s.ended, &s.evidence}, func() error {
		s.early = person && !s.item
		known[key] = s
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look work items up: %w", err)
	}
	return known, nil
}
