package seal

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// span is the ids from low on, below high.
type span struct{ low, high int64 }

// everything holds every id that a row can have.
var everything = span{math.MinInt64, math.MaxInt64}

// spans are ids, in order and with room between them, as an int8multirange has them.
type spans []span

// spansOf are ids that are in order.
func spansOf(ids []int64) (all spans) {
	for _, id := range ids {
		if n := len(all); n > 0 && all[n-1].high == id {
			all[n-1].high++
			continue
		}
		all = append(all, span{id, id + 1})
	}
	return all
}

// String is the int8multirange as Postgres writes it.
func (s spans) String() string {
	text := []byte{'{'}
	for i, r := range s {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, '[')
		text = strconv.AppendInt(text, r.low, 10)
		text = append(text, ',')
		text = strconv.AppendInt(text, r.high, 10)
		text = append(text, ')')
	}
	return string(append(text, '}'))
}

// parseSpans reads what Postgres writes of an int8multirange that has both ends.
func parseSpans(text string) (all spans, err error) {
	inner, begins := strings.CutPrefix(text, "{")
	inner, ok := strings.CutSuffix(inner, "}")
	if !begins || !ok {
		return nil, fmt.Errorf("ids: want a multirange, got %q", text)
	}
	for inner != "" {
		var one string
		one, inner, ok = strings.Cut(inner, ")")
		inner = strings.TrimPrefix(inner, ",")
		low, high, both := strings.Cut(strings.TrimPrefix(one, "["), ",")
		if !ok || !both {
			return nil, fmt.Errorf("ids: want ranges with both ends, got %q", one)
		}
		var r span
		if r.low, err = strconv.ParseInt(low, 10, 64); err == nil {
			r.high, err = strconv.ParseInt(high, 10, 64)
		}
		if err != nil {
			return nil, fmt.Errorf("ids: %w", err)
		}
		all = append(all, r)
	}
	return all, nil
}

// count is how many ids there are.
func (s spans) count() (n int64) {
	for _, r := range s {
		n += r.high - r.low
	}
	return n
}

// each calls f with every id, in order.
func (s spans) each(f func(id int64)) {
	for _, r := range s {
		for id := r.low; id < r.high; id++ {
			f(id)
		}
	}
}

// gaps are the ids of a span that are not in s.
func (s spans) gaps(in span) (gaps spans) {
	next := in.low
	for _, r := range s {
		if r.low > next {
			gaps = append(gaps, span{next, min(r.low, in.high)})
		}
		if next = max(next, r.high); next >= in.high {
			return gaps
		}
	}
	return append(gaps, span{next, in.high})
}

// union gathers ids from many lists in little memory: where lists follow each other, a
// span for all of them.
type union struct {
	merged spans
	loose  []span
	// twice are ids that were added more than once, the first few.
	twice []int64
}

// looseMost is how many spans are kept before they are merged.
const looseMost = 1 << 14

func (u *union) add(s spans) {
	if u.loose = append(u.loose, s...); len(u.loose) > max(looseMost, len(u.merged)) {
		u.merge()
	}
}

// all are the ids that were added.
func (u *union) all() spans {
	u.merge()
	return u.merged
}

func (u *union) merge() {
	if len(u.loose) == 0 {
		return
	}
	sorted := append(u.loose, u.merged...)
	slices.SortFunc(sorted, func(a, b span) int { return cmp.Or(cmp.Compare(a.low, b.low), cmp.Compare(a.high, b.high)) })
	merged := make(spans, 0, len(u.merged)+16)
	for _, r := range sorted {
		n := len(merged)
		if n == 0 || merged[n-1].high < r.low {
			merged = append(merged, r)
			continue
		}
		for id := r.low; id < min(r.high, merged[n-1].high) && len(u.twice) < namedMost; id++ {
			u.twice = append(u.twice, id)
		}
		merged[n-1].high = max(merged[n-1].high, r.high)
	}
	u.merged, u.loose = merged, u.loose[:0]
}
