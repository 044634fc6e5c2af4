package rules

import (
	"maps"
	"slices"
)

// WithAccountsOn is a copy of the rules that takes some accounts for ones that
// are on: whoever reads events again without credentials cannot know which were
// on, and an event that is left out could be granted a second time later.
func (r *Rules) WithAccountsOn(which func(account string) bool) *Rules {
	c := &Rules{version: r.version, programme: r.programme, zone: r.zone, channels: r.channels, ignored: r.ignored,
		noVendorCall: r.noVendorCall, limit: r.limit, leastText: r.leastText, budgets: r.budgets, sources: r.sources, someByEvent: r.someByEvent,
		sets: slices.Clone(r.sets), shapes: r.shapes}
	c.readings.New = newReading
	for i := range c.sets {
		set := &c.sets[i]
		set.rules = maps.Clone(set.rules)
		for typ, of := range set.rules {
			copied := *of
			copied.operations = slices.Clone(of.operations)
			for j := range copied.operations {
				copied.operations[j].accounts = copied.operations[j].accounts.with(func(a *Account) *Account {
					on := *a
					on.On = on.On || which(on.Name)
					return &on
				})
			}
			set.rules[typ] = &copied
		}
	}
	return c
}
