package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/continuity"
	"pointsledger/desk"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
)

// streamDetails are the details of a plan of kind stream.
type streamDetails struct {
	Stream  string    `json:"stream"`
	Created time.Time `json:"stream_created"`
	From    uint64    `json:"from_seq"`
	To      uint64    `json:"to_seq"`
	// Delivered is how far the workers had read when the part was chosen.
	Delivered uint64 `json:"delivered_seq"`
	Rules     string `json:"rules"`
	// Accounts count as on.
	Accounts []string            `json:"accounts_on"`
	Counts   continuity.Surveyed `json:"counts"`
}

// streamReport is what stream shows without --yes.
type streamReport struct {
	streamDetails
	// First and FirstAt are of the oldest event that is left in the stream.
	First   uint64    `json:"stream_first_seq"`
	FirstAt time.Time `json:"stream_first_at"`
	// Warnings are what should be read before anything is added.
	Warnings []string `json:"warnings"`
	Unknown  bool     `json:"workers_wait_for_the_ledger"`
	Plan     string   `json:"plan"`
	// Command adds it; empty when there is nothing to add, or the plan was
	// cancelled.
	Command string `json:"command"`

	// plan has no name when there is nothing to add.
	plan desk.Plan
}

// preview shows what adding the part would do, and stores it as a plan. With
// --yes it is then carried out.
func (s *streamSession) preview(c *cobra.Command, o *streamOptions) error {
	ctx := c.Context()
	state, err := s.state(ctx)
	if err != nil {
		return err
	}
	r := &streamReport{First: state.First, FirstAt: state.FirstAt}
	if r.From, r.To, err = s.part(ctx, o, state); err != nil {
		return err
	}
	r.Stream, r.Created, r.Delivered, r.Rules, r.Accounts = s.config.NATS.Stream, state.Created, state.Delivered, s.rules.Version, s.rules.On
	if r.Unknown, err = s.rebuild.Unknown(ctx); err != nil {
		return err
	}
	holdings, err := s.rebuild.Holdings(ctx)
	if err != nil {
		return err
	}
	r.Warnings = s.warnings(r, &state, holdings)
	if !o.json {
		r.printHead(c.OutOrStdout(), s, &state)
	}
	progress := command.NewProgress(c.ErrOrStderr())
	r.Counts, err = s.rebuild.Survey(ctx, r.From, r.To, func(seq uint64) {
		progress.Show("  reading: sequence %s of %s", wording.Count(int64(seq)), wording.Count(int64(r.To)))
	})
	progress.Done()
	if err != nil {
		return fmt.Errorf("%w\nNothing was changed", err)
	}
	if err := o.checkFound(c, r.Counts.Operations()); err != nil {
		return err
	}
	if r.worthAPlan() {
		if r.plan, err = s.makePlan(c, o, r); err != nil {
			return err
		}
		if r.Plan = r.plan.Name; r.plan.CancelledAt == nil {
			r.Command = o.command(r.Plan)
		}
	}
	return s.showOrAdd(c, o, r)
}

// showOrAdd shows what was found, and with --yes carries the plan out that was
// made of it.
func (s *streamSession) showOrAdd(c *cobra.Command, o *streamOptions, r *streamReport) error {
	adding := o.yes && r.plan.ID != 0
	if !o.json {
		note := " Nothing has been added."
		if adding {
			note = ""
		}
		r.printCounts(c.OutOrStdout(), note)
	}
	switch {
	case adding:
		return s.add(c, o, streamPlan{r.plan, r.streamDetails})
	case o.json:
		return terminal.JSON(c.OutOrStdout(), r)
	}
	r.printCommand(c.OutOrStdout(), o)
	return nil
}

// checkFound compares what would be added with what the person expects.
func (o *streamOptions) checkFound(c *cobra.Command, found int64) error {
	switch expected := c.Flag("expect").Changed; {
	case expected && found != o.expect:
		return fmt.Errorf("%s would be added, not the %s expected: nothing was changed", wording.Plural(found, "operation"), wording.Count(o.expect))
	case o.yes && !expected && found > desk.MaxUnexpected:
		return command.Usagef("%s operations would be added, more than %d: nothing was changed. Look at them (the same command without --yes), and carry out the plan that it makes",
			wording.Count(found), desk.MaxUnexpected)
	}
	return nil
}

// worthAPlan tells whether carrying it out would change anything: a ledger that
// workers wait for is accepted by them afterwards, also with nothing added.
func (r *streamReport) worthAPlan() bool {
	return r.Counts.Added > 0 || r.Counts.RejectCount() > 0 || r.Unknown
}

// makePlan stores what was found, unless it was a plan that was looked at again.
func (s *streamSession) makePlan(c *cobra.Command, o *streamOptions, r *streamReport) (desk.Plan, error) {
	if o.plan != "" {
		return s.desk.ReadPlan(c.Context(), o.plan)
	}
	actor, err := command.Operator(o.operator, o.operator != "")
	if err != nil {
		return desk.Plan{}, err
	}
	details, err := json.Marshal(r.streamDetails)
	if err != nil {
		return desk.Plan{}, fmt.Errorf("write plan: %w", err)
	}
	return s.desk.CreatePlan(c.Context(), desk.NewPlan{Kind: desk.PlanOfStream, Actor: actor, FilterText: s.filterText(r.From, r.To), Details: details, Size: r.Counts.Operations()})
}

// warnings are what a person must know before adding anything.
func (s *streamSession) warnings(r *streamReport, state *continuity.StreamState, holdings continuity.Holdings) []string {
	found := []string{}
	warn := func(is bool, text string, args ...any) {
		if is {
			found = append(found, fmt.Sprintf(text, args...))
		}
	}
	gone := int64(state.First) - 1
	warn(gone > 0 && state.FirstAt.IsZero(), "The stream holds no event any more: %s have left it. What was recorded of them cannot be rebuilt from here; restore a backup first if there is one", wording.Plural(gone, "event"))
	warn(gone > 0 && !state.FirstAt.IsZero(), "%s have left the stream, which begins with sequence %s at %s. What was recorded of them cannot be rebuilt from here; restore a backup first if there is one",
		wording.Plural(gone, "event"), wording.Count(int64(state.First)), wording.Moment(state.FirstAt))
	warn(holdings.Operations && !state.FirstAt.IsZero() && holdings.OldestAt.Before(state.FirstAt),
		"The ledger's history began before the stream's: its first operation is of %s. What it lacks from before %s stays missing", wording.Moment(holdings.OldestAt), wording.Moment(state.FirstAt))
	warn(r.Unknown && r.From > max(state.First, 1), "Workers wait until the ledger knows all that the stream has. This part begins at %s, the stream at %s: they would go on waiting, because an event from before that is published again would count as new",
		wording.Count(int64(r.From)), wording.Count(int64(max(state.First, 1))))
	warn(r.Unknown && state.AckedAny && r.To < state.Delivered, "Workers wait until the ledger knows all that may have been acknowledged. This part ends at %s, what they have read at %s: they would go on waiting",
		wording.Count(int64(r.To)), wording.Count(int64(state.Delivered)))
	warn(!r.Unknown && state.Delivered > state.Acked && r.To > state.Acked, "Of the last events some are being recorded by workers this moment, or were by one that died (sequences %s to %s). If workers are at work, wait a minute and look again, or they are parked for nothing",
		wording.Count(int64(state.Acked+1)), wording.Count(int64(state.Delivered)))
	warn(s.rules.Assumed, "No vendor account has credentials here, so all of them count as on (%s). If the workers had one off, its events were rejects there, and are operations here", strings.Join(s.rules.On, ", "))
	warn(len(s.rules.Off) > 0, "Taken for off: %s. Events that need it become rejects. If the workers had it on, its events can be paid twice later", strings.Join(s.rules.Off, ", "))
	warn(s.rules.note != "", "%s", s.rules.note)
	return found
}

// streamPlan is a plan with its details.
type streamPlan struct {
	desk.Plan
	details streamDetails
}

// readStreamPlan reads the plan that was named, and checks that it still means
// the same here.
func (s *streamSession) readStreamPlan(c *cobra.Command, o *streamOptions) (p streamPlan, err error) {
	p.Plan, err = s.desk.ReadPlan(c.Context(), o.plan)
	switch {
	case errors.Is(err, desk.ErrNoPlan):
		return p, command.Usagef("there is no plan %s: `replay stream --from-seq 1` makes one", terminal.Clean(o.plan))
	case err != nil:
		return p, err
	case p.Kind != desk.PlanOfStream:
		return p, command.Usagef("plan %s is of kind %s: `%s` shows it", p.Name, p.Kind, showPlan(p.Plan))
	}
	if err := json.Unmarshal(p.Details, &p.details); err != nil {
		return p, fmt.Errorf("read plan %s: %w", p.Name, err)
	}
	d := p.details
	switch again := "make a new plan with the same command as before"; {
	case d.Stream != s.config.NATS.Stream:
		return p, command.Usagef("plan %s is about stream %s, NATS_STREAM says %s", p.Name, d.Stream, s.config.NATS.Stream)
	case d.Rules != s.rules.Version:
		return p, fmt.Errorf("plan %s was made with the rules %s, and now those are %s (%s): %s, or give it the same --config", p.Name, d.Rules, s.rules.Version, s.rules.from, again)
	case !slices.Equal(d.Accounts, s.rules.On):
		return p, fmt.Errorf("plan %s was made with the accounts %s on, and here %s are: use the same environment, or %s",
			p.Name, strings.Join(d.Accounts, ", "), strings.Join(s.rules.On, ", "), again)
	}
	return p, nil
}
