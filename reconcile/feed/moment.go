package feed

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// layout is one way in which a time is written.
type layout struct {
	text string        // of package time
	unix time.Duration // when it is a count since 1970, its unit
	date bool
}

// layoutMarks are the marks of a time format, longest first, with Go's.
var layoutMarks = [][2]string{{"yyyy", "2006"}, {"SSS", "000"}, {"XXX", "Z07:00"}, {"MM", "01"}, {"dd", "02"}, {"HH", "15"}, {"hh", "03"}, {"mm", "04"}, {"ss", "05"},
	{"yy", "06"}, {"M", "1"}, {"d", "2"}, {"H", "15"}, {"h", "3"}, {"m", "4"}, {"s", "5"}, {"a", "PM"}}

// layoutOf reads a time format such as dd/MM/yyyy HH:mm.
func layoutOf(format string) (l layout, problem string) {
	switch format {
	case "unix":
		return layout{unix: time.Second}, ""
	case "unix_ms":
		return layout{unix: time.Millisecond}, ""
	}
	hour, year := false, false
next:
	for rest := format; rest != ""; {
		for _, mark := range layoutMarks {
			if after, ok := strings.CutPrefix(rest, mark[0]); ok {
				hour = hour || strings.EqualFold(mark[0][:1], "h")
				year = year || mark[0][0] == 'y'
				l.text += mark[1]
				rest = after
				continue next
			}
		}
		c := rest[0]
		if c != 'T' && ('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9') {
			return layout{}, fmt.Sprintf("want yyyy MM dd HH mm ss, with SSS, XXX (a zone such as +08:00), hh and a (AM or PM) where the file has them, unix or unix_ms, got %q", format)
		}
		l.text += string(c)
		rest = rest[1:]
	}
	if !year {
		return layout{}, fmt.Sprintf("want a format with a year, such as yyyy-MM-dd HH:mm:ss, got %q", format)
	}
	l.date = !hour
	return l, ""
}

// usualLayouts are tried where a map names none: on a text whose date has - between.
var usualLayouts = []layout{
	{text: "2006-1-2 15:4:5"}, {text: "2006-1-2 15:4"}, {text: "2006-1-2", date: true},
	{text: "2006-1-2 15:4:5Z07:00"}, {text: "2006-1-2 15:4:5 -0700"}, {text: "2006-1-2 15:4:5 -07:00"}, {text: "20060102150405"}, {text: "20060102 15:4:5"}, {text: "20060102", date: true},
}

const wantTime = "a time such as 2026-11-20 09:05:00, or one of the map's time_formats"

// serialNumber is a date as a spreadsheet keeps it: days since the end of 1899. The years are
// 1954 to 2119: what is less or more is something else.
var serialNumber = regexp.MustCompile(`^[2-7][0-9]{4}(\.[0-9]+)?$`)

// at reads a time; of a cell that has a date only, dateOnly is true.
func (m *Map) at(c cell, base1904 bool) (t time.Time, dateOnly, ok bool) {
	text := folded(cleaned(c.text))
	if c.number {
		text, _ = shownDigits(text)
	}
	if serialNumber.MatchString(text) {
		t, ok := m.serial(text, base1904)
		return t, !strings.Contains(text, "."), ok
	}
	layouts := m.layouts
	if layouts == nil {
		layouts, text = usualLayouts, usualDate(text)
	}
	for _, l := range layouts {
		if l.unix != 0 {
			if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 && n < 1<<53/int64(l.unix/time.Millisecond) {
				return time.UnixMilli(n * int64(l.unix/time.Millisecond)), false, true
			}
			continue
		}
		if t, err := time.ParseInLocation(l.text, text, m.zone); err == nil {
			return t, l.date, true
		}
	}
	return time.Time{}, false, false
}

var (
	dateMarks  = strings.NewReplacer("/", "-", ".", "-", "年", "-", "月", "-")
	clockMarks = strings.NewReplacer("时", ":", "点", ":", "分", ":", "秒", "")
)

// usualDate writes - between year, month and day, and one space before the time.
func usualDate(text string) string {
	at := strings.IndexAny(text, " T")
	date, clock := text, ""
	if at >= 0 {
		date, clock = text[:at], text[at+1:]
	}
	if day := strings.Index(date, "日"); day >= 0 { // 2026年11月20日09时05分
		date, clock = date[:day], date[day+len("日"):]+clock
	}
	date, clock = dateMarks.Replace(date), clockMarks.Replace(clock)
	return strings.TrimSpace(date + " " + strings.TrimSuffix(strings.TrimSpace(clock), ":"))
}

// serial is the instant of a spreadsheet's date, to the millisecond.
func (m *Map) serial(text string, base1904 bool) (time.Time, bool) {
	days, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return time.Time{}, false
	}
	first := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	if base1904 {
		first = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	t := first.Add(time.Duration(days*86_400_000+0.5) * time.Millisecond) // of no zone
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), m.zone), true
}

// dateOrClock writes out one of two cells that are a date and a time of day.
func (m *Map) dateOrClock(text string, base1904 bool) string {
	shown, _ := shownDigits(text)
	if day, err := strconv.ParseFloat(shown, 64); err == nil && day >= 0 && day < 1 {
		return time.UnixMilli(int64(day*86_400_000 + 0.5)).UTC().Format(time.TimeOnly)
	}
	if !serialNumber.MatchString(shown) {
		return text
	}
	t, _ := m.serial(shown, base1904)
	return t.Format(time.DateOnly)
}
