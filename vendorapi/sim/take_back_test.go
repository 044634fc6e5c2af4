package sim

import (
	"context"
	"encoding/json"
	"strconv"
	"testing"
)

func (c *caller) deduct(key string, points int64) got {
	return c.zhimai(context.Background(), "user.points-deduct", addParams(key, map[string]string{"balance": strconv.FormatInt(points, 10)}))
}

// member calls an action of Kylin's for m-1.
func (c *caller) member(action, key string, points string) got {
	return c.do(context.Background(), memberPath+action, map[string]string{"X-Business-Token": key}, freezeBody(map[string]any{"point": json.RawMessage(points)}))
}

// Without the option nobody knows the calls, and nothing of them is booked.
func TestTakingBackIsOffByDefault(t *testing.T) {
	t.Parallel()
	s, c := startSim(t, Config{})
	if g := c.deduct("d", 1); g.code() != "40001" {
		t.Errorf("points-deduct: %d %s", g.status, g.body)
	}
	for _, action := range []string{"unfreezePoint", "consumePoint"} {
		if g := c.member(action, "u", "1"); g.status != 404 {
			t.Errorf("%s: %d %s", action, g.status, g.body)
		}
	}
	if n := len(s.Book()); n != 0 {
		t.Errorf("%d entries in the book", n)
	}
}

func TestDeductKeepsTheBalanceAboveZero(t *testing.T) {
	t.Parallel()
	for mode, again := range map[DedupMode]string{DedupSuccess: "0", DedupCode: "40901"} {
		s, c := startSim(t, Config{TakesBack: true, Zhimai: ZhimaiConfig{Dedup: Dedup{Mode: mode}, Records: RecordsConfig{EchoReason: true}}})
		for _, step := range []struct {
			call    func() got
			want    string
			balance int64
		}{
			{func() got { return c.deduct("early", 1) }, "40302", 0}, // nothing there yet
			{func() got { return c.add("a") }, "0", 11},
			{func() got { return c.deduct("d", 12) }, "40302", 11}, // one too many
			{func() got { return c.deduct("d2", 11) }, "0", 0},     // the border
			{func() got { return c.deduct("d2", 11) }, again, 0},   // a repeat is recognised, though nothing is left
		} {
			if g := step.call(); g.code() != step.want || s.Balance(someMember) != step.balance {
				t.Errorf("%s: %s, balance %d, want code %s and %d", mode, g.body, s.Balance(someMember), step.want, step.balance)
			}
		}
		early, add, taken := lookup(t, s, Zhimai, "early"), lookup(t, s, Zhimai, "a"), lookup(t, s, Zhimai, "d2")
		wantCounts(t, taken, 2, 1)
		if early.Refused != 1 || early.AppliedNo != 0 || early.FirstNo >= add.AppliedNo || taken.FirstNo <= add.AppliedNo || taken.Repeats != 1 {
			t.Errorf("%s: the order of the calls is not told: %+v %+v %+v", mode, early, add, taken)
		}
		if taken.Action != "user.points-deduct" || add.Action != "user.points-add" {
			t.Errorf("actions %q and %q", taken.Action, add.Action)
		}
	}
}

// A vendor that forgets its keys takes again what a repeat asks for, as long as
// there is something.
func TestDeductWithoutDedup(t *testing.T) {
	t.Parallel()
	s, c := startSim(t, Config{TakesBack: true, Zhimai: ZhimaiConfig{Dedup: Dedup{Mode: DedupOff}}})
	c.add("a")
	first, second, third := c.deduct("d", 5), c.deduct("d", 5), c.deduct("d", 5)
	if first.code() != "0" || second.code() != "0" || third.code() != "40302" || s.Balance(someMember) != 1 {
		t.Errorf("%s %s %s, balance %d", first.body, second.body, third.body, s.Balance(someMember))
	}
	if z := s.Totals(Zhimai); z.DoubleApplied != 1 || z.Refused != 1 {
		t.Errorf("totals %+v", z)
	}
}

func TestFrozenPointsEndOnce(t *testing.T) {
	t.Parallel()
	s, c := startSim(t, Config{TakesBack: true})
	for _, step := range []struct {
		action, key, points string
		ok                  bool
		frozen              int64
	}{
		{"unfreezePoint", "u0", "1", false, 0}, // of what was not frozen
		{"freezePoint", "f", "10", true, 10},
		{"consumePoint", "c", "4", true, 6},
		{"unfreezePoint", "u", "7", false, 6},
		{"unfreezePoint", "u1", "6", true, 0},
		{"unfreezePoint", "u1", "6", true, 0}, // the same key
		{"consumePoint", "c1", "1", false, 0},
	} {
		g := c.member(step.action, step.key, step.points)
		if frozen(g) != step.ok || !step.ok && g.status != 400 || s.Frozen("m-1") != step.frozen {
			t.Errorf("%s %s: %d %s, frozen %d, want %d", step.action, step.points, g.status, g.body, s.Frozen("m-1"), step.frozen)
		}
	}
	if e := lookup(t, s, Kylin, "u1"); e.Applied != 1 || e.Repeats != 1 || e.Action != "unfreezePoint" {
		t.Errorf("%+v", e)
	}
}

// The faults are those of all calls: applied though the caller hears nothing of it.
func TestTakingBackMeetsFaults(t *testing.T) {
	t.Parallel()
	s, c := startSim(t, Config{TakesBack: true})
	c.add("a")
	c.freeze("f")
	for _, v := range []Vendor{Zhimai, Kylin} {
		if err := s.SetFaults(v, always(ApplyThenDrop)); err != nil {
			t.Fatal(err)
		}
	}
	if g := c.deduct("d", 3); g.err == nil {
		t.Errorf("an answer: %s", g.body)
	}
	if g := c.member("unfreezePoint", "u", "5"); g.err == nil {
		t.Errorf("an answer: %s", g.body)
	}
	wantCounts(t, lookup(t, s, Zhimai, "d"), 1, 1)
	wantCounts(t, lookup(t, s, Kylin, "u"), 1, 1)
	if s.Balance(someMember) != 8 || s.Frozen("m-1") != 0 {
		t.Errorf("balance %d, frozen %d", s.Balance(someMember), s.Frozen("m-1"))
	}
}
