package custom

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

var (
	errNotJSON = errors.New("the body is not JSON: perhaps a page of a proxy, a firewall or of maintenance")
	errNothing = errors.New("the body is empty")
	errTooMany = errors.New("the body has too many values")
)

// maxValues bounds the values of a reply: a megabyte of empty objects would take a
// hundred, and replies come many at once. A page of a thousand records has some ten
// thousand.
const maxValues = 50_000

// object is a JSON object whose names are taken exactly, and whose repeated names
// are known: nothing is decided by a value that stands there twice.
type object struct {
	fields map[string]any
	twice  map[string]bool
}

// parseDocument reads a reply: nil, a bool, a json.Number, a string, a list
// ([]any) or an *object.
func parseDocument(body []byte) (any, error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		return nil, errNothing
	case !json.Valid(body): // it also bounds how deep values stand in one another
		return nil, errNotJSON
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	left := maxValues
	return parseValue(d, &left)
}

// parseValue reads a value; left is how many more may be read.
func parseValue(d *json.Decoder, left *int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, errNotJSON
	}
	if *left--; *left < 0 {
		return nil, errTooMany
	}
	switch token {
	case json.Delim('{'):
		o := &object{fields: map[string]any{}}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, errNotJSON
			}
			value, err := parseValue(d, left)
			if err != nil {
				return nil, err
			}
			text := fmt.Sprint(name)
			if _, there := o.fields[text]; there {
				if o.twice == nil {
					o.twice = map[string]bool{}
				}
				o.twice[text] = true
			}
			o.fields[text] = value
		}
		_, err = d.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			value, err := parseValue(d, left)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err = d.Token()
		return list, err
	}
	return token, nil
}

// pointer is a JSON pointer (RFC 6901).
type pointer struct {
	source string
	steps  []string
}

func parsePointer(text string) (pointer, error) {
	if text == "" || text[0] != '/' {
		return pointer{}, errors.New("want a JSON pointer such as /data/id")
	}
	p := pointer{source: text}
	for step := range strings.SplitSeq(text[1:], "/") {
		if strings.Contains(strings.ReplaceAll(strings.ReplaceAll(step, "~0", ""), "~1", ""), "~") {
			return pointer{}, errors.New("want ~0 for ~ and ~1 for / in a JSON pointer")
		}
		p.steps = append(p.steps, strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~"))
	}
	return p, nil
}

// given tells of a pointer that the file has.
func (p pointer) given() bool { return len(p.steps) > 0 }

// find is the value at the pointer; found is false when it is not there, or cannot
// be told because a name on the way stands twice.
func (p pointer) find(in any) (value any, found bool) {
	for _, step := range p.steps {
		switch at := in.(type) {
		case *object:
			if value, found = at.fields[step]; !found || at.twice[step] {
				return nil, false
			}
			in = value
		case []any:
			i, err := strconv.ParseUint(step, 10, 31)
			if err != nil || int(i) >= len(at) || strconv.FormatUint(i, 10) != step {
				return nil, false
			}
			in = at[i]
		default:
			return nil, false
		}
	}
	return in, p.given()
}

// text is the plain value at the pointer as text: a string, the digits of a number
// as they came, true or false. Otherwise it is "" and false.
func (p pointer) text(in any) (string, bool) {
	value, found := p.find(in)
	if !found {
		return "", false
	}
	return plainText(value)
}

// plainText is a value that is no null, no list and no object.
func plainText(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// wholeNumber reads a number or a text that is one; a fraction must be of zeros.
func wholeNumber(value any) (int64, error) {
	text, plain := plainText(value)
	if _, truth := value.(bool); !plain || truth {
		return 0, errors.New("want a whole number")
	}
	whole, fraction, _ := strings.Cut(strings.TrimSpace(text), ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || strings.Trim(fraction, "0") != "" {
		return 0, errors.New("want a whole number") // without the text: it is the vendor's, of any length
	}
	return n, nil
}
