package desk

import (
	"context"
	"slices"
	"time"

	"pointsledger/ledger"
	"pointsledger/ledger/republished"
	"pointsledger/rules"
)

// RejectRules are the rules that rejects are mapped by again.
type RejectRules struct {
	ChosenRules
	// On and Off are the accounts that events may and may not go to.
	On, Off []string
	// Refunded: events that were refunded or cancelled whole since are accepted as well.
	Refunded bool
	// Words say an error to people, as it is kept with how a retry ended; nil keeps
	// the error's own text.
	Words ErrorWords

	// remap maps by them; other by the registered rules, to compare, nil when there
	// is nothing to compare with.
	remap, other Remap
}

// ErrorWords say an error to people.
type ErrorWords interface {
	Words(err error) string
}

// RejectRules chooses rules, and which accounts count as on by them. The errors
// are those of ChooseRules.
func (d *Desk) RejectRules(ctx context.Context, reader RuleReader, want RuleChoice) (*RejectRules, error) {
	chosen, err := d.ChooseRules(ctx, reader, want)
	if err != nil {
		return nil, err
	}
	r := &RejectRules{ChosenRules: chosen}
	if r.On, r.Off, err = d.AccountsOn(ctx, chosen.Accounts); err != nil {
		return nil, err
	}
	r.remap = again(chosen.Rules, r.On)
	if chosen.FileName != "" && chosen.Registered != nil && chosen.Version != chosen.RegisteredVersion {
		on, _, err := d.AccountsOn(ctx, chosen.Registered.Accounts)
		if err != nil {
			return nil, err
		}
		r.other = again(chosen.Registered.Rules, on)
	}
	return r, nil
}

func again(r *rules.Rules, on []string) Remap {
	return func(m ledger.Message) (ledger.Entry, bool) {
		return r.Again(m, func(account string) bool { return slices.Contains(on, account) })
	}
}

// Plan is what a plan of these rejects keeps.
func (r *RejectRules) Plan(ids []ledger.RejectID) RejectPlan {
	return RejectPlan{Rules: r.Version, FromFile: r.FileName != "", Registered: r.RegisteredVersion, Refunded: r.Refunded, IDs: ids}
}

// RejectForecast is what would become of rejects.
type RejectForecast struct {
	RetryPreview
	// Known counts those whose fact is in the ledger by now: nothing is owed for
	// them.
	Known int64
}

// ForecastRejects asks what would become of rejects by these rules, and changes
// nothing. progress may be nil.
func (d *Desk) ForecastRejects(ctx context.Context, ids []ledger.RejectID, r *RejectRules, progress func(done, found int)) (f RejectForecast, err error) {
	if f.RetryPreview, err = d.PreviewRetry(ctx, ids, r.remap, r.other, r.Refunded, progress); err != nil {
		return f, err
	}
	f.Known, err = republished.Count(ctx, d.pool, d.book, ids, r.Rules.FactIn)
	return f, err
}

// RetryResult is what a retry did. Found is 0, and the rest empty, when nothing
// fit.
type RetryResult struct {
	Plan         string `json:"plan"`
	Act          int64  `json:"action_id"`
	RulesVersion string `json:"rules_version"`
	RetryTally
}

// Retry carries out a plan of kind rejects by the rules that it was made with, and
// records that it begins and how it ended. The result is nil when it did not
// begin: the error is BeginPlan's. With a result, an error stopped it: a
// *RulesChangedError, a *PlanCancelledError, that of the context, or the
// database's; each reject that was done before is done whole.
func (d *Desk) Retry(ctx context.Context, plan Plan, ids []ledger.RejectID, who Decision, r *RejectRules, progress func(done, found int)) (*RetryResult, error) {
	run, err := d.BeginPlan(ctx, PlanStart{Plan: plan, Act: ActRejectsRetry, Actor: who.Actor, Reason: who.Reason})
	if err != nil {
		return nil, err
	}
	defer run.Close()
	text := "" // kept when the workers did not register it
	if r.FileName != "" && r.Version != r.RegisteredVersion {
		text = r.Text
	}
	tally, err := d.RetryRejects(ctx, RejectRetry{Run: run, IDs: ids, Remap: r.remap, RulesVersion: r.Version, RulesText: text,
		Registered: r.RegisteredVersion, Refunded: r.Refunded, Progress: progress})
	trouble := ""
	if err != nil {
		trouble = err.Error()
		if r.Words != nil {
			trouble = r.Words.Words(err)
		}
	}
	ended, cancel := context.WithTimeout(context.WithoutCancel(ctx), endPatience)
	defer cancel()
	if _, endErr := run.EndRetry(ended, tally, trouble); endErr != nil && err == nil {
		err = endErr
	}
	return &RetryResult{Plan: plan.Name, Act: run.Act, RulesVersion: r.Version, RetryTally: tally}, err
}

// endPatience bounds recording an end that the person does not wait for any more.
const endPatience = 10 * time.Second
