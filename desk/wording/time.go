package wording

import (
	"fmt"
	"regexp"
	"time"
)

// Moment shows a time in this machine's zone, which it names.
func Moment(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05 -07:00") }

// Age shows how long ago something was, in its two largest units.
func Age(since, now time.Time) string { return Short(now.Sub(since)) }

// Short is a duration in its two largest units; a negative one is 0.
func Short(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
}

// Hours is a duration in hours: 24 h, 1.5 h.
func Hours(d time.Duration) string { return fmt.Sprintf("%g h", d.Hours()) }

// stamp is a time inside our own words, which carry the zone they were written in.
var stamp = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)`)

// InOneZone writes the times in a text as the rest of the view writes them.
func InOneZone(text string) string {
	return stamp.ReplaceAllStringFunc(text, func(found string) string {
		at, err := time.Parse(time.RFC3339Nano, found)
		if err != nil {
			return found
		}
		return Moment(at)
	})
}

// About is an estimated time.
func About(seconds float64) string {
	return "about " + Short(time.Duration(max(seconds, 1)*float64(time.Second)))
}
