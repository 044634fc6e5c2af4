package rulefiles

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// ActReinstateRules is the name in ops_actions of taking a withdrawn rule file up
// again.
const ActReinstateRules = "reinstate_rules"

// RulesReinstatement asks for a withdrawn rule file to be taken up again.
type RulesReinstatement struct {
	Version       string
	Actor, Reason string
	// Result is kept with the act.
	Result string
	// Judge objects to what it contradicts, as for a file that is registered.
	Judge RulesJudge
}

// ReinstateRules takes a withdrawn rule file up again, as an act: it is the newest
// one then, as if it was registered now (TestReinstateRules).
func (g *Registry) ReinstateRules(ctx context.Context, r RulesReinstatement) (act int64, err error) {
	err = g.change(ctx, r.Judge, func(_ pgx.Tx, all []RegisteredRules) ([]RegisteredRules, error) {
		return Reinstated(all, r.Version)
	}, func(tx pgx.Tx) (err error) {
		act, err = writeFileAct(ctx, tx, ActReinstateRules, r.Version, r.Actor, r.Reason, r.Result)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("reinstate rule file %s: %w", r.Version, err)
	}
	return act, nil
}

// Reinstated is what Registered would return with a withdrawn file taken up again.
// The error is ErrRulesUnknown or ErrRulesNotWithdrawn.
func Reinstated(all []RegisteredRules, version string) ([]RegisteredRules, error) {
	at := slices.IndexFunc(all, func(r RegisteredRules) bool { return r.Version == version })
	switch {
	case at < 0:
		return nil, ErrRulesUnknown
	case all[at].Withdrawn == nil:
		return nil, ErrRulesNotWithdrawn
	}
	back := all[at]
	back.Withdrawn, back.Reinstated = nil, &FileAct{}
	return append(slices.Delete(slices.Clone(all), at, at+1), back), nil
}
