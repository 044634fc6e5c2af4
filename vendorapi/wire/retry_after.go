package wire

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// MaxRetryAfter is the longest pause that a vendor's Retry-After can ask for.
// A longer one is cut: a typing error there must not stop an account for days.
const MaxRetryAfter = 10 * time.Minute

// ParseRetryAfter reads a Retry-After header: seconds, or an HTTP date that is
// compared with now. It is 0 for garbage, for what is negative and for the
// past, and never above MaxRetryAfter.
func ParseRetryAfter(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	seconds, err := strconv.ParseInt(text, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange) && !strings.HasPrefix(text, "-"):
		return MaxRetryAfter
	case err == nil && seconds > int64(MaxRetryAfter/time.Second):
		return MaxRetryAfter
	case err == nil:
		return time.Duration(max(0, seconds)) * time.Second
	}
	date, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(0, date.Sub(now)), MaxRetryAfter)
}
