package torture

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// newRulesIn is how long before its time a rule set is registered: a worker
	// must start meanwhile, on a machine with other work.
	newRulesIn = 15 * time.Second
	// staleFor is how long workers with the old file run beyond that time.
	staleFor = 3 * time.Second
	// paidReason ends the reason of a grant for an order in the built-in rules.
	paidReason = "订单{orderId}消费积分"
)

// newRules is a rule set that was added during the run: it grants the same, and
// its reasons begin with a mark of their own.
type newRules struct {
	From time.Time
	Mark string
}

// staleRules registers a file with a further rule set through one worker, and
// lets the others run with the file that lacks it until its time has come.
func (in *injector) staleRules(ctx context.Context, f Fault) error {
	set := newRules{From: time.Now().Add(newRulesIn).UTC().Truncate(time.Second), Mark: fmt.Sprintf("新规%d", len(in.rules)+1)}
	path, err := in.rig.addRules(set)
	if err != nil {
		return err
	}
	in.rules = append(in.rules, set)
	in.workers.use(path)
	at, err := in.workers.take(ctx, f.Pick)
	if err != nil {
		return err
	}
	in.workers.stop(at, true)
	in.workers.giveBack(at)
	pause(ctx, time.Until(set.From)+staleFor)
	return in.workers.restartOlder(ctx, path)
}

// addRules writes a configuration with a further set and returns its path.
func (r *rig) addRules(set newRules) (string, error) {
	text, err := os.ReadFile(r.config)
	if err != nil {
		return "", fmt.Errorf("read the workers' configuration: %w", err)
	}
	changed, err := withRules(string(text), set)
	if err != nil {
		return "", err
	}
	path := filepath.Join(r.dir, fmt.Sprintf("worker-%s.yaml", set.From.Format("150405")))
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		return "", fmt.Errorf("write the workers' configuration: %w", err)
	}
	return path, nil
}

// withRules adds a copy of the newest rule set of a configuration.
func withRules(text string, set newRules) (string, error) {
	const begin, end = "\n  - from: ", "\n# The vendor accounts."
	last, vendors := strings.LastIndex(text, begin), strings.Index(text, end)
	if last < 0 || vendors < last {
		return "", fmt.Errorf("add a rule set: the configuration has no %q before %q", begin, end)
	}
	_, events, found := strings.Cut(text[last+1:vendors], "\n")
	if !found || !strings.Contains(events, paidReason) {
		return "", fmt.Errorf("add a rule set: the newest one does not grant for orders as the built-in does")
	}
	var marked []string
	for _, line := range strings.Split(events, "\n") {
		if indent, _, found := strings.Cut(line, "reason: "); found && strings.HasSuffix(line, paidReason) {
			line = indent + "reason: " + set.Mark + paidReason
		}
		marked = append(marked, line)
	}
	return text[:vendors] + begin + set.From.Format(time.RFC3339) + "\n" + strings.Join(marked, "\n") + text[vendors:], nil
}

// sqlOldRules finds grants for orders that were made under other rules than
// those of their broker's time: $1 the mark, $2 the set's time, $3 that of the
// next one. A worker that was hindered for so long that it registered the set after
// its time is no fault of those that could not know it: then what was recorded since
// counts, from a second later on.
const sqlOldRules = `
SELECT o.biz_id || ' (operation ' || o.id || '): stored at ' || o.broker_time || ', and its reason is ' || o.reason
  FROM operations o
 WHERE o.target = 'zhimai' AND o.event_type = 'order.paid' AND o.broker_time >= $2 AND o.broker_time < $3
   AND o.reason NOT LIKE $1 || '%'
   AND ((SELECT min(first_used_at) FROM mappings WHERE strpos(text, $1) > 0) < $2
        OR o.recorded_at > (SELECT min(first_used_at) + interval '1 second' FROM mappings WHERE strpos(text, $1) > 0))
 ORDER BY o.id`

// checkRules holds every grant against the newest rules of its time.
func (j *judge) checkRules(ctx context.Context, sets []newRules) error {
	for i, set := range sets {
		until := time.Now().Add(time.Hour)
		if i+1 < len(sets) {
			until = sets[i+1].From
		}
		if err := j.ask(ctx, NewestRules, sqlOldRules, set.Mark, set.From, until); err != nil {
			return err
		}
	}
	return nil
}
