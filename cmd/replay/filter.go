package main

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/internal/command"
	"pointsledger/ledger"
)

// filterFlags choose operations; list, run and void share them.
type filterFlags struct {
	account, cause, code, outcome, state, member, order, bizID string
	eventType, source, kind, shop, since, until, by            string
	sourceType, channel                                        int
	inDoubt                                                    bool
}

const filterHelp = `
Filters, all of which must fit:
  --account A      the vendor account           --cause C       why it is parked (replay status)
  --outcome O      how the last attempt ended   --code C        the vendor's last code, whole;
                   (refused, unknown…, none)                    "HTTP 500" or none without one
  --member M       member id or scanned code    --order KEY     the order number, whole
  --biz-id B       the dedup key                --kind K        points_add or freeze_point
  --type T         the event's type             --source S      the event's source
  --shop S         the shop's code              --source-type N 1 to 12, --channel N 1 to 9
  --in-doubt       only what the vendor may have applied
  --since, --until RFC 3339, or an age such as 90m, 24h, 7d; --by says of what: recorded
                   (default), event (its own time), failed (the last attempt)`

// register adds all flags but --state: what acts, acts on parked operations.
func (f *filterFlags) register(c *cobra.Command) {
	f.state = string(ledger.Parked)
	c.Flags().StringVar(&f.account, "account", "", "vendor account")
	c.Flags().StringVar(&f.cause, "cause", "", "cause, such as refused or attempts_exhausted")
	c.Flags().StringVar(&f.code, "code", "", "vendor's code of the last attempt, such as 40101")
	c.Flags().StringVar(&f.outcome, "outcome", "", "outcome of the last attempt, such as refused, or none")
	c.Flags().StringVar(&f.member, "member", "", "member id or scanned code")
	c.Flags().StringVar(&f.order, "order", "", "order number, or what stands for it")
	c.Flags().StringVar(&f.bizID, "biz-id", "", "dedup key")
	c.Flags().StringVar(&f.eventType, "type", "", "event type, such as order.paid")
	c.Flags().StringVar(&f.source, "source", "", "event source, such as shop-sh")
	c.Flags().StringVar(&f.kind, "kind", "", "points_add or freeze_point")
	c.Flags().IntVar(&f.sourceType, "source-type", 0, "sourceType of the call, 1 to 12")
	c.Flags().IntVar(&f.channel, "channel", 0, "pointsChannel of the call, 1 to 9")
	c.Flags().StringVar(&f.shop, "shop", "", "shop code")
	c.Flags().BoolVar(&f.inDoubt, "in-doubt", false, "only operations in doubt")
	c.Flags().StringVar(&f.since, "since", "", "at this time or later")
	c.Flags().StringVar(&f.until, "until", "", "before this time")
	c.Flags().StringVar(&f.by, "by", string(desk.TimeRecorded), "time for --since: recorded, event or failed")
}

// allStates is a --state that chooses every one.
const allStates = "all"

// registerState is for a command that only looks.
func (f *filterFlags) registerState(c *cobra.Command) {
	c.Flags().StringVar(&f.state, "state", string(ledger.Parked), "parked, pending, sending or all")
}

// filterFlagNames are the flags of register that hold a text.
var filterFlagNames = [...]string{"account", "cause", "code", "outcome", "member", "order", "biz-id", "type", "source",
	"kind", "shop", "since", "until", "by"}

// outcomes are what table attempts knows, and what stands for no attempt.
var outcomes = [...]string{"refused", "unknown", "not_sent", "retryable", "unauthorised", "throttled", "lease_expired", "applied",
	"already_applied", desk.NoAttempt}

// filter reads the flags. An age becomes a time, so that a command made from
// the filter means the same set later.
func (f *filterFlags) filter(c *cobra.Command, now time.Time) (desk.OpenFilter, error) {
	for _, name := range filterFlagNames {
		if flag := c.Flag(name); flag.Changed && flag.Value.String() == "" {
			// Most likely an empty variable of a script: it must not mean "all".
			return desk.OpenFilter{}, command.Usagef("--%s is empty: leave it out to mean all", name)
		}
	}
	if err := f.check(c); err != nil {
		return desk.OpenFilter{}, err
	}
	o := desk.OpenFilter{Account: f.account, Cause: ledger.Cause(f.cause), Code: f.code, Outcome: f.outcome, State: ledger.State(f.state), Member: f.member,
		BusinessKey: f.order, BizID: ledger.BizID(f.bizID), EventType: f.eventType, EventSource: f.source, Kind: ledger.Kind(f.kind),
		SourceType: f.sourceType, PointsChannel: f.channel, ShopCode: f.shop, InDoubt: f.inDoubt, By: desk.TimeOf(f.by)}
	if f.state == allStates {
		o.State = ""
	}
	var err error
	o.Since, o.Until, err = period(f.since, f.until, now)
	return o, err
}

// check looks at the flags that have few values: a typing error there would
// fit nothing, and look like good news.
func (f *filterFlags) check(c *cobra.Command) error {
	switch {
	case f.state != allStates && !slices.Contains(ledger.AllStates(), ledger.State(f.state)):
		return command.Usagef("--state: want parked, pending, sending or all, got %q", f.state)
	case f.outcome != "" && !slices.Contains(outcomes[:], f.outcome):
		return command.Usagef("--outcome: want one of %s; got %q", strings.Join(outcomes[:], ", "), f.outcome)
	case f.kind != "" && f.kind != string(ledger.PointsAdd) && f.kind != string(ledger.FreezePoint):
		return command.Usagef("--kind: want %s or %s, got %q", ledger.PointsAdd, ledger.FreezePoint, f.kind)
	case c.Flag("source-type").Changed && (f.sourceType < 1 || f.sourceType > 12):
		return command.Usagef("--source-type: want 1 to 12, got %d", f.sourceType)
	case c.Flag("channel").Changed && (f.channel < 1 || f.channel > 9):
		return command.Usagef("--channel: want 1 to 9, got %d", f.channel)
	case !slices.Contains([]desk.TimeOf{desk.TimeRecorded, desk.TimeEvent, desk.TimeFailed}, desk.TimeOf(f.by)):
		return command.Usagef("--by: want recorded, event or failed, got %q", f.by)
	case c.Flag("by").Changed && f.since == "" && f.until == "":
		return command.Usagef("--by %s says which time --since and --until bound: want one of them, too", f.by)
	}
	return nil
}

// period reads --since and --until.
func period(sinceText, untilText string, now time.Time) (since, until time.Time, err error) {
	if since, err = pointInTime("since", sinceText, now); err != nil {
		return since, until, err
	}
	if until, err = pointInTime("until", untilText, now); err != nil {
		return since, until, err
	}
	if !since.IsZero() && !until.IsZero() && !since.Before(until) {
		return since, until, command.Usagef("--since %s is not before --until %s: nothing can fit", since.Format(time.RFC3339), until.Format(time.RFC3339))
	}
	return since, until, nil
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

// filterArgs writes a filter as flags that mean the same set. Parked is the
// default of --state; a filter without a state is taken for one of parked
// operations, the only ones that a printed command acts on.
func filterArgs(f desk.OpenFilter) []string {
	var args []string
	add := func(flag, value string) {
		if value != "" {
			args = append(args, flag, value)
		}
	}
	number := func(flag string, n int) {
		if n != 0 {
			add(flag, strconv.Itoa(n))
		}
	}
	if f.State != ledger.Parked {
		add("--state", string(f.State))
	}
	add("--account", f.Account)
	add("--cause", string(f.Cause))
	add("--outcome", f.Outcome)
	add("--code", f.Code)
	add("--member", f.Member)
	add("--order", f.BusinessKey)
	add("--biz-id", string(f.BizID))
	add("--kind", string(f.Kind))
	add("--type", f.EventType)
	add("--source", f.EventSource)
	number("--source-type", f.SourceType)
	number("--channel", f.PointsChannel)
	add("--shop", f.ShopCode)
	if f.InDoubt {
		args = append(args, "--in-doubt")
	}
	if f.Since.IsZero() && f.Until.IsZero() {
		return args
	}
	if !f.Since.IsZero() {
		add("--since", f.Since.Format(time.RFC3339Nano))
	}
	if !f.Until.IsZero() {
		add("--until", f.Until.Format(time.RFC3339Nano))
	}
	if f.By != desk.TimeRecorded {
		add("--by", string(f.By))
	}
	return args
}
