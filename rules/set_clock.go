package rules

import (
	"time"
)

// maxWithin bounds how far back an event's own time may lie to pick a rule set.
const maxWithin = 7 * day

// setClock is the clock that the beginning of a rule set is held against: zero is
// the broker's. Else it is the event's own time, which the publisher writes, so it
// is kept between the broker's time and that much before it. It is never after the
// broker's: so no set is used before the broker's clock has reached it, and the
// broker's time alone tells until when a rule file holds (config.Divergence,
// TestEventsBeforeTheDivergence).
type setClock time.Duration

// at is the time of an event by the clock.
func (c setClock) at(broker, event time.Time) time.Time {
	least := broker.Add(-time.Duration(c))
	switch {
	case event.After(broker):
		return broker
	case event.Before(least):
		return least
	}
	return event
}

func compileClock(place string, file *RuleSetFile, first bool, p *problems) setClock {
	switch file.By {
	case "", "broker":
		if file.Within != "" {
			p.add(place+".within", "bounds the event's own time: want by: event beside it, or no within")
		}
		return 0
	case "event":
	default:
		p.add(place+".by", "want broker or event, got %q", file.By)
		return 0
	}
	if first {
		p.add(place+".by", "the first rule set has no beginning that a clock could tell: leave it out here")
	}
	within, err := time.ParseDuration(file.Within)
	if err != nil || within < time.Second || within > maxWithin {
		p.add(place+".within", "want how far an event's own time may be before the broker's, a duration from 1s to %dh such as 10m, got %q", maxWithin/time.Hour, file.Within)
	}
	return setClock(within)
}

// findSet is the rule set that the message belongs to: the last that had begun, by
// its own clock. Messages older than the first set belong to that one.
func (x *reading) findSet() *ruleSet {
	broker := x.message.BrokerTime
	if !x.rules.someByEvent {
		return x.rules.setAt(broker)
	}
	event := broker
	if x.came.HasTime() {
		if at, rejection := x.came.Time(); rejection == nil { // if not, it is one in the end
			event = at
		}
	}
	for i := len(x.rules.sets) - 1; i > 0; i-- {
		set := &x.rules.sets[i]
		if !set.from.After(set.clock.at(broker, event)) {
			return set
		}
		if !set.from.After(broker) && x.passedOver == nil {
			x.passedOver = set
		}
	}
	return &x.rules.sets[0]
}
