package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/internal/command"
	"pointsledger/ledger"
)

func newStatus(environ []string) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "What is open at each account, what is parked and why, and what to do next",
		Long: `status counts, for each vendor account, the operations that wait, are being sent
or are parked (wait for a person), says why they are parked, and counts the
events that were rejected. It changes nothing.`,
		Example: "  replay status\n  replay status --json | jq '.accounts[] | {account, parked}'",
		Args:    command.Args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := open(c, environ)
			if err != nil {
				return err
			}
			defer s.close()
			groups, err := s.store.OpenGroups(c.Context())
			if err != nil {
				return err
			}
			rejects, err := s.store.OpenRejects(c.Context())
			if err != nil {
				return err
			}
			report := s.report(groups, rejects, time.Now())
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
	// Next says what the operator can do, a command after a line break.
	Next []string `json:"next"`
}

type accountReport struct {
	Account string `json:"account"`
	// Configured: the configuration read here has the account.
	Configured bool  `json:"configured"`
	Waiting    int64 `json:"waiting"`
	Sending    int64 `json:"sending"`
	Parked     int64 `json:"parked"`
	InDoubt    int64 `json:"in_doubt"`
	// Late counts what a worker should have taken a minute ago.
	Late int64 `json:"late"`
	// OldestAt is when the oldest open operation was recorded.
	OldestAt *time.Time    `json:"oldest_at"`
	Causes   []causeReport `json:"parked_by_cause"`
}

type causeReport struct {
	Cause    string    `json:"cause"`
	Count    int64     `json:"operations"`
	InDoubt  int64     `json:"in_doubt"`
	OldestAt time.Time `json:"oldest_at"`
	// VendorSaid is the answer to one of them, the newest.
	VendorSaid string `json:"vendor_said"`
}

type openRejectCount struct {
	Code  ledger.RejectCode `json:"code"`
	Count int64             `json:"events"`
}

// report puts the counts together: the configured accounts in their order,
// then others that have open operations.
func (s *session) report(groups []ledger.OpenGroup, rejects map[ledger.RejectCode]int64, now time.Time) statusReport {
	r := statusReport{At: now, Accounts: []accountReport{}, Rejects: []openRejectCount{}}
	for _, v := range s.config.Vendors {
		r.Accounts = append(r.Accounts, accountReport{Account: v.Name, Configured: true, Causes: []causeReport{}})
	}
	for _, g := range groups {
		at := slices.IndexFunc(r.Accounts, func(a accountReport) bool { return a.Account == g.Account })
		if at < 0 {
			at = len(r.Accounts)
			r.Accounts = append(r.Accounts, accountReport{Account: g.Account, Causes: []causeReport{}})
		}
		r.Accounts[at].add(g)
	}
	for _, code := range slices.Sorted(maps.Keys(rejects)) {
		r.Rejects = append(r.Rejects, openRejectCount{code, rejects[code]})
	}
	slices.SortStableFunc(r.Rejects, func(a, b openRejectCount) int { return cmp.Compare(b.Count, a.Count) })
	r.Next = r.advice()
	return r
}

func (a *accountReport) add(g ledger.OpenGroup) {
	switch g.State {
	case "pending":
		a.Waiting += g.Count
	case "sending":
		a.Sending += g.Count
	case "parked":
		a.Parked += g.Count
		a.Causes = append(a.Causes, causeReport{Cause: g.Cause, Count: g.Count, InDoubt: g.InDoubt, OldestAt: g.Oldest,
			VendorSaid: maskMobiles(vendorSaid(g.VendorCode, g.VendorWords))})
	}
	a.InDoubt += g.InDoubt
	a.Late += g.Late
	if a.OldestAt == nil || g.Oldest.Before(*a.OldestAt) {
		a.OldestAt = &g.Oldest
	}
}

// advice says what the operator can do next.
func (r *statusReport) advice() []string {
	var next []string
	parked, blocked := false, false
	for _, a := range r.Accounts {
		if a.Late > 0 {
			next = append(next, fmt.Sprintf("%s: %s due for more than a minute. If the number does not fall, no worker is sending: ask the worker's /readyz why.",
				a.Account, plural(a.Late, "operation")))
		}
		for _, c := range a.Causes {
			next = append(next, fmt.Sprintf("%s, %s parked: %s. %s:\n%s", a.Account, command.Count(c.Count), causeWords(c.Cause),
				causeAdvice(c.Cause), shell("replay", "list", "--account", a.Account, "--cause", c.Cause)))
			parked = true
		}
		blocked = blocked || !a.Configured
	}
	if parked {
		next = append(next, "When the reason is mended, see what a replay would do (it changes nothing without --yes):\nreplay run --account … --cause …")
	}
	if blocked {
		next = append(next, "An account above is not in the configuration read here: set WORKER_CONFIG to the worker's file, or what is in doubt there cannot be put back.")
	}
	if len(r.Rejects) > 0 {
		next = append(next, "Rejected events say what their publisher must mend; a corrected event is simply published again:\n"+
			`psql "$DATABASE_URL" -c "SELECT subject, reason FROM rejects WHERE resolved_at IS NULL"`)
	}
	if len(next) == 0 {
		next = append(next, "Nothing is parked and nothing is late: nothing to do.")
	}
	return next
}

func (r *statusReport) print(out io.Writer) {
	rows := make([][]string, 0, len(r.Accounts))
	var causes [][]string
	for _, a := range r.Accounts {
		oldest := "-"
		if a.OldestAt != nil {
			oldest = age(*a.OldestAt, r.At)
		}
		rows = append(rows, []string{a.Account, command.Count(a.Waiting), command.Count(a.Sending), command.Count(a.Parked),
			command.Count(a.InDoubt), oldest})
		for _, c := range a.Causes {
			causes = append(causes, []string{a.Account, c.Cause, command.Count(c.Count), command.Count(c.InDoubt),
				age(c.OldestAt, r.At), clean(c.VendorSaid)})
		}
	}
	printTable(out, []column{{"ACCOUNT", false}, {"WAITING", true}, {"SENDING", true}, {"PARKED", true},
		{"IN DOUBT", true}, {"OLDEST", true}}, rows)
	if len(causes) > 0 {
		fmt.Fprintln(out, "\nParked, and why")
		printTable(out, []column{{"ACCOUNT", false}, {"CAUSE", false}, {"OPERATIONS", true}, {"IN DOUBT", true},
			{"OLDEST", true}, {"THE VENDOR SAID, FOR EXAMPLE", false}}, causes)
	}
	if len(r.Rejects) > 0 {
		fmt.Fprintln(out, "\nRejected events, open")
		rejects := make([][]string, len(r.Rejects))
		for i, x := range r.Rejects {
			rejects[i] = []string{string(x.Code), command.Count(x.Count)}
		}
		printTable(out, []column{{"CODE", false}, {"EVENTS", true}}, rejects)
	}
	fmt.Fprintln(out, "\nWhat to do next")
	for _, point := range r.Next {
		printPoint(out, point)
	}
}
