package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/evidence"
	"pointsledger/internal/accounts"
	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/ledger"
)

// memberOptions are the flags of `replay member`.
type memberOptions struct {
	account, since string
	limit          int
	asCode, json   bool
}

// What bounds a search for scanned codes unless --since is given.
const (
	memberScanDays = 90
	memberScanMost = 2_000_000
)

const (
	defaultMemberRows = 40
	maxMemberRows     = 10_000
	// maxMemberText bounds what is asked for: ids have at most 32 digits.
	maxMemberText = 200
)

func newMember(environ []string) *cobra.Command {
	var o memberOptions
	c := &cobra.Command{
		Use:   "member CUSTOMER_ID|USER_CODE|MEMBER_ID",
		Short: "Where are my points? A member's operations and the vendor's records side by side",
		Long: `member shows what the ledger knows of a member and what the vendor says: who it
is, gift cards, and all points records, each operation beside the record that
shows it. It ends with what differs and what you can do. It changes nothing.

Records are matched by our reference where the vendor shows it in its text, else
by equal points and time: such a match is a guess, and marked as one. Movements
from other sources (tills, campaigns) are no fault; they are counted.

A text that is not known as a member id is tried as a scanned member code. The
operations of a member whose codes were scanned are found by looking through the
ledger: 90 days and 2,000,000 operations back, or as far as --since says.

Names, mobile numbers and card numbers are masked. Without the vendor's url and
credentials, and for Kylin, which has no call that reads, the ledger alone is
shown.

Exit codes: 0 done, 1 failed or nobody found, 2 wrong usage or configuration,
3 the ledger is shown, but a vendor could not be asked or did not say it all.`,
		Example: `  replay member 383933091455959041
  replay member UC20261120113 --account zhimai
  replay member 383933091455959041 --since 30d --json`,
		Args: command.Args(command.OneArg("a customerId, a scanned userCode or a memberId")),
		RunE: func(c *cobra.Command, args []string) error {
			return runMember(c, environ, strings.TrimSpace(args[0]), &o)
		},
	}
	c.Flags().StringVar(&o.account, "account", "", "vendor account; all of them unless given")
	c.Flags().StringVar(&o.since, "since", "", "only what happened at this time or later: RFC 3339, or an age such as 30d")
	c.Flags().IntVar(&o.limit, "limit", defaultMemberRows, "show at most this many rows; all are compared and counted")
	c.Flags().BoolVar(&o.asCode, "code", false, "the text is a scanned member code, whatever it looks like")
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}

func runMember(c *cobra.Command, environ []string, text string, o *memberOptions) error {
	switch {
	case text == "" || len(text) > maxMemberText || strings.ContainsRune(text, 0):
		return command.Usagef("want a customerId, a scanned userCode or a memberId of 1 to %d bytes", maxMemberText)
	case o.limit < 1 || o.limit > maxMemberRows:
		return command.Usagef("--limit: want 1 to %s, got %d", wording.Count(maxMemberRows), o.limit)
	case c.Flag("account").Changed && o.account == "":
		return command.Usagef("--account is empty: leave it out to mean all")
	case c.Flag("since").Changed && o.since == "":
		return command.Usagef("--since is empty: leave it out to mean all")
	}
	now := time.Now()
	since, err := pointInTime("since", o.since, now)
	if err != nil {
		return err
	}
	s, err := open(c, environ)
	if err != nil {
		return err
	}
	defer s.close()
	report, err := s.member(c, memberQuestion{text: text, since: since, now: now, asCode: o.asCode, limit: o.limit}, o.account)
	if err != nil {
		return err
	}
	if o.json {
		err = printJSON(c.OutOrStdout(), report)
	} else {
		report.print(c.OutOrStdout())
	}
	if err == nil && report.unread != nil {
		return report.unread
	}
	return err
}

// memberQuestion is what is asked.
type memberQuestion struct {
	text   string
	since  time.Time
	now    time.Time
	asCode bool
	limit  int
}

// memberReport is the answer.
type memberReport struct {
	AskedFor string           `json:"asked_for"`
	Since    *time.Time       `json:"since"`
	Accounts []*memberAccount `json:"accounts"`
	// Rejects are open rejects whose events name the member: their points were
	// never recorded. MoreRejects says that there are others.
	Rejects     []memberReject `json:"rejects"`
	MoreRejects bool           `json:"more_rejects"`

	unread error
}

// memberReject is a reject that names the member.
type memberReject struct {
	ID   int64  `json:"id"`
	Code string `json:"code"`
}

// unreadError ends a member view that lacks what a vendor has: exit code 3.
type unreadError struct{ accounts []string }

func (e *unreadError) Error() string {
	return fmt.Sprintf("%s: the vendor did not say all of it; what it did not say is not compared", strings.Join(e.accounts, ", "))
}

// Is makes the error stand for "done, but something does not agree".
func (e *unreadError) Is(target error) bool { return target == command.ErrDisagree }

// member asks the accounts, one after the other.
func (s *session) member(c *cobra.Command, q memberQuestion, only string) (*memberReport, error) {
	names, err := s.memberAccounts(c.Context(), only)
	if err != nil {
		return nil, err
	}
	known, err := s.whereKnown(c.Context(), names, q)
	if err != nil {
		return nil, err
	}
	report := &memberReport{AskedFor: privacy.Mobiles(q.text), Accounts: []*memberAccount{}}
	if !q.since.IsZero() {
		report.Since = &q.since
	}
	progress := command.NewProgress(c.ErrOrStderr())
	defer progress.Done()
	var unread, silent []string
	for _, name := range names {
		a, err := s.memberAt(c.Context(), name, q, known, func(looked int64) {
			progress.Show("  looked through %s operations of the ledger for scanned codes", wording.Count(looked))
		})
		if err != nil {
			return nil, err
		}
		if a.worthShowing() {
			report.Accounts = append(report.Accounts, a)
		} else {
			silent = append(silent, name+": "+a.Vendor.Words)
		}
		if a.incomplete() {
			unread = append(unread, name)
		}
	}
	if err := s.memberRejects(c.Context(), report, q); err != nil {
		return nil, err
	}
	if len(report.Accounts) == 0 && len(report.Rejects) == 0 {
		return nil, fmt.Errorf("nobody is known as %s: the ledger has no operation and no open reject of such a member, and\n  %s\nCheck the number; `replay list --state all --order …` finds an operation by its order",
			clean(privacy.Mobiles(q.text)), clean(strings.Join(silent, "\n  ")))
	}
	if len(unread) > 0 {
		report.unread = &unreadError{unread}
	}
	return report, nil
}

// memberRejects adds the rejects that name the member.
func (s *session) memberRejects(ctx context.Context, report *memberReport, q memberQuestion) error {
	texts := []string{q.text}
	for _, a := range report.Accounts {
		if a.id != "" && !slices.Contains(texts, a.id) {
			texts = append(texts, a.id)
		}
	}
	found, more, err := s.desk.MemberRejects(ctx, texts)
	if err != nil {
		return err
	}
	report.Rejects, report.MoreRejects = make([]memberReject, len(found)), more
	for i, r := range found {
		report.Rejects[i] = memberReject{r.ID, string(r.Code)}
	}
	return nil
}

// memberAccounts are the accounts to look at: all that are known, or the one
// that is asked for.
func (s *session) memberAccounts(ctx context.Context, only string) ([]string, error) {
	names, err := s.knownAccounts(ctx)
	if err != nil || only == "" {
		return names, err
	}
	if !slices.Contains(names, only) {
		return nil, command.Usagef("--account %s: no such account; there are: %s", only, strings.Join(names, ", "))
	}
	return []string{only}, nil
}

// memberKnown says what the text is to an account, as far as that is quickly
// seen.
type memberKnown struct{ asID, asCode bool }

func (s *session) whereKnown(ctx context.Context, names []string, q memberQuestion) (map[string]memberKnown, error) {
	known := map[string]memberKnown{}
	for _, name := range names {
		asID, asCode, err := s.desk.KnowsMember(ctx, name, q.text)
		if err != nil {
			return nil, err
		}
		if q.asCode {
			asID = false
		}
		if asID || asCode {
			known[name] = memberKnown{asID, asCode}
		}
	}
	return known, nil
}

// memberAt looks at one account: the vendor first, because it knows which
// member a code stands for.
func (s *session) memberAt(ctx context.Context, name string, q memberQuestion, known map[string]memberKnown, looked func(int64)) (*memberAccount, error) {
	here, isKnown := known[name]
	v, configured := s.config.Vendor(name)
	a := &memberAccount{Account: name, Kind: v.Kind, config: v}
	byID := !q.asCode && (here.asID || ledger.ValidCustomerID(q.text) && !here.asCode)
	var err error
	switch {
	case !configured:
		a.Vendor = vendorView{State: vendorOff, Words: "not in the configuration read here: set WORKER_CONFIG to the worker's file"}
	case v.Kind != config.KindZhimai:
		a.Vendor = vendorView{State: vendorNoReads, Words: "it offers no call that reads a member, so the ledger alone is shown"}
	case !v.On():
		a.Vendor = vendorView{State: vendorOff, Words: "the vendor was not asked: " + v.OffBecause()}
	case !isKnown && len(known) > 0:
		a.Vendor = vendorView{State: vendorNotAsked, Words: "not asked, as this member is known at another account; --account " + name + " asks"}
	default:
		if a.knowledge, err = s.knowledgeOf(ctx, v); err != nil {
			return nil, err
		}
		// What the ledger knows as an id is no code.
		if a.Vendor, err = askVendor(ctx, v, q.text, byID, !here.asID); err != nil {
			return nil, err
		}
	}
	if a.Vendor.Cards == nil {
		a.Vendor.Cards = []memberCard{}
	}
	if err := s.memberLedger(ctx, a, q, here, byID, looked); err != nil {
		return nil, err
	}
	gates, err := s.store.ClosedGates(ctx)
	if err != nil {
		return nil, err
	}
	if g, closed := closedGate(gates, name); closed {
		a.gate = g.Reason
	}
	a.compare(q)
	return a, nil
}

// knowledgeOf is what is known of an account's records before they are read.
func (s *session) knowledgeOf(ctx context.Context, v config.Vendor) (ledger.EndpointKnowledge, error) {
	client, err := accounts.Zhimai(v)
	if err != nil {
		return ledger.EndpointKnowledge{}, fmt.Errorf("vendor account %s: %w", v.Name, err)
	}
	defer client.Close()
	return s.store.Knowledge(ctx, v.Name, client.Endpoint())
}

// memberLedger reads the ledger's side. Where the vendor did not say which
// member a code stands for, the ledger may: from what the code was resolved to.
func (s *session) memberLedger(ctx context.Context, a *memberAccount, q memberQuestion, here memberKnown, byID bool, looked func(int64)) (err error) {
	query := desk.MemberQuery{Account: a.Account, MemberID: a.Vendor.id, IDsOnly: a.Kind == config.KindKylin,
		ScanSince: q.since, Progress: looked}
	if q.since.IsZero() {
		query.ScanSince, query.ScanMost = q.now.Add(-memberScanDays*24*time.Hour), memberScanMost
	}
	if a.Vendor.id == "" && (byID || a.Kind == config.KindKylin) {
		query.MemberID = q.text
	}
	if a.Vendor.id != q.text && !here.asID {
		query.Code = q.text
	}
	if a.ledger, err = s.desk.MemberOperations(ctx, query); err != nil {
		return err
	}
	if query.MemberID == "" {
		for _, o := range a.ledger.Operations {
			if o.MemberID != "" {
				query.MemberID = o.MemberID
				if a.ledger, err = s.desk.MemberOperations(ctx, query); err != nil {
					return err
				}
				break
			}
		}
	}
	a.echo = a.knowledge.References == ledger.ReferencesShown
	if a.id = query.MemberID; a.id != "" {
		issued, err := s.store.IssuedTo(ctx, a.Account, a.id)
		if err != nil {
			return err
		}
		a.issued = evidence.IssuedOf(issued)
	}
	if wasCode := func(o desk.MemberOperation) bool { return o.MemberCode == q.text }; a.Vendor.id != "" && a.Vendor.id != q.text ||
		slices.ContainsFunc(a.ledger.Operations, wasCode) {
		a.code = q.text
	}
	return nil
}
