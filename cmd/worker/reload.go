package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"

	"pointsledger/dispatch"
	"pointsledger/internal/advice"
	"pointsledger/internal/config"
	"pointsledger/ledger"
	"pointsledger/ledger/rulefiles"
)

// reloadEvery is the time between two looks at the configuration's files. A
// change is taken over when two looks in a row find the same: a file that is
// being written is not.
const reloadEvery = 2 * time.Second

// actReload is the name in ops_actions of taking over another configuration.
const actReload = "reload"

// reloader takes over rules, and the settings and secrets of vendor accounts,
// while the worker runs: on SIGHUP, and when one of the configuration's files has
// another content. Everything is checked first; when anything is wrong, all of
// the old stays in force, and readiness says so.
type reloader struct {
	service *service
	load    func() (*config.Config, config.FileState, error)
	log     *zap.Logger

	// inForce is the configuration that is used, and files what its files held.
	inForce *config.Config
	files   config.FileState
	// seen is what the last look found, and tried what was refused; nil when
	// nothing was.
	seen, tried config.FileState
	asked       chan os.Signal

	mu       sync.Mutex
	refusal  string
	restarts string
}

// enableReload lets the service take over what load answers.
func (s *service) enableReload(files config.FileState, load func() (*config.Config, config.FileState, error)) {
	s.reload = &reloader{service: s, load: load, log: s.log.Named("reload"), inForce: s.config, files: files, seen: files,
		asked: make(chan os.Signal, 1)}
	signal.Notify(s.reload.asked, syscall.SIGHUP) // else it would end a worker that still waits for its database
}

// Warnings are what somebody should look at; the worker goes on.
func (r *reloader) Warnings() []string {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc([]string{r.refusal, r.restarts}, func(s string) bool { return s == "" })
}

// Run looks until accept ends.
func (r *reloader) Run(accept, _ context.Context) error {
	defer signal.Stop(r.asked)
	tick := time.NewTicker(reloadEvery)
	defer tick.Stop()
	for {
		select {
		case <-accept.Done():
			return nil
		case <-r.asked:
			r.log.Info("asked to read the configuration again (SIGHUP)")
			r.attempt(accept, "SIGHUP")
		case <-tick.C:
			if paths := r.changed(); len(paths) > 0 {
				r.attempt(accept, "changed: "+strings.Join(paths, ", "))
			}
		}
	}
}

// changed lists the files that hold something else than what is in force, and
// have done so for two looks in a row; none when that was refused before.
func (r *reloader) changed() []string {
	now := r.files.With(r.tried).Now(os.ReadFile)
	settled := len(r.seen.Changed(now)) == 0
	r.seen = now
	if r.files.Same(now) {
		if r.tried != nil {
			r.log.Info("the configuration's files hold again what is in force")
			r.tried = nil
			r.say("", r.restarts)
		}
		return nil
	}
	if !settled || r.tried != nil && len(r.tried.Changed(now)) == 0 {
		return nil
	}
	return r.files.Changed(now)
}

// say keeps what readiness warns of.
func (r *reloader) say(refusal, restarts string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refusal, r.restarts = refusal, restarts
}

// attempt reads the whole configuration and takes it over, or nothing of it.
func (r *reloader) attempt(ctx context.Context, why string) {
	next, files, err := r.load()
	if err == nil {
		err = r.take(ctx, next, why)
	}
	if err == nil {
		r.files, r.seen, r.tried = files, files, nil
		return
	}
	if ctx.Err() != nil {
		return
	}
	var away *ledgerAway
	if errors.As(err, &away) {
		r.tried = nil // the next look tries again
	} else {
		// What the refused one named is watched too: the fault may be there.
		r.tried = r.files.With(files).Now(os.ReadFile)
	}
	text := fmt.Sprintf("the configuration on the disk is refused, the one read before stays in force (%s): %s", why, oneLine(advice.Words(err)))
	if before := r.Warnings(); !slices.Contains(before, text) {
		r.log.Error("configuration refused", zap.String("because", why), zap.Error(err))
	}
	r.say(text, r.restarts)
}

// ledgerAway is a reload that the ledger could not be asked about.
type ledgerAway struct{ err error }

func (e *ledgerAway) Error() string { return "the ledger cannot be asked: " + e.err.Error() }
func (e *ledgerAway) Unwrap() error { return e.err }

// reloadTime bounds what a reload asks of the ledger.
const reloadTime = 15 * time.Second

// take checks everything, then has it recorded, then puts it in force.
func (r *reloader) take(ctx context.Context, next *config.Config, why string) error {
	ctx, cancel := context.WithTimeout(ctx, reloadTime)
	defer cancel()
	files := rulefiles.New(r.service.keeper.pool)
	next, err := rulesOfLedger(ctx, files, next, r.log)
	if err != nil {
		return &ledgerAway{err}
	}
	change := config.Compare(r.inForce, next)
	if len(change.Impossible) > 0 {
		return fmt.Errorf("this needs a restart: %s", strings.Join(change.Impossible, "; "))
	}
	if change.Empty() {
		r.say("", "")
		r.log.Info("the configuration is the one in force")
		return nil
	}
	dispatchers := make([]*dispatch.Dispatcher, len(change.Accounts))
	for i, v := range change.Accounts {
		var err error
		if dispatchers[i], err = r.service.newDispatcher(v); err != nil {
			return err
		}
	}
	keeper := r.service.keeper
	if change.Rules {
		if err := registerRules(ctx, files, next, r.log); err != nil {
			var refused *config.Error
			if !errors.As(err, &refused) {
				return &ledgerAway{err}
			}
			return err
		}
	}
	what := reloadWords(r.inForce, next, &change)
	if _, err := keeper.store.RecordAct(ctx, ledger.Act{Actor: registrant(), Name: actReload, Filter: what, Reason: why,
		SetSize: int64(len(change.Accounts)), Result: restartWords(&change)}); err != nil {
		return &ledgerAway{err}
	}
	r.putInForce(next, &change, dispatchers)
	r.log.Info("another configuration is in force", zap.String("because", why), zap.String("changed", what), zap.Strings("needs_a_restart", change.Restart))
	r.say("", restartWords(&change))
	return nil
}

// putInForce changes what runs. The rules come first: they may name what the new
// dispatchers know.
func (r *reloader) putInForce(next *config.Config, change *config.Change, dispatchers []*dispatch.Dispatcher) {
	s := r.service
	on := slices.DeleteFunc(slices.Clone(next.Accounts), func(v config.Account) bool { return !v.On() })
	s.runner.SetRules(next.Rules)
	s.keeper.Reconfigure(next.Rules, config.RestAfterLoss(on))
	s.rules.use(next)
	for i, v := range change.Accounts {
		for _, slot := range s.dispatchers {
			if slot.Name() == v.Name {
				slot.Replace(dispatchers[i])
			}
		}
	}
	// What needs a restart stays as it is, so that it is said as long as it is so.
	kept := *next
	kept.NATS, kept.DatabaseURL, kept.HTTPAddr, kept.PProf = r.inForce.NATS, r.inForce.DatabaseURL, r.inForce.HTTPAddr, r.inForce.PProf
	kept.LogLevel, kept.Drain = r.inForce.LogLevel, r.inForce.Drain
	r.inForce = &kept
}

// reloadWords say what a reload is about, without values: some are secret.
func reloadWords(now, next *config.Config, change *config.Change) string {
	var parts []string
	if change.Rules {
		parts = append(parts, fmt.Sprintf("rules %s → %s", now.RulesVersion, next.RulesVersion))
	}
	for _, v := range change.Accounts {
		parts = append(parts, "account "+v.Name)
	}
	if len(parts) == 0 {
		return "nothing that a running worker takes over"
	}
	return strings.Join(parts, ", ")
}

func restartWords(change *config.Change) string {
	if len(change.Restart) == 0 {
		return ""
	}
	return fmt.Sprintf("%s: changed on the disk, and the old value stays in force until a restart", strings.Join(change.Restart, ", "))
}

// oneLine makes a text of several lines one.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
