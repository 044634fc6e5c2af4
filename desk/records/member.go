package records

import (
	"cmp"
	"context"
	"slices"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/evidence"
	"pointsledger/ledger/knowledge"
)

// What bounds a search for scanned codes unless the question says since when.
const (
	memberScanDays = 90
	memberScanMost = 2_000_000
)

// MemberQuestion asks about one member.
type MemberQuestion struct {
	// Text is a member's id or a scanned code; AsCode says that it is a code,
	// whatever it looks like.
	Text   string
	AsCode bool
	// Account is the only one to look at; empty is all that are known.
	Account string
	// Since leaves out what happened before it; zero is nothing. Now is the time of
	// the question.
	Since, Now time.Time
	// Limit is the most rows that are returned of an account; all are counted.
	Limit int
	// Progress hears how many operations were looked through for scanned codes;
	// may be nil.
	Progress func(looked int64)
}

// MemberReport is the answer.
type MemberReport struct {
	AskedFor string           `json:"asked_for"`
	Since    *time.Time       `json:"since"`
	Accounts []*MemberAccount `json:"accounts"`
	// Rejects are open rejects whose events name the member: their points were
	// never recorded. MoreRejects says that there are others.
	Rejects     []Reject `json:"rejects"`
	MoreRejects bool     `json:"more_rejects"`

	// Unread are the accounts whose vendor was to be asked and did not say it all.
	Unread []string `json:"-"`
}

// Reject is a reject that names the member.
type Reject struct {
	ID   int64  `json:"id"`
	Code string `json:"code"`
}

// Member asks the accounts, one after the other. The error is a
// *desk.UnknownAccountError for an account that nobody knows, and a *NobodyError
// when neither the ledger nor a vendor knows such a member.
func (l *Lookup) Member(ctx context.Context, q MemberQuestion) (*MemberReport, error) {
	names, err := l.memberAccounts(ctx, q.Account)
	if err != nil {
		return nil, err
	}
	known, err := l.whereKnown(ctx, names, q)
	if err != nil {
		return nil, err
	}
	report := &MemberReport{AskedFor: privacy.Mobiles(q.Text), Accounts: []*MemberAccount{}}
	if !q.Since.IsZero() {
		report.Since = &q.Since
	}
	var silent []string
	for _, name := range names {
		a, err := l.memberAt(ctx, name, q, known)
		if err != nil {
			return nil, err
		}
		if a.worthShowing() {
			report.Accounts = append(report.Accounts, a)
		} else {
			silent = append(silent, name+": "+cmp.Or(a.Vendor.Words, "the vendor's records have nothing of such a member"))
		}
		if a.incomplete() {
			report.Unread = append(report.Unread, name)
		}
	}
	if err := l.memberRejects(ctx, report, q); err != nil {
		return nil, err
	}
	if len(report.Accounts) == 0 && len(report.Rejects) == 0 {
		return nil, &NobodyError{AskedFor: report.AskedFor, Said: silent}
	}
	return report, nil
}

// memberRejects adds the rejects that name the member.
func (l *Lookup) memberRejects(ctx context.Context, report *MemberReport, q MemberQuestion) error {
	texts := []string{q.Text}
	for _, a := range report.Accounts {
		if a.id != "" && !slices.Contains(texts, a.id) {
			texts = append(texts, a.id)
		}
	}
	found, more, err := l.desk.MemberRejects(ctx, texts)
	if err != nil {
		return err
	}
	report.Rejects, report.MoreRejects = make([]Reject, len(found)), more
	for i, r := range found {
		report.Rejects[i] = Reject{r.ID, string(r.Code)}
	}
	return nil
}

// memberAccounts are the accounts to look at: all that are known, or the one
// that is asked for.
func (l *Lookup) memberAccounts(ctx context.Context, only string) ([]string, error) {
	configured := make([]string, len(l.accounts))
	for i, a := range l.accounts {
		configured[i] = a.Name
	}
	if only == "" {
		return l.desk.Accounts(ctx, configured)
	}
	return []string{only}, l.desk.KnowsAccount(ctx, configured, only)
}

// memberKnown says what the text is to an account, as far as that is quickly
// seen.
type memberKnown struct{ asID, asCode bool }

func (l *Lookup) whereKnown(ctx context.Context, names []string, q MemberQuestion) (map[string]memberKnown, error) {
	known := map[string]memberKnown{}
	for _, name := range names {
		asID, asCode, err := l.desk.KnowsMember(ctx, name, q.Text)
		if err != nil {
			return nil, err
		}
		if q.AsCode {
			asID = false
		}
		if asID || asCode {
			known[name] = memberKnown{asID, asCode}
		}
	}
	return known, nil
}

// unasked says why an account's vendor is not asked about a member, if it is not.
// elsewhere: the member is known at another account, and not at this one.
func (l *Lookup) unasked(a Account, configured, elsewhere bool) (v VendorView, unasked bool) {
	switch {
	case !configured:
		v = VendorView{State: VendorOff, Words: "not in the configuration read here: set " + l.names.Configuration + " to the worker's file"}
	case !a.Reads:
		v = VendorView{State: VendorNoReads, Words: "it offers no call that reads a member, so the ledger alone is shown"}
	case a.Off != "":
		v = VendorView{State: VendorOff, Words: "the vendor was not asked: " + a.Off}
	case elsewhere:
		v = VendorView{State: VendorNotAsked, Words: "not asked, as this member is known at another account; " + l.names.AskAccount + " " + a.Name + " asks"}
	}
	return v, v.State != ""
}

// memberAt looks at one account: the vendor first, because it knows which
// member a code stands for.
func (l *Lookup) memberAt(ctx context.Context, name string, q MemberQuestion, known map[string]memberKnown) (*MemberAccount, error) {
	here, isKnown := known[name]
	settings, configured := l.account(name)
	a := &MemberAccount{Account: name, Kind: settings.Kind, config: settings, names: l.names}
	byID := !q.AsCode && (here.asID || !settings.AnyIDs && desk.ValidCustomerID(q.Text) && !here.asCode)
	if view, unasked := l.unasked(settings, configured, !isKnown && len(known) > 0); unasked {
		a.Vendor = view
	} else if err := l.askVendor(ctx, a, q, byID, !here.asID); err != nil { // what the ledger knows as an id is no code
		return nil, err
	}
	if a.Vendor.Cards == nil {
		a.Vendor.Cards = []Card{}
	}
	if err := l.memberLedger(ctx, a, q, here, byID); err != nil {
		return nil, err
	}
	gates, err := l.desk.ClosedGates(ctx)
	if err != nil {
		return nil, err
	}
	if g, closed := desk.GateOf(gates, name); closed {
		a.Gate = g.Reason
	}
	a.compare(q)
	return a, nil
}

// memberLedger reads the ledger's side. Where the vendor did not say which
// member a code stands for, the ledger may: from what the code was resolved to.
func (l *Lookup) memberLedger(ctx context.Context, a *MemberAccount, q MemberQuestion, here memberKnown, byID bool) (err error) {
	query := desk.MemberQuery{Account: a.Account, MemberID: a.Vendor.id, IDsOnly: a.config.IDsOnly,
		ScanSince: q.Since, Progress: q.Progress}
	if q.Since.IsZero() {
		query.ScanSince, query.ScanMost = q.Now.Add(-memberScanDays*24*time.Hour), memberScanMost
	}
	if a.Vendor.id == "" && (byID || a.config.IDsOnly) {
		query.MemberID = q.Text
	}
	if a.Vendor.id != q.Text && !here.asID {
		query.Code = q.Text
	}
	if a.ledger, err = l.desk.MemberOperations(ctx, query); err != nil {
		return err
	}
	if query.MemberID == "" {
		for _, o := range a.ledger.Operations {
			if o.MemberID != "" {
				query.MemberID = o.MemberID
				if a.ledger, err = l.desk.MemberOperations(ctx, query); err != nil {
					return err
				}
				break
			}
		}
	}
	if query.MemberID == "" && len(a.ledger.Operations) == 0 && a.config.AnyIDs && !q.AsCode {
		query.MemberID = q.Text
		if a.ledger, err = l.desk.MemberOperations(ctx, query); err != nil {
			return err
		}
	}
	a.echo = a.knowledge.References == knowledge.ReferencesShown
	if a.id = query.MemberID; a.id != "" {
		issued, err := l.book.IssuedTo(ctx, a.Account, a.id)
		if err != nil {
			return err
		}
		a.issued = evidence.IssuedOf(issued)
	}
	if wasCode := func(o desk.MemberOperation) bool { return o.MemberCode == q.Text }; a.Vendor.id != "" && a.Vendor.id != q.Text ||
		slices.ContainsFunc(a.ledger.Operations, wasCode) {
		a.code = q.Text
	}
	return nil
}
