package rules

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"pointsledger/ledger"
	"pointsledger/rules/cloudevent"
)

// path names a field of data in reasons.
func (x *reading) path(at int) string { return "data." + x.rule.fields[at].name }

// missing is the reject for a field that is needed and absent.
func (x *reading) missing(at int) *ledger.Rejection {
	return ledger.Rejectf(ledger.MissingField, "%s: want %s, it is missing%s", x.path(at), x.rule.fields[at].want(), cloudevent.Near(x.came.Data, x.rule.fields[at].name))
}

// readFields reads every declared field of data, in the order in which
// problems are to be reported.
func (x *reading) readFields() *ledger.Rejection {
	x.values = append(x.values[:0], make([]value, len(x.rule.fields))...)
	for i := range x.came.Data {
		if at, ok := x.rule.index[string(x.came.Data[i].Name)]; ok && x.came.Data[i].Kind != 'n' {
			x.values[at].from = &x.came.Data[i]
		}
	}
	for _, at := range x.rule.order {
		f, v := &x.rule.fields[at], &x.values[at]
		if f.kind == kindMember {
			if rejection := x.readMember(at); rejection != nil {
				return rejection
			}
			continue
		}
		if v.from == nil {
			if f.required {
				return x.missing(at)
			}
			continue
		}
		v.present = true
		if rejection := x.readField(at, f, v); rejection != nil {
			return rejection
		}
	}
	return nil
}

func (x *reading) readField(at int, f *field, v *value) *ledger.Rejection {
	switch f.kind {
	case kindString:
		return readString(x.path(at), f, v)
	case kindInteger:
		return readInteger(x.path(at), f, v)
	case kindBoolean:
		if v.from.Kind != 't' && v.from.Kind != 'f' {
			return badType(x.path(at), f, v.from)
		}
		if v.from.Kind == 't' {
			v.number = 1
		}
	case kindDate:
		return readDate(x.path(at), f, v)
	case kindChannel:
		return x.readChannel(x.path(at), f, v)
	}
	return nil
}

func badType(path string, f *field, p *cloudevent.Field) *ledger.Rejection {
	return ledger.Rejectf(ledger.BadType, "%s: want %s, got %s", path, f.want(), p.Got())
}

func readString(path string, f *field, v *value) *ledger.Rejection {
	switch v.from.Kind {
	case '"':
	case '0':
		return ledger.Rejectf(ledger.BadType, "%s: want %s, got %s: write it in quotes, numbers lose digits beyond 2^53", path, f.want(), v.from.Got())
	default:
		return badType(path, f, v.from)
	}
	v.text = v.from.Text()
	if cloudevent.HasControl(v.text) {
		return ledger.Rejectf(ledger.BadType, "%s: want no control characters (such as U+0000 or a line break), got %s", path, v.from.Got())
	}
	if n := int64(utf8.RuneCountInString(v.text)); n < f.min || n > f.max {
		return ledger.Rejectf(ledger.OutOfRange, "%s: want %s, got %d: %s", path, f.want(), n, v.from.Got())
	}
	return nil
}

// readInteger wants digits: no fraction, no exponent, no quotes.
func readInteger(path string, f *field, v *value) *ledger.Rejection {
	p := v.from
	if p.Kind != '0' || !isInteger(p.Raw) {
		hint := ""
		if p.Kind == '0' {
			hint = ": write it without a fraction or an exponent"
		}
		return ledger.Rejectf(ledger.BadType, "%s: want %s, got %s%s", path, f.integer(), p.Got(), hint)
	}
	number, err := strconv.ParseInt(string(p.Raw), 10, 64)
	if err != nil {
		return ledger.Rejectf(ledger.OutOfRange, "%s: want %s that fits 64 bits, got %s", path, f.integer(), p.Got())
	}
	if number < f.min || number > f.max {
		return ledger.Rejectf(ledger.OutOfRange, "%s: want %s, got %d", path, f.want(), number)
	}
	v.number = number
	return nil
}

// isInteger says whether a JSON number is written as an integer.
func isInteger(raw []byte) bool {
	for i, c := range raw {
		if (c < '0' || c > '9') && (c != '-' || i > 0) {
			return false
		}
	}
	return true
}

func readDate(path string, f *field, v *value) *ledger.Rejection {
	if v.from.Kind != '"' {
		return badType(path, f, v.from)
	}
	v.text = v.from.Text()
	at, err := time.Parse(time.DateOnly, v.text)
	if err != nil {
		return badType(path, f, v.from)
	}
	v.number = at.Unix()
	return nil
}

// channel is the event's channel number, 0 when it has none.
func (x *reading) channel() int64 { return x.values[x.rule.channelAt].number }

func (x *reading) readChannel(path string, f *field, v *value) *ledger.Rejection {
	p := v.from
	known := false
	switch {
	case p.Kind == '"':
		v.number, known = x.rules.channels.numbers[p.Text()]
	case p.Kind == '0' && isInteger(p.Raw):
		number, err := strconv.ParseInt(string(p.Raw), 10, 64)
		v.number, known = number, err == nil && 1 <= number && number <= 9
	default:
		return badType(path, f, p)
	}
	if !known {
		return ledger.Rejectf(ledger.UnknownChannel, "%s: %s, got %s", path, x.rules.channels.listing, p.Got())
	}
	return nil
}

// isPrintable says whether every character of s can be seen, or is a space.
func isPrintable(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) })
}
