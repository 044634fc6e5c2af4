package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// channelNames are the points channels by Zhimai's number, 1 to 9
// (user.points-add page, pointsChannel).
func channelNames() [10]string {
	return [10]string{"", "alipay", "wechat", "pos", "meituan", "eleme", "youzan", "third_party", "other", "koubei"}
}

// channels resolves what an event says in channel. It does not change after
// compileChannels and is safe for concurrent use.
type channels struct {
	// numbers holds the names and the aliases.
	numbers map[string]int64
	// listing is the end of the reason for an unknown channel.
	listing string
}

func compileChannels(aliases map[string]string, p *problems) *channels {
	names := channelNames()
	c := &channels{numbers: make(map[string]int64, len(names)+len(aliases))}
	for number, name := range names[1:] {
		c.numbers[name] = int64(number + 1)
	}
	sorted := slices.Sorted(maps.Keys(aliases))
	for _, alias := range sorted {
		place := fmt.Sprintf("channel_aliases.%s", alias)
		target := slices.Index(names[1:], aliases[alias]) + 1
		switch {
		case target == 0:
			p.add(place, "want one of %s, got %q", strings.Join(names[1:], ", "), aliases[alias])
		case slices.Contains(names[1:], alias):
			p.add(place, "is the name of a channel itself")
		case !isName(alias):
			p.add(place, "want letters, digits and underscores, beginning with a letter")
		default:
			c.numbers[alias] = int64(target)
		}
	}
	c.listing = "want one of " + strings.Join(names[1:], ", ") + " or its number 1 to 9"
	if len(sorted) > 0 {
		c.listing += " (also " + strings.Join(sorted, ", ") + ")"
	}
	return c
}

// all lists every accepted name, sorted.
func (c *channels) all() []string { return slices.Sorted(maps.Keys(c.numbers)) }

// isName says whether s is a letter followed by at most 63 letters, digits and
// underscores: what fields and aliases may be called.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		letter := 'a' <= c && c <= 'z'
		other := '0' <= s[i] && s[i] <= '9' || s[i] == '_'
		if !letter && (i == 0 || !other) {
			return false
		}
	}
	return 0 < len(s) && len(s) <= 64
}
