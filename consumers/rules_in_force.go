package consumers

import (
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"pointsledger/ledger"
	"pointsledger/rules"
)

// inForce is what a runner maps by at a moment.
type inForce struct {
	rules *rules.Rules
	// ends: these rules may not be used for events of the broker's time until
	// or later. Zero until with ends: for none at all.
	ends  bool
	until time.Time
	// why says so in words, for people.
	why string
}

// allows tells whether an event of this broker's time may be mapped.
func (f *inForce) allows(broker time.Time) bool {
	return !f.ends || !f.until.IsZero() && broker.Before(f.until)
}

// rulesInForce holds the rules that a runner maps by, and until when. It is safe
// for concurrent use.
type rulesInForce struct {
	mu      sync.Mutex
	now     inForce
	changed chan struct{} // closed and made anew at each change
}

func newRulesInForce(rules *rules.Rules) *rulesInForce {
	return &rulesInForce{now: inForce{rules: rules}, changed: make(chan struct{})}
}

// get returns what is in force, and a channel that is closed when that changes.
func (r *rulesInForce) get() (inForce, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now, r.changed
}

func (r *rulesInForce) set(f inForce) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = f
	close(r.changed)
	r.changed = make(chan struct{})
}

// SetRules maps every event that is decoded from now on by other rules, which
// have no end. What is decoded already is recorded by those that it was decoded
// by, if they may still be used for it.
func (r *Runner) SetRules(rules *rules.Rules) { r.rules.set(inForce{rules: rules}) }

// EndRules says that the rules may not be used for events of the broker's time
// from or later (zero: for none), and why. Such events are given back for other
// workers, and once the time has come nothing is fetched. It is about the rules
// of this version; when others are in force by now, it does nothing.
func (r *Runner) EndRules(version string, from time.Time, why string) {
	r.rules.mu.Lock()
	same := r.rules.now.rules.Version() == version
	rules := r.rules.now.rules
	r.rules.mu.Unlock()
	if same {
		r.rules.set(inForce{rules: rules, ends: true, until: from, why: why})
	}
}

// KeepRules takes back what EndRules said of the rules of this version.
func (r *Runner) KeepRules(version string) {
	f, _ := r.rules.get()
	if f.ends && f.rules.Version() == version {
		r.rules.set(inForce{rules: f.rules})
	}
}

// FactIn is Rules.FactIn of the rules in force.
func (r *Runner) FactIn(reject *ledger.Reject) (fact ledger.FactHint, ok bool) {
	f, _ := r.rules.get()
	return f.rules.FactIn(reject)
}

// RulesEnded says why nothing is fetched: the rules may not be used any more.
// It is empty while they may.
func (r *Runner) RulesEnded() string {
	if f, _ := r.rules.get(); !f.allows(time.Now()) {
		return f.why
	}
	return ""
}

// leaveDelay is how long the broker keeps an event that this worker may not map,
// before it delivers it again: without a pause the two would throw it to each
// other for as long as a fetch is open.
const leaveDelay = time.Second

// leaveToOthers gives an event back for workers with other rules.
func leaveToOthers(m jetstream.Msg) {
	_ = m.NakWithDelay(leaveDelay) // the broker would deliver it again anyway, later
}

// rulesRefused gives back a batch whose rules have ended.
func (r *Runner) rulesRefused(b *decodedBatch, err error) {
	for m := range b.all() {
		leaveToOthers(m)
	}
	r.Log.Warn("batch given back: its rules have ended", zap.Int("events", b.size()), zap.Error(err))
	if r.RulesRefused != nil {
		r.RulesRefused()
	}
}

// allowedBy tells whether nothing of the batch was mapped by rules that have
// ended for it.
func (b *decodedBatch) allowedBy(f *inForce) bool {
	if !f.ends {
		return true
	}
	for i := range b.entries {
		if b.entries[i].RulesVersion == f.rules.Version() && !f.allows(b.entries[i].Message.BrokerTime) {
			return false
		}
	}
	return true
}
