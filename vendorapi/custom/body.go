package custom

import (
	"errors"
	"fmt"
	"strings"

	"pointsledger/vendorapi/wire"
)

// nodeKind says what a place of a JSON body is.
type nodeKind int

const (
	objectNode nodeKind = iota + 1
	listNode
	// textNode and numberNode have a template; an optionalNode is a text that is left
	// out of its object when it is empty.
	textNode
	numberNode
	optionalNode
	// literalNode stands as it is: true, false, null, a number.
	literalNode
	// signatureNode is the place of the signature.
	signatureNode
)

// node is a place of a JSON body. The body is a tree until it is written, so that no
// value can become anything but a value.
type node struct {
	kind    nodeKind
	names   []string // of an object
	items   []*node
	text    template
	literal string
}

// append writes the node. Its error names no value.
func (n *node) append(dst []byte, v values) ([]byte, error) {
	switch n.kind {
	case objectNode:
		return n.appendObject(dst, v)
	case listNode:
		dst = append(dst, '[')
		for i, item := range n.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			var err error
			if dst, err = item.append(dst, v); err != nil {
				return nil, err
			}
		}
		return append(dst, ']'), nil
	case literalNode:
		return append(dst, n.literal...), nil
	case signatureNode:
		return wire.AppendJSONString(dst, v.texts[nameSignature]), nil
	case numberNode:
		text := n.text.text(v)
		switch {
		case isJSONNumber(text):
			return append(dst, text...), nil
		case v.shown: // what is masked is no number
			return wire.AppendJSONString(dst, text), nil
		}
		return nil, fmt.Errorf("%s is no JSON number", n.text.source())
	}
	return wire.AppendJSONString(dst, n.text.text(v)), nil
}

func (n *node) appendObject(dst []byte, v values) ([]byte, error) {
	dst = append(dst, '{')
	first := true
	for i, item := range n.items {
		if item.kind == optionalNode && item.text.text(v) == "" {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(wire.AppendJSONString(dst, n.names[i]), ':')
		var err error
		if dst, err = item.append(dst, v); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

// isJSONNumber tells whether the text is a number as JSON writes it.
func isJSONNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole, rest := digits(s)
	if whole == "" || len(whole) > 1 && whole[0] == '0' {
		return false
	}
	if strings.HasPrefix(rest, ".") {
		var fraction string
		if fraction, rest = digits(rest[1:]); fraction == "" {
			return false
		}
	}
	if strings.HasPrefix(rest, "e") || strings.HasPrefix(rest, "E") {
		rest = strings.TrimPrefix(strings.TrimPrefix(rest[1:], "+"), "-")
		var exponent string
		if exponent, rest = digits(rest); exponent == "" {
			return false
		}
	}
	return rest == ""
}

// digits cuts the digits that a text begins with.
func digits(s string) (cut, rest string) {
	rest = strings.TrimLeft(s, "0123456789")
	return s[:len(s)-len(rest)], rest
}

// placeSignature makes the place of a pointer in the body that of the signature: an
// empty text that stands there, or a new last member of its object.
func (n *node) placeSignature(p pointer) error {
	for _, step := range p.steps[:len(p.steps)-1] {
		if n = n.member(step); n == nil {
			return errors.New("want a place in the json body of each signed call")
		}
	}
	last := p.steps[len(p.steps)-1]
	if there := n.member(last); there != nil {
		if there.kind != textNode || len(there.text) > 0 {
			return fmt.Errorf("something stands at %s in a signed call's json; leave an empty text there for the signature", p.source)
		}
		*there = node{kind: signatureNode}
		return nil
	}
	if n.kind != objectNode {
		return errors.New("want a place in the json body of each signed call")
	}
	n.names, n.items = append(n.names, last), append(n.items, &node{kind: signatureNode})
	return nil
}

// member is an object's member, nil where there is none.
func (n *node) member(name string) *node {
	if n.kind != objectNode {
		return nil
	}
	for i := range n.names {
		if n.names[i] == name {
			return n.items[i]
		}
	}
	return nil
}

// formField is a field of a form body.
type formField struct {
	name  string
	value template
	// signature: the signature stands there.
	signature bool
}

// appendForm writes the fields in their order.
func appendForm(dst []byte, fields []formField, v values) []byte {
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = append(escapeForm(dst, f.name), '=')
		if f.signature {
			dst = template{{name: nameSignature}}.expand(dst, v, escapeForm)
			continue
		}
		dst = f.value.expand(dst, v, escapeForm)
	}
	return dst
}
