package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/continuity"
	"pointsledger/desk"
	"pointsledger/desk/wording"
	"pointsledger/internal/advice"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
)

// streamDone is what stream shows with --yes.
type streamDone struct {
	Plan   string `json:"plan"`
	Action int64  `json:"action_id"`
	continuity.Added
}

// endPatience bounds recording how it ended, also after Ctrl-C.
const endPatience = 5 * time.Second

// add carries a plan out.
func (s *streamSession) add(c *cobra.Command, o *streamOptions, plan streamPlan) error {
	ctx := c.Context()
	actor, err := command.Operator(o.operator, o.operator != "")
	if err != nil {
		return err
	}
	run, err := s.desk.BeginPlan(ctx, desk.PlanStart{Plan: plan.Plan, Act: desk.ActStream, Actor: actor, Reason: o.reason})
	var busy *desk.PlanBusyError
	var cancelled *desk.PlanCancelledError
	switch {
	case errors.As(err, &busy):
		return fmt.Errorf("%w: nothing was done here. Wait until that is done; `replay stream` shows what is left", err)
	case errors.As(err, &cancelled):
		return fmt.Errorf("%w: nothing was done here.\n%s", cancelled, o.planAnew(&plan))
	case err != nil:
		return err
	}
	defer run.Close()
	progress := command.NewProgress(c.ErrOrStderr())
	done := streamDone{Plan: plan.Name, Action: run.Act}
	// Operations name the rules that made them.
	err = run.Hold(ctx, func() error { return s.files.RegisterMapping(ctx, s.rules.Version, s.rules.Text) })
	if err == nil {
		done.Added, err = s.rebuild.Add(ctx, s.addition(c, run, &plan, progress))
	}
	progress.Done()
	ended, cancel := context.WithTimeout(context.WithoutCancel(ctx), endPatience)
	defer cancel()
	if _, endErr := run.End(ended, done.Operations, doneText(&done.Added, err)); endErr != nil && err == nil {
		err = endErr
	}
	switch {
	case errors.As(err, &cancelled):
		waiting := ""
		if done.Unfinished {
			waiting = "; workers go on waiting for this ledger until all is added"
		}
		return fmt.Errorf("%w\n%s added before that, and nothing after it%s.\n%s", cancelled, wereEvents(done.Events), waiting, o.planAnew(&plan))
	case err != nil:
		return fmt.Errorf("%w\n%s added before that; run the same command again, it goes on where it is", err, wereEvents(done.Events))
	}
	if o.json {
		err = terminal.JSON(c.OutOrStdout(), &done)
	} else {
		done.print(c.OutOrStdout(), s, actor, o.reason)
	}
	if err == nil && done.Unfinished {
		return &unfinishedError{s.config.NATS.Stream}
	}
	return err
}

// addition is what a plan adds, and who hears of it.
func (s *streamSession) addition(c *cobra.Command, run *desk.PlanRun, plan *streamPlan, progress *command.Progress) continuity.Addition {
	d := &plan.details
	return continuity.Addition{From: d.From, To: d.To, Delivered: d.Delivered, Created: d.Created, Plan: run, PlanMade: run.Plan.MadeAt, Act: run.Act,
		Waiting: func() {
			c.PrintErrln("  waiting: a worker is comparing this ledger with the stream, or somebody adds another part")
		},
		Progress: func(seq uint64, added int64) {
			progress.Show("  adding: sequence %s of %s, %s added", wording.Count(int64(seq)), wording.Count(int64(d.To)), wording.Plural(added, "event"))
		},
	}
}

// planAnew says how to look at the part of a cancelled plan again.
func (o *streamOptions) planAnew(plan *streamPlan) string {
	args := []string{"replay", "stream", "--from-seq", strconv.FormatUint(plan.details.From, 10)}
	if plan.details.To >= plan.details.From {
		args = append(args, "--to-seq", strconv.FormatUint(plan.details.To, 10))
	}
	if o.file != "" {
		args = append(args, "--config", o.file)
	}
	if len(o.off) > 0 {
		args = append(args, "--off", strings.Join(o.off, ","))
	}
	return "To see what this part lacks, and make another plan of it:\n  " + shell(args...)
}

// unfinishedError ends an addition after which workers still refuse the ledger:
// exit code 3.
type unfinishedError struct{ stream string }

func (e *unfinishedError) Error() string {
	return fmt.Sprintf("events of stream %s are still missing, so workers go on waiting: `replay stream --from-seq 1` adds the rest", e.stream)
}

// Is makes the error stand for "done, but something does not agree".
func (e *unfinishedError) Is(target error) bool { return target == command.ErrDisagree }

// doneText is the result as ops_actions keeps it.
func doneText(a *continuity.Added, err error) string {
	rejects := int64(0)
	for _, n := range a.Rejects {
		rejects += n
	}
	text := fmt.Sprintf("added %d operations (%d points, %d parked in doubt) of %d events, and %d rejects; %d were there already; %d open rows put in doubt",
		a.Operations, a.Points, a.Queued, a.Events, rejects, a.There, a.OpenInDoubt)
	if err != nil {
		text = "stopped: " + advice.Words(err) + "; until then " + text
	}
	return text
}
