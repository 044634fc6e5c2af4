package feed

import (
	"regexp"
	"strconv"
	"strings"
)

// lostDigits is how spreadsheets and programs write a long number of which they kept the
// first digits alone; madeFraction is an id that was a number with a fraction once.
var (
	lostDigits   = regexp.MustCompile(`^[0-9](\.[0-9]+)?[eE]\+[0-9]{2,3}$`)
	madeFraction = regexp.MustCompile(`^[0-9]+\.0+$`)
)

// exactDigits is how many digits of a number a spreadsheet keeps.
const exactDigits = 15

const (
	wantID      = "an id whose digits are all there: this one was made a number and has lost some; export the column as text"
	wantWholeID = "an id: this one was made a number with a fraction; export the column as text"
)

// idOf reads an id as text; want is what is wanted when it is none.
func idOf(c cell) (id, want string) {
	id = cleaned(c.text)
	switch {
	case c.number:
		whole, ok := decimalOf(c)
		digits := strings.TrimLeft(whole.whole, "0")
		switch {
		case !ok || whole.fraction != "" || whole.negative:
			return "", wantWholeID
		case len(digits) > exactDigits:
			return "", wantID
		case digits == "":
			return "0", ""
		}
		return digits, ""
	case lostDigits.MatchString(id):
		return "", wantID
	case madeFraction.MatchString(id):
		return "", wantWholeID
	}
	return id, ""
}

// decimal is a number by its digits; fraction has no zeros at its end.
type decimal struct {
	negative, signed bool
	whole, fraction  string
}

var groupedNumber = regexp.MustCompile(`^[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?$`)
var plainNumber = regexp.MustCompile(`^([0-9]+(\.[0-9]*)?|\.[0-9]+)$`)

// decimalOf reads a number: with a sign before it or behind, in brackets as accountants
// write what is below zero, with separators of thousands, with its unit.
func decimalOf(c cell) (d decimal, ok bool) {
	text := folded(cleaned(c.text))
	if c.number {
		text, ok = shownDigits(text)
		if !ok {
			return d, false
		}
	}
	if inner, is := strings.CutPrefix(text, "("); is {
		if inner, is = strings.CutSuffix(inner, ")"); !is {
			return d, false
		}
		d.negative, d.signed, text = true, true, strings.TrimSpace(inner)
	}
	text = d.takeSign(text)
	for _, mark := range []string{"¥", "￥", "RMB", "CNY"} {
		if rest, is := strings.CutPrefix(text, mark); is {
			text = d.takeSign(strings.TrimSpace(rest))
			break
		}
	}
	for _, unit := range []string{"元", "积分", "分"} {
		if rest, is := strings.CutSuffix(text, unit); is {
			text = strings.TrimSpace(rest)
			break
		}
	}
	switch {
	case groupedNumber.MatchString(text):
		text = strings.ReplaceAll(text, ",", "")
	case !plainNumber.MatchString(text):
		return d, false
	}
	d.whole, d.fraction, _ = strings.Cut(text, ".")
	d.fraction = strings.TrimRight(d.fraction, "0")
	return d, true
}

// takeSign takes a sign off once.
func (d *decimal) takeSign(text string) string {
	if d.signed || text == "" {
		return text
	}
	rest := text[1:]
	switch text[0] {
	case '+':
	case '-':
		d.negative = true
	default:
		switch text[len(text)-1] { // as accounting programs write it
		case '-':
			d.negative = true
		case '+':
		default:
			return text
		}
		rest = text[:len(text)-1]
	}
	d.signed = true
	return strings.TrimSpace(rest)
}

// shownDigits is a number of a workbook as a spreadsheet shows it: 19.9 is kept as
// 19.899999999999999 there.
func shownDigits(text string) (string, bool) {
	if plainNumber.MatchString(strings.TrimPrefix(text, "-")) && len(text) <= exactDigits {
		return text, true
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return "", false
	}
	// The exponent form has exactly the digits; the plain form of them is exact.
	value, err = strconv.ParseFloat(strconv.FormatFloat(value, 'e', exactDigits-1, 64), 64)
	return strconv.FormatFloat(value, 'f', -1, 64), err == nil
}

// scaled is the number times ten to the power of decimals, when that is whole and an
// int64.
func (d decimal) scaled(decimals int) (int64, bool) {
	if len(d.fraction) > decimals {
		return 0, false
	}
	text := d.whole + d.fraction + strings.Repeat("0", decimals-len(d.fraction))
	if d.negative {
		text = "-" + text
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}
