package main

import (
	"context"

	"github.com/spf13/cobra"

	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/reconcile/periods"
	comparison "pointsledger/reconcile/runs"
	"pointsledger/reconcile/seal"
)

// closeChecks are the checks of the other rooms. The caller ends them.
func closeChecks(c *cobra.Command, s *session, zone string) (checks []periods.Check, end func()) {
	v := &seal.Verifier{Pool: s.pool, Rules: config.RulesOf}
	end = s.addBroker(c, v)
	v.Stream, v.NoStream = nil, "not for a closing"
	shown := command.NewProgress(c.ErrOrStderr())
	v.Progress = func(check string, done int64) { shown.Show("%s: %s", check, wording.Count(done)) }
	return []periods.Check{sealCheck{v, shown}, comparedCheck{comparison.New(s.pool, nil)}, declaredDays{s.pool, zone}}, end
}

// sealCheck verifies the seal and the rows under it, but for the stream.
type sealCheck struct {
	*seal.Verifier
	shown *command.Progress
}

func (c sealCheck) Look(ctx context.Context, _ periods.Span) ([]periods.Finding, error) {
	result, err := c.Verify(ctx)
	c.shown.Done()
	switch {
	case err != nil:
		return nil, err
	case result.Head.Number == 0:
		return []periods.Finding{{Check: periods.Seal, Count: result.Unsealed, Says: "nothing is sealed yet: a worker does it"}}, nil
	case result.OK:
		return headUnchecked(&result), nil
	}
	finding := periods.Finding{Check: periods.Seal, Says: privacy.Mobiles(result.Findings[0].What)}
	for i := range result.Checks {
		finding.Count += result.Checks[i].Found
	}
	return []periods.Finding{finding}, nil
}

// headUnchecked tells that the head outside was not compared: finance may have no way to
// the broker.
func headUnchecked(r *seal.Result) []periods.Finding {
	for i := range r.Checks {
		if c := &r.Checks[i]; c.Name == seal.CheckHead && c.Unchecked != "" {
			return []periods.Finding{{Check: periods.SealHead, Count: 1, Says: c.Unchecked}}
		}
	}
	return nil
}

// comparedCheck looks whether all was compared with the vendors' records, and explained.
type comparedCheck struct{ *comparison.Runs }

func (c comparedCheck) Look(ctx context.Context, s periods.Span) (found []periods.Finding, err error) {
	standing, err := c.Standing(ctx, s.After, s.Through)
	for _, one := range standing {
		if one.Unexplained > 0 {
			found = append(found, periods.Finding{Check: periods.Unexplained, Account: one.Account, Count: one.Unexplained, Points: one.UnexplainedPoints})
		}
		if one.NotCompared > 0 {
			found = append(found, periods.Finding{Check: periods.NotReconciled, Account: one.Account, Count: one.NotCompared, Points: one.NotComparedPoints})
		}
	}
	return found, err
}
