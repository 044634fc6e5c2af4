package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/internal/accounts"
	"pointsledger/internal/command"
	"pointsledger/ledger"
)

func newStatus(environ []string) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "What is open at each account, what is parked and why, and what to do next",
		Long: `status says first which accounts are closed to calls (their gate), since when and
why. It counts, for each vendor account, the operations that wait, are being
sent or are parked (wait for a person), says why they wait or are parked, and
counts the events that were rejected. It changes nothing.

POSTED is the pace of the last minute, and DRAINS IN how long what waits takes at
that pace; "> 4s" when some of it waits for another attempt or to be looked up,
which goes by its schedule and not by the pace.

Parked operations are told apart by the vendor's code; "HTTP 500" stands for an
answer with a status only, none for no answer.`,
		Example: "  replay status\n  replay status --json | jq '.accounts[] | {account, parked, gate}'",
		Args:    command.Args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := open(c, environ)
			if err != nil {
				return err
			}
			defer s.close()
			report, err := s.status(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), report)
			}
			report.print(c.OutOrStdout())
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// statusReport is what status shows.
type statusReport struct {
	At       time.Time         `json:"at"`
	Accounts []accountReport   `json:"accounts"`
	Rejects  []openRejectCount `json:"open_rejects"`
	// Next says what the operator can do, commands after line breaks.
	Next []string `json:"next"`
}

type accountReport struct {
	Account string `json:"account"`
	// Configured: the configuration read here has the account.
	Configured bool `json:"configured"`
	// Gate is nil while the gate is open.
	Gate    *gateReport `json:"gate"`
	Waiting int64       `json:"waiting"`
	Sending int64       `json:"sending"`
	Parked  int64       `json:"parked"`
	InDoubt int64       `json:"in_doubt"`
	// Late counts what a worker should have taken a minute ago.
	Late int64 `json:"late"`
	// OldestAt is when the oldest open operation was recorded.
	OldestAt *time.Time    `json:"oldest_at"`
	Causes   []causeReport `json:"parked_by_cause"`
	Waits    []waitReport  `json:"waiting_by_cause"`
	pace

	// verify: what is in doubt is looked up before it is sent.
	verify bool
}

// causeReport counts parked operations of one cause and code.
type causeReport struct {
	Cause string `json:"cause"`
	// Code is a value for --code; empty on the line that sums up the codes
	// that are not shown.
	Code     string    `json:"code"`
	Count    int64     `json:"operations"`
	InDoubt  int64     `json:"in_doubt"`
	OldestAt time.Time `json:"oldest_at"`
	// VendorSaid is the answer to the points call of one of them, the newest; see
	// vendorSaid.
	VendorSaid string `json:"vendor_said"`
}

// waitReport counts waiting operations of one cause.
type waitReport struct {
	// Cause is empty for what was not tried yet.
	Cause    string    `json:"cause"`
	Words    string    `json:"words"`
	Count    int64     `json:"operations"`
	InDoubt  int64     `json:"in_doubt"`
	OldestAt time.Time `json:"oldest_at"`
}

type openRejectCount struct {
	Code  ledger.RejectCode `json:"code"`
	Count int64             `json:"events"`
}

// status reads what status shows.
func (s *session) status(ctx context.Context) (statusReport, error) {
	gates, err := s.desk.ClosedGates(ctx)
	if err != nil {
		return statusReport{}, err
	}
	groups, err := s.desk.OpenGroups(ctx)
	if err != nil {
		return statusReport{}, err
	}
	rejects, err := s.desk.OpenRejects(ctx)
	if err != nil {
		return statusReport{}, err
	}
	rates, err := s.desk.PostingRates(ctx)
	if err != nil {
		return statusReport{}, err
	}
	facts, err := s.desk.AccountFacts(ctx)
	if err != nil {
		return statusReport{}, err
	}
	known, err := s.store.KnownEndpoints(ctx)
	if err != nil {
		return statusReport{}, err
	}
	r := s.report(gates, groups, rejects, time.Now())
	for i := range r.Accounts {
		a := &r.Accounts[i]
		a.learn(rates[a.Account], facts, known, s.endpoint(a.Account))
	}
	return r, nil
}

// endpoint names where the calls of an account go by the configuration; empty for
// one that is not in it, or off.
func (s *session) endpoint(account string) string {
	for _, v := range s.config.Vendors {
		if v.Name == account {
			return accounts.Endpoint(v)
		}
	}
	return ""
}

// report puts the counts together: the configured accounts in their order,
// then others that have a closed gate or open operations.
func (s *session) report(gates []desk.ClosedGate, groups []desk.OpenGroup, rejects map[ledger.RejectCode]int64, now time.Time) statusReport {
	r := statusReport{At: now, Accounts: []accountReport{}, Rejects: []openRejectCount{}}
	for _, v := range s.config.Vendors {
		r.account(v.Name).Configured = true
	}
	for _, g := range gates {
		r.account(g.Account).Gate = newGateReport(g)
	}
	for _, g := range groups {
		r.account(g.Account).add(g)
	}
	for i := range r.Accounts {
		r.Accounts[i].verify = s.verifies(r.Accounts[i].Account)
	}
	for _, code := range slices.Sorted(maps.Keys(rejects)) {
		r.Rejects = append(r.Rejects, openRejectCount{code, rejects[code]})
	}
	slices.SortStableFunc(r.Rejects, func(a, b openRejectCount) int { return cmp.Compare(b.Count, a.Count) })
	r.Next = r.advice()
	return r
}

// account finds an account's part of the report, or adds it. The pointer is
// good until the next call.
func (r *statusReport) account(name string) *accountReport {
	at := slices.IndexFunc(r.Accounts, func(a accountReport) bool { return a.Account == name })
	if at < 0 {
		at = len(r.Accounts)
		r.Accounts = append(r.Accounts, accountReport{Account: name, Causes: []causeReport{}, Waits: []waitReport{}})
	}
	return &r.Accounts[at]
}

// maxCodes is how many codes of one account and cause have a line of their
// own. A vendor that puts a number of its own into each code must not fill the
// screen.
const maxCodes = 10

func (a *accountReport) add(g desk.OpenGroup) {
	switch g.State {
	case "pending":
		a.Waiting += g.Count
		a.Waits = append(a.Waits, waitReport{Cause: g.Cause, Words: wording.Cause(g.Cause, g.State), Count: g.Count, InDoubt: g.InDoubt, OldestAt: g.Oldest})
	case "sending":
		a.Sending += g.Count
	case "parked":
		a.Parked += g.Count
		a.addParked(g)
	}
	a.InDoubt += g.InDoubt
	a.Late += g.Late
	if a.OldestAt == nil || g.Oldest.Before(*a.OldestAt) {
		a.OldestAt = &g.Oldest
	}
}

func (a *accountReport) addParked(g desk.OpenGroup) {
	same := 0
	for _, c := range a.Causes {
		if c.Cause == g.Cause {
			same++
		}
	}
	if same <= maxCodes {
		c := causeReport{Cause: g.Cause, Code: g.Code, Count: g.Count, InDoubt: g.InDoubt, OldestAt: g.Oldest,
			VendorSaid: privacy.Mobiles(wording.VendorSaid(g.Call, "", g.VendorWords, g.Error))}
		if same == maxCodes {
			c.Code = ""
		}
		a.Causes = append(a.Causes, c)
		return
	}
	rest := &a.Causes[len(a.Causes)-1] // the groups of one cause come together
	rest.Count += g.Count
	rest.InDoubt += g.InDoubt
	if g.Oldest.Before(rest.OldestAt) {
		rest.OldestAt = g.Oldest
	}
}

// causeSum is one cause of an account with its lines.
type causeSum struct {
	cause string
	count int64
	codes []string
}

func (a *accountReport) byCause() []causeSum {
	var sums []causeSum
	for _, c := range a.Causes {
		if n := len(sums); n == 0 || sums[n-1].cause != c.Cause {
			sums = append(sums, causeSum{cause: c.Cause})
		}
		last := &sums[len(sums)-1]
		last.count += c.Count
		last.codes = append(last.codes, c.Code)
	}
	return sums
}

// maxCommands is how many commands one point of the advice holds.
const maxCommands = 4

// commands are what to type for the operations of a cause, one for each code
// where there are several.
func (c *causeSum) commands(verb, account string) []string {
	args := []string{"replay", verb, "--account", account, "--cause", c.cause}
	if len(c.codes) == 1 || len(c.codes) > maxCommands {
		return []string{shell(args...)}
	}
	var all []string
	for _, code := range c.codes {
		all = append(all, shell(append(slices.Clone(args), "--code", code)...))
	}
	return all
}

// advice says what the operator can do next.
func (r *statusReport) advice() []string {
	var next, runs []string
	blocked := false
	for i := range r.Accounts {
		a := &r.Accounts[i]
		switch {
		case a.Gate != nil:
			next = append(next, a.Gate.advice(a))
		case a.Late > 0:
			next = append(next, fmt.Sprintf("%s: %s due for more than a minute. If the number does not fall, no worker is sending: ask the worker's /readyz why.",
				a.Account, wording.Plural(a.Late, "operation")))
		}
		for _, c := range a.byCause() {
			next = append(next, fmt.Sprintf("%s, %s parked (%s): %s. %s:\n%s", a.Account, wording.Count(c.count), c.cause,
				wording.Cause(c.cause, string(ledger.Parked)), wording.Advice(c.cause, a.verify), strings.Join(c.commands("list", a.Account), "\n")))
			if wording.WorthReplay(c.cause, a.verify) {
				runs = append(runs, c.commands("run", a.Account)...)
			}
		}
		blocked = blocked || !a.Configured
	}
	if len(runs) > 0 {
		next = append(next, "When the reason is mended, see what a replay would do (it changes nothing without --yes):\n"+
			strings.Join(runs[:min(len(runs), maxCommands)], "\n"))
	}
	if blocked {
		next = append(next, "An account above is not in the configuration read here: set WORKER_CONFIG to the worker's file, or what is in doubt there cannot be put back.")
	}
	if len(r.Rejects) > 0 {
		next = append(next, "Rejected events say what their publisher or the rules must mend; a corrected event is simply published again:\nreplay rejects list")
	}
	if len(next) == 0 {
		next = append(next, "Nothing is parked and nothing is late: nothing to do.")
	}
	return next
}

func (r *statusReport) print(out io.Writer) {
	rows := make([][]string, 0, len(r.Accounts))
	for i := range r.Accounts {
		a := &r.Accounts[i]
		oldest, gate := "-", "open"
		if a.OldestAt != nil {
			oldest = wording.Age(*a.OldestAt, r.At)
		}
		if a.Gate != nil {
			gate = "CLOSED"
			a.Gate.print(out, a)
			fmt.Fprintln(out)
		}
		rows = append(rows, []string{a.Account, gate, wording.Count(a.Waiting), wording.Count(a.Sending), wording.Count(a.Parked),
			wording.Count(a.InDoubt), oldest, a.rateWords(), a.drainWords()})
	}
	printTable(out, []column{{"ACCOUNT", false}, {"GATE", false}, {"WAITING", true}, {"SENDING", true}, {"PARKED", true},
		{"OF THEM IN DOUBT", true}, {"OLDEST", true}, {"POSTED", true}, {"DRAINS IN", true}}, rows)
	r.printParked(out)
	r.printWaiting(out)
	if len(r.Rejects) > 0 {
		fmt.Fprintln(out, "\nRejected events, open")
		rejects := make([][]string, len(r.Rejects))
		for i, x := range r.Rejects {
			rejects[i] = []string{string(x.Code), wording.Count(x.Count)}
		}
		printTable(out, []column{{"CODE", false}, {"EVENTS", true}}, rejects)
	}
	r.printKnown(out)
	fmt.Fprintln(out, "\nWhat to do next")
	for _, point := range r.Next {
		printPoint(out, point)
	}
}

func (r *statusReport) printParked(out io.Writer) {
	var rows [][]string
	for _, a := range r.Accounts {
		for _, c := range a.Causes {
			said := clean(c.VendorSaid)
			if c.Code == "" {
				said = "(further codes)"
			}
			rows = append(rows, []string{a.Account, c.Cause, clean(c.Code), wording.Count(c.Count), wording.Count(c.InDoubt), wording.Age(c.OldestAt, r.At), said})
		}
	}
	if len(rows) > 0 {
		fmt.Fprintln(out, "\nParked, and why")
		printTable(out, []column{{"ACCOUNT", false}, {"CAUSE", false}, {"CODE", false}, {"OPERATIONS", true}, {"OF THEM IN DOUBT", true},
			{"OLDEST", true}, {"FOR EXAMPLE", false}}, rows)
	}
}

// printWaiting says why operations wait again. What was not tried yet needs no
// words.
func (r *statusReport) printWaiting(out io.Writer) {
	var rows [][]string
	var causes []string
	for _, a := range r.Accounts {
		for _, w := range a.Waits {
			if w.Cause == "" {
				continue
			}
			rows = append(rows, []string{a.Account, w.Cause, wording.Count(w.Count), wording.Count(w.InDoubt), wording.Age(w.OldestAt, r.At)})
			if !slices.Contains(causes, w.Cause) {
				causes = append(causes, w.Cause)
			}
		}
	}
	if len(rows) == 0 {
		return
	}
	fmt.Fprintln(out, "\nWaiting for another attempt, and why")
	printTable(out, []column{{"ACCOUNT", false}, {"CAUSE", false}, {"OPERATIONS", true}, {"OF THEM IN DOUBT", true}, {"OLDEST", true}}, rows)
	for _, cause := range causes {
		printPoint(out, fmt.Sprintf("%s: %s; %s", cause, wording.Cause(cause, string(ledger.Pending)), wording.Waiting(cause)))
	}
}
