package rulebook

import (
	"context"
	"errors"
	"time"

	"pointsledger/internal/config"
	"pointsledger/ledger/rulefiles"
)

// Reinstatement is what taking a withdrawn rule file up again would be. Who does it
// and why is for the caller to fill in.
type Reinstatement struct {
	rulefiles.RulesReinstatement
	// Withdrawn is the act that took it back.
	Withdrawn rulefiles.FileAct
	// Newest is in force now, empty when none is, and ends with it from Ends on
	// (zero: altogether), or not at all when both map every event alike.
	Newest string
	Ended  bool
	Ends   time.Time
}

// PlanReinstatement works out what a withdrawn file would mean for the one that is
// in force. It is a *NotInForceError for a version that is not registered,
// rulefiles.ErrRulesNotWithdrawn for one that was not withdrawn, and a
// *config.Error for one that contradicts rules that are in use.
func PlanReinstatement(ctx context.Context, files *rulefiles.Registry, version string) (r Reinstatement, err error) {
	all, err := files.Registered(ctx)
	if err != nil {
		return r, err
	}
	before, _ := rulefiles.FindRules(all, version)
	newest, some := rulefiles.NewestRules(all)
	if all, err = rulefiles.Reinstated(all, version); err != nil {
		if errors.Is(err, rulefiles.ErrRulesUnknown) {
			err = &NotInForceError{Version: version}
		}
		return r, err
	}
	judge := config.JudgeReinstatement(time.Now)
	if _, err := judge(all); err != nil {
		return r, err
	}
	r.RulesReinstatement = rulefiles.RulesReinstatement{Version: version, Result: "in force", Judge: judge}
	r.Withdrawn = *before.Withdrawn
	if some {
		r.Newest, r.Result = newest.Version, "in force instead of "+newest.Version
		r.Ends, r.Ended = config.Divergence([]byte(newest.Text), []byte(before.Text))
	}
	return r, nil
}
