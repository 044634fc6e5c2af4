package doctor

import (
	"context"
	"fmt"
	"time"

	"pointsledger/internal/advice"
	"pointsledger/internal/config"
	"pointsledger/internal/rulebook"
	"pointsledger/ledger/rulefiles"
)

// checkRules holds the rule file of this configuration against the registered
// ones.
func (d *Examination) checkRules(ctx context.Context) {
	const check = "rules"
	var all []rulefiles.RegisteredRules
	err := within(ctx, func(ctx context.Context) (err error) {
		all, err = rulefiles.New(d.ledger.pool).Registered(ctx)
		return err
	})
	cfg := d.config.ForLedger(all, time.Now())
	version := cfg.RulesVersion
	switch _, there := rulefiles.FindRules(all, version); {
	case err != nil:
		d.wrong(check, advice.Words(err), "see the message")
		return
	case !there:
		if err := config.CheckRegistration(version, cfg.RulesText, all, time.Now()); err != nil {
			d.wrong(check, advice.Words(err), "a worker with this file would not start: mend it")
			return
		}
		d.ok(check, fmt.Sprintf("the file %s is not registered yet: a worker does it at its start", version))
		return
	}
	switch s := rulebook.Stand(version, all); {
	case s.Warning != "":
		d.note(check, s.Warning, "give every worker the same file")
	case s.Ended:
		d.wrong(check, s.Why, "as the message says; worker rules lists the registered files")
	default:
		d.ok(check, fmt.Sprintf("the file %s says what the newest registered one says", version))
	}
}
