package dispatch

import (
	"time"
)

// Schedule is the waits between attempts: the first entry is the wait after
// the first attempt. After the last entry its wait repeats.
type Schedule []time.Duration

// DefaultSchedule spreads 24 hours: quick at first, because most trouble is
// over in a second, then hourly.
//
//	after attempt   1     2    3    4    5     6    7    8     9     10…
//	wait            0.5s  1s   2s   5s   15s   1m   5m   15m   30m   1h
func DefaultSchedule() Schedule {
	return Schedule{500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 15 * time.Second,
		time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}
}

// jitterShare is how far a wait may be off its table, either way: rows that
// failed together should not all come back together.
const jitterShare = 0.2

// Wait is the pause after the given attempt (1 is the first). It is a pure
// function of the attempt and of random, a number in [0, 1).
func (s Schedule) Wait(attempt int, random float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	wait := s[min(max(attempt, 1), len(s))-1]
	return time.Duration(float64(wait) * (1 - jitterShare + 2*jitterShare*random))
}

// maxScheduledAttempts bounds MaxAttempts for a schedule of tiny waits.
const maxScheduledAttempts = 10_000

// MaxAttempts is the number of attempts whose waits, without jitter, fit into
// giveUpAfter: the first attempt, and one more after each wait that still fits.
func (s Schedule) MaxAttempts(giveUpAfter time.Duration) int {
	attempts := 1
	for spent := s.Wait(1, 0.5); len(s) > 0 && spent <= giveUpAfter && attempts < maxScheduledAttempts; {
		attempts++
		spent += s.Wait(attempts, 0.5)
	}
	return attempts
}
