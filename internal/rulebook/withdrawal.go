package rulebook

import (
	"context"

	"pointsledger/internal/config"
	"pointsledger/ledger/rulefiles"
)

// Withdrawal is what taking a rule file back would be. Who does it and why is for
// the caller to fill in.
type Withdrawal struct {
	rulefiles.RulesWithdrawal
	// Base is the file that is in force then, empty when none is.
	Base string
	// Under is how many operations were recorded under the file, none of them by
	// rules that only it has.
	Under int64
}

// PlanWithdrawal works out what is a file's own, compared with the file that is in
// force without it. It is a *NotInForceError for a file that cannot be taken back,
// and a *rulefiles.RulesUsedError for one whose own rules were used.
func PlanWithdrawal(ctx context.Context, files *rulefiles.Registry, version string) (Withdrawal, error) {
	all, err := files.Registered(ctx)
	if err != nil {
		return Withdrawal{}, err
	}
	w, err := planWithdrawal(all, version)
	if err != nil {
		return w, err
	}
	under, own, err := files.UnderRules(ctx, version, w.Own)
	if err != nil {
		return w, err
	}
	if own > 0 && !w.Nothing {
		return w, &rulefiles.RulesUsedError{Version: version, Operations: own}
	}
	w.Under = under
	return w, nil
}

func planWithdrawal(all []rulefiles.RegisteredRules, version string) (w Withdrawal, err error) {
	mine, there := rulefiles.FindRules(all, version)
	newest, _ := rulefiles.NewestRules(all)
	switch {
	case !there:
		return w, &NotInForceError{Version: version}
	case mine.Withdrawn != nil:
		return w, &NotInForceError{Version: version, Registered: &mine}
	case newest.Version != version:
		return w, &NotInForceError{Version: version, Registered: &mine, Newest: newest.Version}
	}
	w.RulesWithdrawal = rulefiles.RulesWithdrawal{Version: version, Judge: config.RulesEnds}
	others := make([]rulefiles.RegisteredRules, 0, len(all))
	for _, r := range all {
		if r.Version != version {
			others = append(others, r)
		}
	}
	before, some := rulefiles.NewestRules(others)
	if !some {
		w.Result = "no rule file is in force"
		return w, nil
	}
	from, differ := config.Divergence([]byte(mine.Text), []byte(before.Text))
	w.Own, w.Nothing = from, !differ
	w.Result, w.Base = "in force: "+before.Version, before.Version
	return w, nil
}
