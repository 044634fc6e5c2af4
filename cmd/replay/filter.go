package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/internal/command"
	"pointsledger/ledger"
)

// filterFlags choose operations; list, run and void share them. since and until
// are as they were typed.
type filterFlags struct {
	chosen       desk.OpenFilter
	since, until string
}

// filterText is a flag that is a text of the filter.
type filterText struct {
	name  string
	value *string
	usage string
}

// texts are the flags of a filter that are texts, in the order in which a command
// is printed.
func texts(f *desk.OpenFilter) []filterText {
	return []filterText{
		{"account", &f.Account, "vendor account"},
		{"cause", (*string)(&f.Cause), "cause, such as refused or attempts_exhausted"},
		{"outcome", &f.Outcome, "outcome of the last attempt, such as refused, or none"},
		{"code", &f.Code, "vendor's code of the last attempt, such as 40101"},
		{"member", &f.Member, "member id or scanned code"},
		{"order", &f.BusinessKey, "order number, or what stands for it"},
		{"biz-id", (*string)(&f.BizID), "dedup key"},
		{"kind", (*string)(&f.Kind), "points_add, points_deduct and so on"},
		{"type", &f.EventType, "event type, such as order.paid"},
		{"source", &f.EventSource, "event source, such as shop-sh"},
		{"shop", &f.ShopCode, "shop code"},
	}
}

const filterHelp = `
Filters, all of which must fit:
  --account A      the vendor account           --cause C       why it is parked (replay status)
  --outcome O      how the last attempt ended   --code C        the vendor's last code, whole;
                   (refused, unknown…, none)                    "HTTP 500" or none without one
  --member M       member id or scanned code    --order KEY     the order number, whole
  --biz-id B       the dedup key                --kind K        points_add, points_deduct…
  --type T         the event's type             --source S      the event's source
  --shop S         the shop's code              --source-type N 1 to 12, --channel N 1 to 9
  --in-doubt       only what the vendor may have applied
  --refunded       only what was refunded or cancelled since: nothing of it is kept
  --since, --until RFC 3339, or an age such as 90m, 24h, 7d; --by says of what: recorded
                   (default), event (its own time), failed (the last attempt)`

// register adds all flags but --state: what acts, acts on parked operations.
func (f *filterFlags) register(c *cobra.Command) {
	f.chosen.State, f.chosen.By = ledger.Parked, desk.TimeRecorded
	for _, t := range texts(&f.chosen) {
		c.Flags().StringVar(t.value, t.name, "", t.usage)
	}
	c.Flags().IntVar(&f.chosen.SourceType, "source-type", 0, "sourceType of the call, 1 to 12")
	c.Flags().IntVar(&f.chosen.PointsChannel, "channel", 0, "pointsChannel of the call, 1 to 9")
	c.Flags().BoolVar(&f.chosen.InDoubt, "in-doubt", false, "only operations in doubt")
	c.Flags().BoolVar(&f.chosen.Refunded, "refunded", false, "only what was refunded or cancelled whole since")
	c.Flags().StringVar(&f.since, "since", "", "at this time or later")
	c.Flags().StringVar(&f.until, "until", "", "before this time")
	c.Flags().StringVar((*string)(&f.chosen.By), "by", string(desk.TimeRecorded), "time for --since: recorded, event or failed")
}

// allStates is a --state that chooses every one.
const allStates = "all"

// registerState is for a command that only looks.
func (f *filterFlags) registerState(c *cobra.Command) {
	c.Flags().StringVar((*string)(&f.chosen.State), "state", string(ledger.Parked), "parked, pending, sending or all")
}

// outcomes are what table attempts knows, and what stands for no attempt.
var outcomes = []string{"refused", "unknown", "not_sent", "retryable", "unauthorised", "throttled", "lease_expired", "applied",
	"already_applied", desk.NoAttempt}

// kinds are what an operation may be.
var kinds = []string{string(ledger.PointsAdd), string(ledger.FreezePoint), string(ledger.PointsDeduct), string(ledger.UnfreezePoint), string(ledger.ConsumeFrozen)}

// filter reads the flags. An age becomes a time, so that a command made from
// the filter means the same set later.
func (f *filterFlags) filter(c *cobra.Command, now time.Time) (desk.OpenFilter, error) {
	o := f.chosen
	if err := command.NoneEmpty(c, "account", "cause", "code", "outcome", "member", "order", "biz-id", "type", "source", "kind", "shop", "since", "until", "by"); err != nil {
		return o, err
	}
	if err := f.check(c); err != nil {
		return o, err
	}
	if o.State == allStates {
		o.State = ""
	}
	var err error
	o.Since, o.Until, err = command.Period(f.since, f.until, now)
	return o, err
}

// check looks at the flags that have few values: a typing error there would
// fit nothing, and look like good news.
func (f *filterFlags) check(c *cobra.Command) error {
	switch o := &f.chosen; {
	case o.State != allStates && !slices.Contains(ledger.AllStates(), o.State):
		return command.Usagef("--state: want parked, pending, sending or all, got %q", o.State)
	case o.Outcome != "" && !slices.Contains(outcomes, o.Outcome):
		return command.Usagef("--outcome: want one of %s; got %q", strings.Join(outcomes, ", "), o.Outcome)
	case o.Kind != "" && !slices.Contains(kinds, string(o.Kind)):
		return command.Usagef("--kind: want one of %s; got %q", strings.Join(kinds, ", "), o.Kind)
	case c.Flag("source-type").Changed && (o.SourceType < 1 || o.SourceType > 12):
		return command.Usagef("--source-type: want 1 to 12, got %d", o.SourceType)
	case c.Flag("channel").Changed && (o.PointsChannel < 1 || o.PointsChannel > 9):
		return command.Usagef("--channel: want 1 to 9, got %d", o.PointsChannel)
	case !slices.Contains([]desk.TimeOf{desk.TimeRecorded, desk.TimeEvent, desk.TimeFailed}, o.By):
		return command.Usagef("--by: want recorded, event or failed, got %q", o.By)
	case c.Flag("by").Changed && f.since == "" && f.until == "":
		return command.Usagef("--by %s says which time --since and --until bound: want one of them, too", o.By)
	}
	return nil
}

// filterArgs writes a filter as flags that mean the same set. Parked is the
// default of --state; a filter without a state is taken for one of parked
// operations, the only ones that a printed command acts on.
func filterArgs(f desk.OpenFilter) []string {
	var args []string
	add := func(flag, value string) {
		if value != "" {
			args = append(args, "--"+flag, value)
		}
	}
	if f.State != ledger.Parked {
		add("state", string(f.State))
	}
	for _, t := range texts(&f) {
		if t.name == "shop" { // the numbers stand before it
			add("source-type", numberText(f.SourceType))
			add("channel", numberText(f.PointsChannel))
		}
		add(t.name, *t.value)
	}
	for flag, on := range []bool{f.InDoubt, f.Refunded} {
		if on {
			args = append(args, []string{"--in-doubt", "--refunded"}[flag])
		}
	}
	add("since", timeText(f.Since))
	add("until", timeText(f.Until))
	if f.By != desk.TimeRecorded && !(f.Since.IsZero() && f.Until.IsZero()) {
		add("by", string(f.By))
	}
	return args
}

// numberText is empty for 0.
func numberText[N int | uint64](n N) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}
