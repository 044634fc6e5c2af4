package main

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"pointsledger/internal/config"
	"pointsledger/ledger/rulefiles"
)

// errOtherRules stops a restoring: the ledger's newest file is one that this
// worker has never seen.
var errOtherRules = errors.New("others have registered rules since")

// restore registers files again that this worker has seen registered and that
// the ledger has lost (a rollback, a failover). Otherwise a worker with an older
// file, which the lost one had stopped, would map by it until some worker that
// has the lost one comes (TestLostRulesComeBack). Files that were withdrawn stay
// away; so does what contradicts rules that were registered since. It returns
// what the ledger has now.
func (w *rulesWatch) restore(ctx context.Context) ([]rulefiles.RegisteredRules, error) {
	w.restoring.Lock()
	defer w.restoring.Unlock()
	all, err := w.files.Registered(ctx)
	if err != nil {
		return nil, err
	}
	restored := false
	for _, lost := range w.known {
		if !isLost(&lost, all) {
			continue
		}
		err := w.files.RegisterRules(ctx, lost.Version, lost.Text, registrant()+", again", w.judgeRestored(lost.Version))
		var refused *config.Error
		if errors.Is(err, errOtherRules) || errors.As(err, &refused) {
			w.log.Warn("the ledger lost a rule file, which is not registered again", zap.String("rules", lost.Version), zap.Error(err))
			continue
		}
		if err != nil {
			return nil, err
		}
		restored = true
		w.log.Warn("the ledger lost a rule file: registered again", zap.String("rules", lost.Version))
	}
	if restored {
		if all, err = w.files.Registered(ctx); err != nil {
			return nil, err
		}
	}
	w.known = all
	return all, nil
}

func isLost(r *rulefiles.RegisteredRules, all []rulefiles.RegisteredRules) bool {
	_, there := rulefiles.FindRules(all, r.Version)
	return !there && r.Withdrawn == nil
}

// mayRegister tells whether a look may register what the ledger lacks. While the
// keeper is not sure of the database it may be another ledger; a lost file is
// then registered by Restore, when the keeper mends it.
func (w *rulesWatch) mayRegister() bool { return w.guard == nil || w.guard.Fresh() }

// judgeRestored objects to a file beside rules that this worker does not know,
// and to what they contradict.
func (w *rulesWatch) judgeRestored(version string) rulefiles.RulesJudge {
	judge := config.JudgeRegistration(version, time.Now)
	return func(all []rulefiles.RegisteredRules) ([]rulefiles.RulesEnd, error) {
		if mine, _ := rulefiles.FindRules(all, version); !mine.FirstUsed.IsZero() {
			return config.RulesEnds(all) // another worker was faster
		}
		if newest, some := rulefiles.NewestRules(all[:len(all)-1]); some {
			if _, known := rulefiles.FindRules(w.known, newest.Version); !known {
				return nil, errOtherRules
			}
		}
		return judge(all)
	}
}

// Restore is restore for whoever is about to map events again, in a ledger that
// lost its newest commits.
func (w *rulesWatch) Restore(ctx context.Context) error {
	_, err := w.restore(ctx)
	return err
}
