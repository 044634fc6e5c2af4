package custom

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"pointsledger/ledger"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/wire"
)

// shapeText is what of a file shapes the points calls: their requests, headers and
// bodies, as one line of JSON, the same for the same calls. What answers mean, how a
// request is signed and where it goes are not in it: those are the account's of the
// day.
func shapeText(calls vendorapi.Tree) string {
	shape := vendorapi.Tree{Kind: vendorapi.TreeMap}
	for _, name := range pointsCalls() {
		t := calls.Get(name)
		if !t.Given() {
			continue
		}
		request := vendorapi.Tree{Kind: vendorapi.TreeMap}
		for _, field := range requestFields() {
			if part := t.Get(field); part.Given() {
				request.Names, request.Items = append(request.Names, field), append(request.Items, part)
			}
		}
		shape.Names, shape.Items = append(shape.Names, name), append(shape.Items, request)
	}
	return string(appendTree(nil, shape))
}

// appendTree writes a tree as JSON; numbers that JSON does not have become texts,
// which readNode has refused.
func appendTree(dst []byte, t vendorapi.Tree) []byte {
	switch t.Kind {
	case vendorapi.TreeMap:
		dst = append(dst, '{')
		for i, item := range t.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(wire.AppendJSONString(dst, t.Names[i]), ':')
			dst = appendTree(dst, item)
		}
		return append(dst, '}')
	case vendorapi.TreeList:
		dst = append(dst, '[')
		for i, item := range t.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendTree(dst, item)
		}
		return append(dst, ']')
	case vendorapi.TreeNull, vendorapi.TreeAbsent:
		return append(dst, "null"...)
	case vendorapi.TreeBool:
		return append(dst, t.Text...)
	case vendorapi.TreeNumber:
		if isJSONNumber(t.Text) {
			return append(dst, t.Text...)
		}
	}
	return wire.AppendJSONString(dst, t.Text)
}

// parseTree reads what appendTree wrote.
func parseTree(text string) (vendorapi.Tree, error) {
	if !json.Valid([]byte(text)) {
		return vendorapi.Tree{}, errNotJSON
	}
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	return treeOf(d, "")
}

func treeOf(d *json.Decoder, at string) (t vendorapi.Tree, err error) {
	t.At = at
	token, err := d.Token()
	if err != nil {
		return t, err
	}
	switch v := token.(type) {
	case nil:
		t.Kind = vendorapi.TreeNull
	case string:
		t.Kind, t.Text = vendorapi.TreeText, v
	case json.Number:
		t.Kind, t.Text = vendorapi.TreeNumber, v.String()
	case bool:
		t.Kind, t.Text = vendorapi.TreeBool, fmt.Sprint(v)
	case json.Delim:
		t.Kind = vendorapi.TreeList
		if v == '{' {
			t.Kind = vendorapi.TreeMap
		}
		for d.More() {
			if t.Kind == vendorapi.TreeMap {
				name, err := d.Token()
				if err != nil {
					return t, err
				}
				t.Names = append(t.Names, fmt.Sprint(name))
			}
			item, err := treeOf(d, at)
			if err != nil {
				return t, err
			}
			t.Items = append(t.Items, item)
		}
		_, err = d.Token()
	}
	return t, err
}

// compileShape makes the calls of a shape that an account had before, with the
// secrets and signing of today, and with what answers mean today. A call that the
// account no longer has is left out.
func compileShape(r reader, today map[ledger.Kind]*call, text string) (map[ledger.Kind]*call, error) {
	t, err := parseTree(text)
	if err != nil {
		return nil, fmt.Errorf("read request shape: %w", err)
	}
	var wrong []error
	r.problem = func(t vendorapi.Tree, format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	r.suggest = func(string, []string) string { return "" }
	calls := map[ledger.Kind]*call{}
	for i, name := range t.Names {
		now := today[ledger.Kind(name)]
		if now == nil {
			continue
		}
		r.sign = now.sign
		c := r.readRequest(name, t.Items[i], slices.Concat(operationNames(name), r.common()))
		c.outcomes, c.code, c.words = now.outcomes, now.code, now.words
		calls[ledger.Kind(name)] = c
	}
	if t.Kind != vendorapi.TreeMap {
		wrong = append(wrong, errors.New("want calls by their names"))
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("read request shape: %w", errors.Join(wrong...))
	}
	return calls, nil
}

// Shape implements vendorapi.Shaped.
func (c *client) Shape() string { return c.shape }

// InShape implements vendorapi.Shaped. Closing one of the clients closes both.
func (c *client) InShape(text string) (vendorapi.Sender, error) {
	calls, err := c.settings.compile(text)
	if err != nil {
		return nil, err
	}
	other := *c
	other.calls, other.shape = calls, text
	return other.offering(), nil
}
