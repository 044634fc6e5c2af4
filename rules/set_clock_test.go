package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pointsledger/ledger"
)

// pointsSet is a rule set in which an order is worth points.
func pointsSet(from time.Time, by, within string, points int64) RuleSetFile {
	return RuleSetFile{From: from, By: by, Within: within, Events: []RuleFile{{Type: "order.paid", Operations: []OperationFile{
		{Vendor: "zhimai", Call: "points_add", SourceType: 1, Points: PointsFile{Value: ptr(points)}},
	}}}}
}

// stamped is an order with a time of its own, empty for none, stored at another.
func stamped(at string, broker time.Time) ledger.Message {
	if at != "" {
		at = fmt.Sprintf(`"time":%q,`, at)
	}
	m := message("order.paid", `{"specversion":"1.0","id":"e1","source":"s","type":"order.paid",`+at+`"data":`+paid+`}`)
	m.BrokerTime = broker
	return m
}

// What was paid before a campaign and delivered after its beginning gets no points
// of it, where the campaign goes by the event's time; a publisher can go back no
// further than the bound, and never ahead of the broker.
func TestEventTimePicksTheRuleSet(t *testing.T) {
	t.Parallel()
	clock := func(hour, minute int) time.Time { return time.Date(2026, 11, 20, hour, minute, 0, 0, time.UTC) }
	file := defaultRulesFile()
	file.Rules = append(file.Rules, pointsSet(clock(20, 0), "event", "10m", 2), pointsSet(clock(22, 0), "broker", "", 3))
	rules := compiled(t, file, defaultAccounts())
	const before = 129 // by the set before
	for what, c := range map[string]struct {
		at         string
		broker     time.Time
		points     ledger.Points
		passedOver bool
	}{
		"paid before, delivered after":          {"2026-11-20T19:58:00Z", clock(20, 5), before, true},
		"in another zone":                       {"2026-11-21T03:58:00+08:00", clock(20, 5), before, true},
		"just before":                           {"2026-11-20T19:59:59.999999999Z", clock(20, 5), before, true},
		"just at its beginning":                 {"2026-11-20T20:00:00Z", clock(20, 5), 2, false},
		"as far back as the bound":              {"2026-11-20T12:00:00Z", clock(20, 10).Add(-time.Nanosecond), before, true},
		"further back than the bound":           {"2026-11-20T12:00:00Z", clock(20, 10), 2, false},
		"a clock that is ahead":                 {"2026-11-20T20:03:00Z", clock(19, 59), before, false},
		"no time of its own":                    {"", clock(20, 5), 2, false},
		"a set that goes by the broker's clock": {"2026-11-20T21:58:00Z", clock(22, 5), 3, false},
	} {
		m := stamped(c.at, c.broker)
		if got := accepted(t, rules, m, nil).Operations[0].Points; got != c.points {
			t.Errorf("%s: %d points, want %d", what, got, c.points)
		}
		x, rejection := rules.Explain(m, nil)
		if rejection != nil {
			t.Fatal(what, rejection)
		}
		if c.passedOver != x.PassedOver.Equal(clock(20, 0)) || !c.passedOver && !x.PassedOver.IsZero() {
			t.Errorf("%s: passed over %s", what, x.PassedOver)
		}
		if wantFrom := map[ledger.Points]time.Time{before: file.Rules[0].From, 2: clock(20, 0), 3: clock(22, 0)}[c.points]; !x.RulesFrom.Equal(wantFrom) {
			t.Errorf("%s: explained by the set from %s", what, x.RulesFrom)
		}
	}
	// It is the same fact under either set.
	first, second := accepted(t, rules, stamped("2026-11-20T19:58:00Z", clock(20, 5)), nil), accepted(t, rules, stamped("", clock(20, 5)), nil)
	if first.FactKey != second.FactKey || first.Operations[0].BizID != second.Operations[0].BizID || first.Content != second.Content {
		t.Error("the clock of the rule set changed the fact")
	}
	if d := rejected(t, rules, stamped("yesterday", clock(20, 5)), nil); d.Rejection.Code != ledger.BadType {
		t.Errorf("an unreadable time: %v", d.Rejection)
	}
	all := rules.WithAccountsOn(func(string) bool { return true })
	if got := accepted(t, all, stamped("2026-11-20T19:58:00Z", clock(20, 5)), nil).Operations[0].Points; got != before {
		t.Errorf("a copy: %d points, want %d", got, before)
	}
}

func TestClockOfARuleSet(t *testing.T) {
	t.Parallel()
	from := brokerTime.Add(time.Hour)
	for _, c := range []struct{ by, within, complaint string }{
		{"", "", ""}, {"broker", "", ""}, {"event", "1s", ""}, {"event", "168h", ""},
		{"event", "", `rules[1].within: want how far an event's own time may be before the broker's, a duration from 1s to 168h such as 10m, got ""`},
		{"event", "999ms", "rules[1].within: "}, {"event", "168h1s", "rules[1].within: "}, {"event", "soon", "rules[1].within: "}, {"event", "-10m", "rules[1].within: "},
		{"", "10m", "rules[1].within: bounds the event's own time: want by: event"}, {"broker", "10m", "rules[1].within: bounds"},
		{"publisher", "", `rules[1].by: want broker or event, got "publisher"`},
	} {
		file := defaultRulesFile()
		file.Rules = append(file.Rules, pointsSet(from, c.by, c.within, 1))
		_, err := Compile(file, "v1", defaultAccounts())
		if c.complaint == "" && err != nil || c.complaint != "" && (err == nil || !strings.Contains(err.Error(), c.complaint)) {
			t.Errorf("by %q within %q: got %v, want %q", c.by, c.within, err, c.complaint)
		}
	}
	file := defaultRulesFile()
	file.Rules[0].By, file.Rules[0].Within = "event", "10m"
	if _, err := Compile(file, "v1", defaultAccounts()); err == nil || !strings.Contains(err.Error(), "rules[0].by: the first rule set has no beginning") {
		t.Errorf("the first set: %v", err)
	}
}
