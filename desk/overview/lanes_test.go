package overview

import (
	"testing"
	"time"

	"pointsledger/ledger"
)

func TestDrainsByLane(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		live, bulk     int64
		liveIn, bulkIn time.Duration
	}{
		"bulk alone":        {0, 20_000, 0, 2000 * time.Second},
		"live alone":        {100, 0, 10 * time.Second, 0},
		"few live":          {75, 20_000, 10 * time.Second, 2007500 * time.Millisecond},
		"few bulk":          {1000, 25, 102500 * time.Millisecond, 10 * time.Second},
		"end at once":       {300, 100, 40 * time.Second, 40 * time.Second},
		"nothing":           {0, 0, 0, 0},
		"more than a while": {1 << 62, 0, 1<<62 - 1, 0},
	} {
		liveIn, bulkIn := drains(test.live, test.bulk, 10)
		if name == "more than a while" {
			if liveIn < 1<<60 {
				t.Errorf("%s: %v", name, liveIn)
			}
			continue
		}
		if test.live > 0 && liveIn != test.liveIn || test.bulk > 0 && bulkIn != test.bulkIn {
			t.Errorf("%s: live in %v, bulk in %v; want %v, %v", name, liveIn, bulkIn, test.liveIn, test.bulkIn)
		}
	}
}

func TestLaneWords(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		a    Account
		want string
	}{
		"nothing waits": {Account{RatePerSecond: 10}, ""},
		"both lanes": {Account{RatePerSecond: 10, Waiting: 20_070, Sending: 5, bulk: 20_000},
			"live 75 operations in 10s, bulk 20,000 operations in 33m, if nothing else comes: at the account's rate of 10 a second"},
		"in doubt": {Account{RatePerSecond: 10, Waiting: 40, Waits: []Wait{{Cause: ledger.CauseUnknown, Count: 40, InDoubt: 40}}},
			"live 40 operations in > 4s, if nothing else comes: at the account's rate of 10 a second"},
		"not due": {Account{RatePerSecond: 10, Waiting: 48, ForOrigin: 1, Held: 7},
			"live 40 operations in 4s, if nothing else comes: at the account's rate of 10 a second; 1 operation until what it takes back from has ended, 7 operations held by a rule"},
		"nothing is due":   {Account{RatePerSecond: 10, Waiting: 1, Held: 1}, "1 operation held by a rule"},
		"no rate":          {Account{Waiting: 40, Pace: Pace{PerSecond: 4}}, "live 40 operations in 10s, if nothing else comes: at the pace of the last minute; the account has no rate"},
		"nothing is known": {Account{Waiting: 40}, ""},
		"a closed gate":    {Account{RatePerSecond: 10, Waiting: 40, Gate: &Gate{}}, ""},
	} {
		test.a.fillLanes()
		if got := test.a.LaneWords(); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
		if n := test.a.Lanes[0].Waiting + test.a.Lanes[1].Waiting; len(test.a.Lanes) != 2 || n != test.a.Waiting+test.a.Sending-test.a.ForOrigin-test.a.Held {
			t.Errorf("%s: %d in the lanes", name, n)
		}
	}
}
