package command

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// NoneEmpty refuses a flag that was given as an empty text, most likely an empty
// variable of a script: it must not mean "all".
func NoneEmpty(c *cobra.Command, names ...string) error {
	for _, name := range names {
		if flag := c.Flag(name); flag.Changed && flag.Value.String() == "" {
			return Usagef("--%s is empty: leave it out to mean all", name)
		}
	}
	return nil
}

// Period reads --since and --until; empty is the zero time. The error is a
// UsageError.
func Period(sinceText, untilText string, now time.Time) (since, until time.Time, err error) {
	if since, err = PointInTime("since", sinceText, now); err != nil {
		return since, until, err
	}
	if until, err = PointInTime("until", untilText, now); err != nil {
		return since, until, err
	}
	if !since.IsZero() && !until.IsZero() && !since.Before(until) {
		return since, until, Usagef("--since %s is not before --until %s: nothing can fit", since.Format(time.RFC3339), until.Format(time.RFC3339))
	}
	return since, until, nil
}

// PointInTime reads RFC 3339 or an age. Empty is the zero time.
func PointInTime(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	ago, err := time.ParseDuration(text)
	if days, found := strings.CutSuffix(text, "d"); found {
		var n int
		n, err = strconv.Atoi(days)
		ago = time.Duration(n) * 24 * time.Hour
		if n > 36500 {
			ago = -1
		}
	}
	if err != nil || ago < 0 {
		return time.Time{}, Usagef("--%s: want a time such as 2026-11-20T02:00:00+08:00, or an age such as 90m, 24h or 7d, got %q", flag, text)
	}
	return now.Add(-ago).UTC().Truncate(time.Second), nil
}
