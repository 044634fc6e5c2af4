package main

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/internal/advice/steps"
	"pointsledger/internal/command"
)

// planFlags are what run and void ask for: who and why, and a plan, or the filters
// that one is made of.
type planFlags struct {
	command.Decide
	filters filterFlags
	// plan is a plan's name as it was typed; empty: the filters make one.
	plan   string
	expect int
	kind   desk.PlanKind

	who    desk.Decision
	chosen desk.OpenFilter
}

func (f *planFlags) register(c *cobra.Command, kind desk.PlanKind, usage string) {
	f.kind = kind
	f.Decide.Register(c)
	f.filters.register(c)
	c.Flags().StringVar(&f.plan, "plan", "", usage)
	c.Flags().IntVar(&f.expect, "expect", 0, "how many operations must be found, or nothing is changed")
}

func (f *planFlags) check(c *cobra.Command) (err error) {
	f.who, err = decided(&f.Decide, c)
	if err == nil && c.Flag("expect").Changed && f.expect < 1 {
		err = command.Usagef("--expect: want the number of operations, 1 or more, got %d", f.expect)
	}
	return err
}

// readFilter reads the filters. Beside a plan only the flags of every act may stand,
// and the others that are named.
func (f *planFlags) readFilter(c *cobra.Command, others ...string) (err error) {
	switch {
	case c.Flag("plan").Changed && strings.TrimSpace(f.plan) == "":
		return command.Usagef("--plan is empty: want a name such as P-7K2M")
	case f.plan != "":
		if err := command.BesidePlan(c, others...); err != nil {
			return err
		}
	}
	f.chosen, err = f.filters.filter(c, time.Now())
	return err
}

// planOf finds the plan that is named, or makes one of what the filter finds. Its ID
// is 0 when nothing fits. To be carried out unseen, it must be small or have the
// number expected.
func (s *session) planOf(ctx context.Context, f *planFlags) (desk.Plan, error) {
	if f.plan != "" {
		return s.readPlan(ctx, f.plan, f.kind)
	}
	n := desk.NewPlan{Kind: f.kind, Actor: cmp.Or(f.who.Actor, "nobody"), FilterText: cmp.Or(command.Shell(filterArgs(f.chosen)...), "all parked"),
		Choose: &f.chosen, Memories: s.keyMemories()}
	if f.Yes {
		n.MaxSize = desk.MaxUnexpected
	}
	if f.Yes || f.kind == desk.PlanOfVoid { // run shows what there is instead
		n.Expect = int64(f.expect)
	}
	plan, err := s.desk.CreatePlan(ctx, n)
	return plan, steps.OtherSize(f.kind, err)
}

// readPlan finds a plan by its name as it was typed; an empty kind is any.
func (s *session) readPlan(ctx context.Context, name string, kind desk.PlanKind) (desk.Plan, error) {
	plan, err := s.desk.ReadPlan(ctx, name)
	return plan, steps.NoPlan(name, plan, kind, err)
}
