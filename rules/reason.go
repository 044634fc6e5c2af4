package rules

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// referenceTail is the length of " #" and a reference in characters.
const referenceTail = 2 + 13

// template is a readable text with fields in it.
type template []templatePart

// templatePart is a text, and behind it the value of a field.
type templatePart struct {
	text  string
	field int // position, or one of the two below
}

const (
	templateNothing = -1
	templateKey     = -2
)

func (c *ruleCompiler) compileTemplate(place, text string) template {
	var out template
	for text != "" {
		before, rest, found := strings.Cut(text, "{")
		part := templatePart{text: before, field: templateNothing}
		if found {
			name, after, closed := strings.Cut(rest, "}")
			if !closed {
				c.add(place, "the { before %q has no }", rest)
				return out
			}
			part.field = c.templateField(place, name)
			rest = after
		}
		if strings.Contains(before, "}") {
			c.add(place, "the } in %q has no {", before)
		}
		out = append(out, part)
		text = rest
	}
	return out
}

func (c *ruleCompiler) templateField(place, name string) int {
	if name == "key" {
		return templateKey
	}
	at := c.at(name)
	if at < 0 || c.out.fields[at].kind == kindMember {
		c.add(place, "{%s}: want {key} or a declared field other than member", name)
		return templateNothing
	}
	return at
}

// reasonOf is the text the member sees: the readable part, and behind it
// " #reference", within the account's limit.
func (x *reading) reasonOf(o *operation, account *Account, reference string) string {
	text := x.readable(o.reason, account.ReasonMaxChars-referenceTail)
	if len(text) > 0 {
		text = append(text, ' ')
	}
	text = append(append(text, '#'), reference...)
	x.text = text
	return string(text)
}

// readable is a template with its values, cut to room characters. It is valid until
// the next use of x.text. Characters outside the BMP and those that print nothing
// are left out: vendors' databases refuse or lose them. A # in it becomes a -: cut
// off, an order number with one might pass for another operation's reference
// (TestReason).
func (x *reading) readable(t template, room int) []byte {
	text := x.text[:0]
	for i := range t {
		part := &t[i]
		text = appendPlain(text, part.text)
		switch part.field {
		case templateNothing:
		case templateKey:
			text = appendPlain(text, x.businessKey)
		default:
			text = x.appendReadable(text, part.field)
		}
	}
	for i, c := range text {
		if c == '#' {
			text[i] = '-' // only the reference has one before it
		}
	}
	if utf8.RuneCount(text) > room {
		end := 0
		for range room - 1 {
			_, size := utf8.DecodeRune(text[end:])
			end += size
		}
		text = append(text[:end], "…"...)
	}
	return text
}

func (x *reading) appendReadable(to []byte, at int) []byte {
	switch {
	case at == x.rule.dateAt:
		return append(to, x.date...)
	case !x.values[at].present:
		return to
	case at == x.rule.channelAt:
		return append(to, channelNames()[x.channel()]...)
	case x.rule.fields[at].kind == kindString:
		return appendPlain(to, x.values[at].text)
	}
	return x.appendKeyText(to, at)
}

// appendPlain appends the characters of s that every vendor can be trusted to
// store: in the BMP, printable, not joining or selecting what was removed.
func appendPlain(to []byte, s string) []byte {
	for _, c := range s {
		selector := '\ufe00' <= c && c <= '\ufe0f'
		if c == ' ' || c <= 0xffff && c != utf8.RuneError && !selector && unicode.IsPrint(c) {
			to = utf8.AppendRune(to, c)
		}
	}
	return to
}
