package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/records"
	"pointsledger/desk/wording"
	"pointsledger/internal/advice/steps"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
)

// memberOptions are the flags of `replay member`.
type memberOptions struct {
	account, since string
	limit          int
	question       records.MemberQuestion
}

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
		RunE: runs(environ, &o),
	}
	c.Flags().StringVar(&o.account, "account", "", "vendor account; all of them unless given")
	c.Flags().StringVar(&o.since, "since", "", "only what happened at this time or later: RFC 3339, or an age such as 30d")
	c.Flags().IntVar(&o.limit, "limit", defaultMemberRows, "show at most this many rows; all are compared and counted")
	c.Flags().BoolVar(&o.question.AsCode, "code", false, "the text is a scanned member code, whatever it looks like")
	c.Flags().Bool("json", false, "print JSON")
	return c
}

func (o *memberOptions) read(c *cobra.Command, args []string) (err error) {
	q := &o.question
	q.Text, q.Account, q.Now, q.Limit = strings.TrimSpace(args[0]), o.account, time.Now(), o.limit
	switch {
	case q.Text == "" || len(q.Text) > maxMemberText || strings.ContainsRune(q.Text, 0):
		return command.Usagef("want a customerId, a scanned userCode or a memberId of 1 to %d bytes", maxMemberText)
	case o.limit < 1 || o.limit > maxMemberRows:
		return command.Usagef("--limit: want 1 to %s, got %d", wording.Count(maxMemberRows), o.limit)
	}
	if err := command.NoneEmpty(c, "account", "since"); err != nil {
		return err
	}
	q.Since, err = command.PointInTime("since", o.since, q.Now)
	return err
}

func (o *memberOptions) call(c *cobra.Command, s *session) (page, error) {
	progress := command.NewProgress(c.ErrOrStderr())
	o.question.Progress = func(looked int64) {
		progress.Show("  looked through %s operations of the ledger for scanned codes", wording.Count(looked))
	}
	report, err := s.records().Member(c.Context(), o.question)
	progress.Done()
	if err != nil {
		return nil, memberRefused(err)
	}
	for _, a := range report.Accounts {
		for i := range a.Differences {
			a.Differences[i].Commands = steps.Commands(a.Differences[i].Steps)
		}
	}
	if len(report.Unread) > 0 {
		err = &command.PartlyError{Text: strings.Join(report.Unread, ", ") + ": the vendor did not say all of it; what it did not say is not compared"}
	}
	return &memberPage{report}, err
}

// memberRefused words why there is no member view.
func memberRefused(err error) error {
	var account *desk.UnknownAccountError
	var nobody *records.NobodyError
	switch {
	case errors.As(err, &account):
		return command.Usagef("--account %s: no such account; there are: %s", account.Account, strings.Join(account.Known, ", "))
	case errors.As(err, &nobody):
		return fmt.Errorf("nobody is known as %s: the ledger has no operation and no open reject of such a member, and\n  %s\nCheck the number; `replay list --state all --order …` finds an operation by its order",
			terminal.Clean(nobody.AskedFor), terminal.Clean(strings.Join(nobody.Said, "\n  ")))
	}
	return err
}
