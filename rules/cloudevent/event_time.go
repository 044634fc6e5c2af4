package cloudevent

import (
	"errors"
	"time"
)

// errNotRFC3339 is returned by ParseTime.
var errNotRFC3339 = errors.New("not a time of RFC 3339")

// ParseTime reads a time of RFC 3339, section 5.6: with an offset, a full stop
// before a fraction, T and Z in either case. time.Parse takes a comma as well,
// and an hour of one digit, and no lower case. Digits beyond nanoseconds are cut
// off. A leap second, which is there at the end of a day in UTC only, is the
// last nanosecond before it.
func ParseTime(text string) (time.Time, error) {
	const whole = "2006-01-02T15:04:05"
	if len(text) <= len(whole) {
		return time.Time{}, errNotRFC3339
	}
	b := []byte(text)
	for i := range whole {
		want, c := whole[i], b[i]
		isDigit := '0' <= c && c <= '9'
		switch {
		case '0' <= want && want <= '9':
			if !isDigit {
				return time.Time{}, errNotRFC3339
			}
		case c != want && !(want == 'T' && c == 't'):
			return time.Time{}, errNotRFC3339
		}
	}
	b[len("2006-01-02")] = 'T'
	rest := b[len(whole):]
	if rest[0] == '.' {
		digits := 1
		for digits < len(rest) && '0' <= rest[digits] && rest[digits] <= '9' {
			digits++
		}
		if digits == 1 {
			return time.Time{}, errNotRFC3339
		}
		rest = rest[digits:]
	}
	if !isOffset(rest) {
		return time.Time{}, errNotRFC3339
	}
	leap := string(b[len("2006-01-02T15:04:"):len(whole)]) == "60"
	if leap {
		copy(b[len("2006-01-02T15:04:"):], "59")
	}
	at, err := time.Parse(time.RFC3339, string(b))
	if err != nil {
		return time.Time{}, errNotRFC3339
	}
	if at.Year() == 0 {
		return time.Time{}, errNotRFC3339 // there is no such year
	}
	if !leap {
		return at, nil
	}
	if at.UTC().Hour() != 23 || at.UTC().Minute() != 59 {
		return time.Time{}, errNotRFC3339
	}
	return at.Truncate(time.Second).Add(time.Second - 1), nil
}

// isOffset wants Z, or hours and minutes of a day; it makes a lower-case z upper.
func isOffset(b []byte) bool {
	if len(b) == 1 && b[0]|0x20 == 'z' {
		b[0] = 'Z'
		return true
	}
	if len(b) != len("+08:00") || b[0] != '+' && b[0] != '-' || b[3] != ':' {
		return false
	}
	for _, at := range []int{1, 2, 4, 5} {
		if b[at] < '0' || b[at] > '9' {
			return false
		}
	}
	return string(b[1:3]) < "24" && string(b[4:6]) < "60"
}
