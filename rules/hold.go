package rules

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxHold is the longest that an operation can be held: as long as the age of an
// event that is accepted.
const maxHold = maxAge

// compileHold reads how long an operation is held after its event.
func (c *ruleCompiler) compileHold(place string, file any) time.Duration {
	if file == nil {
		return 0
	}
	if number, ok := wholeNumber(file); ok && number == 0 {
		return 0
	}
	text, ok := file.(string)
	hold, err := parseHold(text)
	if !ok || err != nil || hold < 0 || hold > maxHold {
		c.add(place, "want how long after the event it may be sent, at most %dd, such as 7d, 36h or 90m, or 0 for at once; got %v", maxAgeDays, file)
		return 0
	}
	return hold
}

// parseHold reads a duration that may begin with days: 7d, 1d12h, 36h. A day has
// 24 hours.
func parseHold(text string) (time.Duration, error) {
	days, rest, found := strings.Cut(text, "d")
	if !found {
		return time.ParseDuration(text)
	}
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("read days: %w", err)
	}
	hold := time.Duration(n) * day
	if rest == "" {
		return hold, nil
	}
	more, err := time.ParseDuration(rest)
	if more < 0 || strings.HasPrefix(rest, "+") {
		return 0, fmt.Errorf("a sign after the days in %q", text)
	}
	return hold + more, err
}

// heldUntil is when an operation may be sent at the earliest, by the time that the
// event gives itself; zero is at once. That time is at most 10 minutes after the
// broker's, so nobody can hold an operation for longer; and what has come too late
// to be held, because the broker stored it after its hold was over, is due at once.
func (x *reading) heldUntil(hold time.Duration) time.Time {
	if hold == 0 {
		return time.Time{}
	}
	until := x.time.Add(hold)
	if !until.After(x.message.BrokerTime) {
		return time.Time{}
	}
	return until
}
