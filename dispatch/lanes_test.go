package dispatch

import (
	"errors"
	"testing"
	"time"
)

// What waits in each lane, by age, and what a claim takes of it.
type twoLanes struct{ fresh, old [2]int }

func (w *twoLanes) claim(lane int, fresh bool, limit int) (int, error) {
	got := min(limit, w.fresh[lane])
	if !fresh {
		got = min(limit, w.old[lane]) // the oldest first
		w.old[lane] -= got
		late := min(limit-got, w.fresh[lane])
		w.fresh[lane] -= late
		return got + late, nil
	}
	w.fresh[lane] -= got
	return got, nil
}

// While both lanes wait the live one has three of four places, and of either the
// young their share; what one has no row for the others get; and no place stays
// empty while anything waits.
func TestLanesShareThePlaces(t *testing.T) {
	t.Parallel()
	const many = 1_000_000
	for name, test := range map[string]struct {
		has   twoLanes
		fresh float64
		want  twoLanes
	}{
		"both lanes, both ages": {twoLanes{[2]int{many, many}, [2]int{many, many}}, 0.5, twoLanes{[2]int{150, 50}, [2]int{150, 50}}},
		"a third to the young":  {twoLanes{[2]int{many, many}, [2]int{many, many}}, 1. / 3, twoLanes{[2]int{100, 33}, [2]int{200, 67}}},
		"nothing for the young": {twoLanes{[2]int{many, many}, [2]int{many, many}}, 0, twoLanes{[2]int{0, 0}, [2]int{300, 100}}},
		"all to the young":      {twoLanes{[2]int{many, many}, [2]int{many, many}}, 1, twoLanes{[2]int{300, 100}, [2]int{0, 0}}},
		"bulk alone":            {twoLanes{[2]int{0, 0}, [2]int{0, many}}, 0.5, twoLanes{[2]int{0, 0}, [2]int{0, 400}}},
		"live alone":            {twoLanes{[2]int{0, 0}, [2]int{many, 0}}, 0.5, twoLanes{[2]int{0, 0}, [2]int{400, 0}}},
		"few live beside bulk":  {twoLanes{[2]int{30, 0}, [2]int{0, many}}, 0.5, twoLanes{[2]int{30, 0}, [2]int{0, 370}}},
		"few bulk beside live":  {twoLanes{[2]int{0, 0}, [2]int{many, 7}}, 0.5, twoLanes{[2]int{0, 0}, [2]int{393, 7}}},
		"less than there is":    {twoLanes{[2]int{1, 1}, [2]int{1, 1}}, 0.5, twoLanes{[2]int{1, 1}, [2]int{1, 1}}},
	} {
		for _, step := range []int{1, 4, 7, 100, 400} {
			has, l := test.has, lanes{fresh: test.fresh}
			now := time.Now()
			for left := 400; left > 0; left -= step {
				now = now.Add(time.Second)
				n := min(step, left)
				got, err := l.claim(n, now, has.claim)
				if rest := has.fresh[0] + has.fresh[1] + has.old[0] + has.old[1]; err != nil || got != n && rest > 0 {
					t.Fatalf("%s by %d: %d of %d places, %v; %d wait", name, step, got, n, err, rest)
				}
			}
			for lane := range 2 {
				fresh, old := test.has.fresh[lane]-has.fresh[lane], test.has.old[lane]-has.old[lane]
				if off := max(abs(fresh-test.want.fresh[lane]), abs(old-test.want.old[lane])); off > 1 {
					t.Errorf("%s by %d: lane %d had %d young and %d old, want %d and %d", name, step, lane, fresh, old, test.want.fresh[lane], test.want.old[lane])
				}
			}
		}
	}
}

func abs(n int) int { return max(n, -n) }

// The live lane full, the bulk lane is looked into now and then, not at every claim;
// and its first row has its place soon.
func TestEmptyBulkLaneCostsLittle(t *testing.T) {
	t.Parallel()
	l, looks, now := lanes{}, 0, time.Now()
	claim := func(lane int, _ bool, limit int) (int, error) {
		if lane == live {
			return limit, nil
		}
		looks++
		return 0, nil
	}
	for range 1000 {
		now = now.Add(time.Millisecond)
		if _, err := l.claim(100, now, claim); err != nil {
			t.Fatal(err)
		}
	}
	if looks > 6 {
		t.Errorf("%d looks into an empty lane in a second", looks)
	}
	has := twoLanes{old: [2]int{1000, 1}}
	if _, err := l.claim(100, now.Add(bulkLook), has.claim); err != nil || has.old[bulk] != 0 {
		t.Errorf("the first bulk row waits: %v, %v", has, err)
	}
}

// An error ends a claim, and what was claimed before it counts.
func TestLanesStopAtAnError(t *testing.T) {
	t.Parallel()
	l, lost, calls := lanes{}, errors.New("lost"), 0
	got, err := l.claim(100, time.Now(), func(lane int, _ bool, limit int) (int, error) {
		if calls++; lane == bulk {
			return limit, nil
		}
		return 0, lost
	})
	if !errors.Is(err, lost) || got != 25 || calls != 2 {
		t.Errorf("%d claimed in %d calls, %v", got, calls, err)
	}
}
