package main

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/internal/command"
	"pointsledger/ledger"
)

// filterFlags choose operations; list and run share them.
type filterFlags struct {
	account, cause, code, state, member, order, bizID, eventType, since, until string
	inDoubt                                                                    bool
}

const filterHelp = `
Filters, all of which must fit:
  --account A      the vendor account           --cause C     why it is parked (replay status)
  --code C         the vendor's last code, whole; "HTTP 500" or none where it gave no code
  --member M       member id or scanned code    --order KEY   the order number, whole
  --type T         the event's type             --biz-id B    the dedup key
  --in-doubt       only what the vendor may have applied
  --since, --until when it was recorded: RFC 3339, or an age such as 90m, 24h, 7d`

func (f *filterFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.account, "account", "", "vendor account")
	c.Flags().StringVar(&f.cause, "cause", "", "cause, such as refused or attempts_exhausted")
	c.Flags().StringVar(&f.code, "code", "", "vendor's code of the last attempt, such as 40101")
	c.Flags().StringVar(&f.state, "state", "parked", "parked, pending, sending or all")
	c.Flags().StringVar(&f.member, "member", "", "member id or scanned code")
	c.Flags().StringVar(&f.order, "order", "", "order number, or what stands for it")
	c.Flags().StringVar(&f.bizID, "biz-id", "", "dedup key")
	c.Flags().StringVar(&f.eventType, "type", "", "event type, such as order.paid")
	c.Flags().BoolVar(&f.inDoubt, "in-doubt", false, "only operations in doubt")
	c.Flags().StringVar(&f.since, "since", "", "recorded at this time or later")
	c.Flags().StringVar(&f.until, "until", "", "recorded before this time")
}

// filter reads the flags. An age becomes a time, so that a command made from
// the filter means the same set later.
func (f *filterFlags) filter(c *cobra.Command, now time.Time) (ledger.OpenFilter, error) {
	for _, name := range []string{"account", "cause", "code", "state", "member", "order", "biz-id", "type", "since", "until"} {
		if flag := c.Flag(name); flag.Changed && flag.Value.String() == "" {
			// Most likely an empty variable of a script: it must not mean "all".
			return ledger.OpenFilter{}, command.Usagef("--%s is empty: leave it out to mean all", name)
		}
	}
	o := ledger.OpenFilter{Account: f.account, Cause: f.cause, Code: f.code, State: f.state, Member: f.member, BusinessKey: f.order,
		BizID: ledger.BizID(f.bizID), EventType: f.eventType, InDoubt: f.inDoubt}
	switch f.state {
	case "all":
		o.State = ""
	case "parked", "pending", "sending":
	default:
		return o, command.Usagef("--state: want parked, pending, sending or all, got %q", f.state)
	}
	var err error
	if o.Since, err = pointInTime("since", f.since, now); err != nil {
		return o, err
	}
	if o.Until, err = pointInTime("until", f.until, now); err != nil {
		return o, err
	}
	if !o.Since.IsZero() && !o.Until.IsZero() && !o.Since.Before(o.Until) {
		return o, command.Usagef("--since %s is not before --until %s: nothing can fit",
			o.Since.Format(time.RFC3339), o.Until.Format(time.RFC3339))
	}
	return o, nil
}

// pointInTime reads RFC 3339 or an age. Empty is the zero time.
func pointInTime(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	ago, err := time.ParseDuration(text)
	if days, found := strings.CutSuffix(text, "d"); found {
		var n int
		n, err = strconv.Atoi(days)
		ago = time.Duration(n) * 24 * time.Hour
		if n > 36500 {
			ago = -1
		}
	}
	if err != nil || ago < 0 {
		return time.Time{}, command.Usagef("--%s: want a time such as 2026-11-20T02:00:00+08:00, or an age such as 90m, 24h or 7d, got %q", flag, text)
	}
	return now.Add(-ago).UTC().Truncate(time.Second), nil
}

// filterArgs writes a filter of parked operations as flags.
func filterArgs(f ledger.OpenFilter) []string {
	var args []string
	add := func(flag, value string) {
		if value != "" {
			args = append(args, flag, value)
		}
	}
	add("--account", f.Account)
	add("--cause", f.Cause)
	add("--code", f.Code)
	add("--member", f.Member)
	add("--order", f.BusinessKey)
	add("--biz-id", string(f.BizID))
	add("--type", f.EventType)
	if f.InDoubt {
		args = append(args, "--in-doubt")
	}
	if !f.Since.IsZero() {
		add("--since", f.Since.Format(time.RFC3339Nano))
	}
	if !f.Until.IsZero() {
		add("--until", f.Until.Format(time.RFC3339Nano))
	}
	return args
}

var shellSafe = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]+$`)

// shell joins arguments as a POSIX shell reads them.
func shell(args ...string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		if quoted[i] = a; !shellSafe.MatchString(a) {
			quoted[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}
