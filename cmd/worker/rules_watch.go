package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"

	"pointsledger/consumers"
	"pointsledger/continuity"
	"pointsledger/internal/advice"
	"pointsledger/internal/config"
	"pointsledger/internal/rulebook"
	"pointsledger/ledger/rulefiles"
)

// rulesEvery is the time between two looks at the registered rules. What happens
// between them the ledger refuses by itself.
const rulesEvery = 3 * time.Second

// rulesWatch holds a worker to the newest registered rules: one that lacks a rule
// set whose time has come, or whose file was withdrawn, fetches nothing more.
// What is recorded is still sent.
type rulesWatch struct {
	files *rulefiles.Registry
	guard *continuity.Guard // nil: the database is surely the ledger's
	log   *zap.Logger
	poke  chan struct{}

	mu      sync.Mutex
	runner  *consumers.Runner
	version string
	text    []byte
	// seen and judged are what the last judgement rested on.
	seen   rulefiles.RulesLook
	judged string
	// stands is that judgement; its warning goes when its time has come.
	stands rulebook.Standing

	restoring sync.Mutex
	// known are the files that were registered at the last look; see restore.
	known []rulefiles.RegisteredRules
}

func newRulesWatch(files *rulefiles.Registry, guard *continuity.Guard, cfg *config.Config, log *zap.Logger) *rulesWatch {
	return &rulesWatch{files: files, guard: guard, log: log, poke: make(chan struct{}, 1), version: cfg.RulesVersion, text: cfg.RulesText}
}

// watch names the runner that is to be held to the rules.
func (w *rulesWatch) watch(r *consumers.Runner) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.runner = r
}

// use says that the worker maps by another file from now on.
func (w *rulesWatch) use(cfg *config.Config) {
	w.mu.Lock()
	w.version, w.text = cfg.RulesVersion, cfg.RulesText
	w.judged = "" // also the same file: the runner has other rules, without an end
	w.mu.Unlock()
	w.Poke()
}

// Poke asks for a look at once. It never blocks.
func (w *rulesWatch) Poke() {
	select {
	case w.poke <- struct{}{}:
	default:
	}
}

// Warnings are what somebody should look at; the intake goes on.
func (w *rulesWatch) Warnings() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stands.Warning == "" {
		return nil
	}
	return []string{w.stands.Warning}
}

// Run looks at once, then again and again until accept ends.
func (w *rulesWatch) Run(accept, _ context.Context) error {
	trouble := false
	for accept.Err() == nil {
		err := w.look(accept)
		if err != nil && !trouble && accept.Err() == nil {
			w.log.Warn("cannot look at the registered rules, trying again", zap.Error(err))
		}
		trouble = err != nil
		timer := time.NewTimer(rulesEvery)
		select {
		case <-accept.Done():
		case <-timer.C:
		case <-w.poke:
		}
		timer.Stop()
	}
	return nil
}

// rulesLookTime bounds a look.
const rulesLookTime = 10 * time.Second

// look compares, mostly with one row of the ledger.
func (w *rulesWatch) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, rulesLookTime)
	defer cancel()
	look, err := w.files.LookAtRules(ctx)
	if err != nil {
		return err
	}
	w.mu.Lock()
	version, text, known := w.version, w.text, w.seen == look && w.judged == w.version
	w.mu.Unlock()
	if known || !w.mayRegister() {
		w.timeHasCome()
		return nil
	}
	if !look.Settled && look.Newest != "" {
		if err := w.files.SettleRules(ctx, config.RulesEnds); err != nil {
			return err
		}
	}
	all, err := w.restore(ctx)
	if err != nil {
		return err
	}
	if newest, _ := rulefiles.NewestRules(all); newest.Version != look.Newest {
		w.Poke() // restored, or registered just now: the next look knows the new state
		return nil
	}
	if _, there := rulefiles.FindRules(all, version); !there {
		// The database lost it: it is registered again, unless others speak
		// against it.
		err := w.files.RegisterRules(ctx, version, string(text), registrant(), config.JudgeRegistration(version, time.Now))
		var refused *config.Error
		if err != nil && !errors.As(err, &refused) {
			return err
		}
		if err != nil {
			w.conclude(rulefiles.RulesLook{}, version, rulebook.Standing{Ended: true, Why: "this worker's rule file cannot be registered again: " + advice.Words(err)})
			return nil
		}
		w.Poke()
		return nil
	}
	look.Settled = true
	w.conclude(look, version, rulebook.Stand(version, all))
	return nil
}

// conclude holds the runner to a judgement of the file of version, and says what
// is new.
func (w *rulesWatch) conclude(look rulefiles.RulesLook, version string, s rulebook.Standing) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.version != version { // another is in use by now: the next look judges it
		return
	}
	first := w.seen != look || w.judged != version
	w.seen, w.judged, w.stands = look, version, s
	if s.Ended {
		w.runner.EndRules(version, s.From, s.Why)
	} else {
		w.runner.KeepRules(version)
	}
	switch {
	case !first:
	case s.Warning != "":
		w.log.Warn("other rules are registered", zap.String("warning", s.Warning))
	case s.Ended:
		w.logStopped()
	}
}

// timeHasCome turns the warning of a set that was to come into a stop.
func (w *rulesWatch) timeHasCome() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stands.Ended && w.stands.Warning != "" && !time.Now().Before(w.stands.From) {
		w.stands.Warning = ""
		w.logStopped()
	}
}

func (w *rulesWatch) logStopped() {
	w.log.Error("intake stopped: these rules may not be used any more", zap.String("problem", w.stands.Why))
}

// registrant names this process for whoever looks at the registered files.
func registrant() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return fmt.Sprintf("worker on %s, process %d", host, os.Getpid())
}

// rulesOfLedger is the configuration with the built-in rules that the ledger began
// with, when it has none of its own. With an error it is cfg: the caller tries again.
func rulesOfLedger(ctx context.Context, files *rulefiles.Registry, cfg *config.Config, log *zap.Logger) (*config.Config, error) {
	all, err := files.Registered(ctx)
	if err != nil {
		return cfg, err
	}
	kept := cfg.ForLedger(all, time.Now())
	if kept.RulesVersion != cfg.RulesVersion {
		log.Info("this ledger began with older built-in rules and keeps them; new ones need a file with a further rule set",
			zap.String("rules", kept.RulesVersion), zap.String("built_in_now", cfg.RulesVersion), zap.String("to_begin_with", "worker rules show "+kept.RulesVersion))
	}
	return kept, nil
}

// registerRules keeps the rule file in the ledger before it is used, and
// refuses one in which rules that were in use have been edited, or that was
// withdrawn.
func registerRules(ctx context.Context, files *rulefiles.Registry, cfg *config.Config, log *zap.Logger) error {
	look, err := files.LookAtRules(ctx)
	if err != nil {
		return err
	}
	if look.Newest == cfg.RulesVersion && look.Settled {
		return nil
	}
	if err := files.RegisterRules(ctx, cfg.RulesVersion, string(cfg.RulesText), registrant(), config.JudgeRegistration(cfg.RulesVersion, time.Now)); err != nil {
		return err
	}
	if look.Newest != "" && look.Newest != cfg.RulesVersion {
		log.Info("rules differ from those used before", zap.String("before", look.Newest), zap.String("now", cfg.RulesVersion))
	}
	return nil
}
