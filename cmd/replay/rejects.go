package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/wording"
	"pointsledger/internal/advice/steps"
	"pointsledger/internal/command"
	"pointsledger/ledger"
)

func newRejects(environ []string) *cobra.Command {
	c := &cobra.Command{
		Use:   "rejects",
		Short: "Events that could not be accepted: list, show, export, retry, dismiss",
		Long: `rejects shows the events that could not be accepted, which are kept whole until
a person decides, and lets them be accepted after all.

After a bad publish:
  replay rejects list --code missing_field   which events, and why
  replay rejects show 17                     one event, and what must be mended
  replay rejects retry --code missing_field  what the rules make of them now (changes nothing)
  replay rejects export --type lottery.won --output lottery.jsonl
                                             for what only the publisher can mend
  replay rejects dismiss 17 --reason "test event" --yes`,
		Args: command.Args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newRejectsList(environ), newRejectsShow(environ), newRejectsExport(environ), newRejectsRetry(environ),
		newRejectsDismiss(environ))
	return c
}

// rejectFlags choose rejects; the commands share them. since and until are as they
// were typed.
type rejectFlags struct {
	chosen        desk.RejectFilter
	since, until  string
	all, resolved bool
}

// rejectTexts are the flags of a filter that are texts, in the order in which a
// command is printed.
func rejectTexts(f *desk.RejectFilter) []filterText {
	return []filterText{
		{"code", (*string)(&f.Code), "reject code, such as missing_field"},
		{"type", &f.Type, "event type, such as order.paid"},
		{"source", &f.Source, "event source, such as shop-sh"},
		{"shop", &f.Shop, "shopCode in the payload"},
	}
}

const rejectFilterHelp = `
Filters, all of which must fit:
  ID…              rejects by their number      --code C        why it was rejected
  --type T         the event's type             --source S      the event's source
  --shop S         shopCode, where the payload shows it
  --seq N          the stream sequence
  --since, --until when the broker stored it: RFC 3339, or an age such as 90m, 24h, 7d`

func (f *rejectFlags) register(c *cobra.Command) {
	for _, t := range rejectTexts(&f.chosen) {
		c.Flags().StringVar(t.value, t.name, "", t.usage)
	}
	c.Flags().Uint64Var(&f.chosen.Seq, "seq", 0, "stream sequence")
	c.Flags().StringVar(&f.since, "since", "", "stored by the broker at this time or later")
	c.Flags().StringVar(&f.until, "until", "", "stored by the broker before this time")
}

// registerState adds the flags of the commands that only read.
func (f *rejectFlags) registerState(c *cobra.Command) {
	c.Flags().BoolVar(&f.all, "all", false, "resolved ones, too")
	c.Flags().BoolVar(&f.resolved, "resolved", false, "only resolved ones")
}

// filter reads the flags and the ids. An age becomes a time, so that a command
// made from the filter means the same set later.
func (f *rejectFlags) filter(c *cobra.Command, args []string, now time.Time) (desk.RejectFilter, error) {
	o := f.chosen
	o.State = desk.RejectsOpen
	err := command.NoneEmpty(c, "code", "type", "source", "shop", "since", "until")
	switch {
	case err != nil:
		return o, err
	case f.all && f.resolved:
		return o, command.Usagef("--all and --resolved: want one of them")
	case o.Code != "" && !slices.Contains(ledger.AllRejectCodes(), o.Code):
		return o, command.Usagef("--code: there is no reject code %q; want one of %s", o.Code, joinCodes())
	case c.Flag("seq").Changed && (o.Seq == 0 || o.Seq > 1<<63-1):
		return o, command.Usagef("--seq: want a stream sequence, 1 or more, got %d", o.Seq)
	case f.all:
		o.State = ""
	case f.resolved:
		o.State = desk.RejectsResolved
	}
	if o.IDs, err = rejectIDs(args); err != nil {
		return o, err
	}
	o.Since, o.Until, err = command.Period(f.since, f.until, now)
	return o, err
}

// maxRejectArgs bounds the ids on a command line.
const maxRejectArgs = 1000

// rejectIDs reads arguments as numbers of rejects, each once, rising.
func rejectIDs(args []string) ([]ledger.RejectID, error) {
	if len(args) > maxRejectArgs {
		return nil, command.Usagef("want at most %s numbers of rejects, got %s; use a filter", wording.Count(maxRejectArgs), wording.Count(len(args)))
	}
	var ids []ledger.RejectID
	for _, arg := range args {
		id, err := strconv.ParseInt(arg, 10, 64)
		if err != nil || id < 1 {
			return nil, command.Usagef("want the number of a reject, as replay rejects list shows it, got %q", arg)
		}
		ids = append(ids, ledger.RejectID(id))
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

func joinCodes() string {
	var texts []string
	for _, code := range ledger.AllRejectCodes() {
		texts = append(texts, string(code))
	}
	return strings.Join(texts, ", ")
}

// rejectFilterArgs writes a filter of open rejects as arguments.
func rejectFilterArgs(f desk.RejectFilter) []string {
	var args []string
	for _, id := range f.IDs {
		args = append(args, strconv.FormatInt(int64(id), 10))
	}
	add := func(flag, value string) {
		if value != "" {
			args = append(args, "--"+flag, value)
		}
	}
	for _, t := range rejectTexts(&f) {
		add(t.name, *t.value)
	}
	add("seq", numberText(f.Seq))
	add("since", timeText(f.Since))
	add("until", timeText(f.Until))
	return args
}

// rejectFilterText is a filter as plans and acts keep it.
func rejectFilterText(f desk.RejectFilter) string {
	return cmp.Or(command.Shell(rejectFilterArgs(f)...), steps.AllOpenRejects)
}

// rejectAct are the flags of a command that decides about rejects.
type rejectAct struct {
	command.Decide
	expect int64
}

func (a *rejectAct) register(c *cobra.Command) {
	a.Decide.Register(c)
	c.Flags().Int64Var(&a.expect, "expect", 0, "how many rejects must be found, or nothing is changed")
}

func (a *rejectAct) check(c *cobra.Command) (desk.Decision, error) {
	if c.Flag("expect").Changed && a.expect < 1 {
		return desk.Decision{}, command.Usagef("--expect: want the number of rejects, 1 or more, got %d", a.expect)
	}
	return decided(&a.Decide, c)
}

// otherThanExpected is the error of a preview that found another number than the
// person expects; nil when it did not.
func (a *rejectAct) otherThanExpected(found int64) error {
	if a.expect != 0 && a.expect != found {
		return fmt.Errorf("%s found, not the %s expected", wording.Plural(found, "open reject"), wording.Count(a.expect))
	}
	return nil
}
