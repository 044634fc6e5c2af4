package zhimai

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// integer is a whole number that the vendor writes as a number or as a string.
// set is false for absent, null and "" (the pages' placeholder).
type integer struct {
	set bool
	n   int64
}

// UnmarshalJSON takes no fraction other than zeros ("10.00") and no exponent.
func (i *integer) UnmarshalJSON(raw []byte) error {
	text, err := looseText(raw)
	if err != nil {
		return err
	}
	if text = strings.TrimSpace(text); text == "" {
		return nil
	}
	whole, fraction, _ := strings.Cut(text, ".")
	if strings.Trim(fraction, "0") != "" {
		return errors.New("want a whole number")
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		// Without the text: it is the vendor's, of any length.
		return errors.New("want a whole number")
	}
	i.set, i.n = true, n
	return nil
}

// pointer is nil when the vendor gave no number.
func (i integer) pointer() *int64 {
	if !i.set {
		return nil
	}
	n := i.n
	return &n
}

// text is a string that the vendor may write as a number: ids of 18 digits stay
// exact, because the digits are kept as they came. null is "".
type text string

func (t *text) UnmarshalJSON(raw []byte) error {
	s, err := looseText(raw)
	*t = text(s)
	return err
}

// truth is a yes or no written as true, 1, "1" or "true" (the identity page
// types is_open_points_pay as int and describes it as true). nil: not told.
type truth struct{ told *bool }

func (b *truth) UnmarshalJSON(raw []byte) error {
	s, err := looseText(raw)
	if err != nil {
		return err
	}
	switch s {
	case "":
		return nil
	case "1", "true":
		b.told = new(bool)
		*b.told = true
	case "0", "false":
		b.told = new(bool)
	default:
		return errors.New("want true or false")
	}
	return nil
}

// looseText returns a string, or the literal text of a number or a boolean.
func looseText(raw []byte) (string, error) {
	switch raw[0] {
	case '"':
		return decodeString(raw)
	case '{', '[':
		return "", errors.New("want a string or a number")
	case 'n':
		return "", nil
	}
	return string(raw), nil
}

// elements returns the members of a list. PHP writes a list whose keys have
// gaps as an object ({"0": …, "2": …}), and the pages draw lists that way, so
// both are read. Anything else is an error: an unreadable list must never pass
// for an empty one.
func elements(raw json.RawMessage) ([]json.RawMessage, error) {
	if len(raw) == 0 {
		return nil, errors.New("missing")
	}
	list := []json.RawMessage{}
	switch raw[0] {
	case '[':
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, fmt.Errorf("decode list: %w", err)
		}
		return list, nil
	case '{':
		err := walkObject(raw, func(f field) error {
			if _, err := strconv.ParseUint(f.name, 10, 32); err != nil {
				return errors.New("want a list")
			}
			list = append(list, f.value)
			return nil
		})
		if err == nil && len(list) == 0 {
			err = errors.New("want a list")
		}
		return list, err
	}
	return nil, errors.New("want a list")
}

// isEmptyList reports whether raw is [] (PHP's empty anything).
func isEmptyList(raw json.RawMessage) bool {
	if len(raw) == 0 || raw[0] != '[' {
		return false
	}
	return strings.TrimSpace(string(raw[1:len(raw)-1])) == ""
}

// isID reports whether s is a member id: 1 to 32 digits.
func isID(s string) bool {
	if s == "" || len(s) > 32 {
		return false
	}
	return strings.Trim(s, "0123456789") == ""
}
