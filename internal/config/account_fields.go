package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"pointsledger/vendorapi"
)

// accountFields reads one entry under vendors. It collects problems with their
// lines and notes where each value came from; a field that is absent or null
// has its default.
type accountFields struct {
	e     *environment
	file  string
	from  string // fromFile with the path, or fromDefault for the built-in file
	path  string // vendors[0], then vendors.zhimai once the name is read
	line  int
	nodes map[string]ast.Node
	known []string
	// keyLines are the lines of the fields' names; anchors are what an alias in a
	// tree may name.
	keyLines map[string]int
	anchors  anchors
	// kind is the account's, own says that it is the kind's own account.
	kind vendorapi.Kind
	own  bool
	// off is the first variable that is missing, in words, unnamed the first secret
	// for which none is named, and some says that a secret is there.
	off, unnamed string
	some         bool
}

func newAccountFields(e *environment, file parsedFile, index int, node ast.Node) (*accountFields, bool) {
	f := &accountFields{e: e, file: file.name, from: "file " + file.name, path: fmt.Sprintf("vendors[%d]", index), line: lineOf(node), nodes: map[string]ast.Node{}, keyLines: map[string]int{}}
	if file.vendorsBuiltIn {
		f.file, f.from = "default.yaml", fromDefault
	}
	mapping, ok := node.(ast.MapNode)
	if !ok {
		f.addf("", "want a mapping with name and kind")
		return f, false
	}
	for entries := mapping.MapRange(); entries.Next(); {
		name := keyText(entries.Key())
		f.nodes[name], f.keyLines[name] = entries.Value(), lineOf(entries.Key())
	}
	return f, true
}

// Problem implements vendorapi.Fields.
func (f *accountFields) Problem(field, format string, args ...any) { f.addf(field, format, args...) }

// addf names the file, the line and the field.
func (f *accountFields) addf(field, format string, args ...any) {
	line := f.line
	if node, ok := f.nodes[field]; ok {
		line = lineOf(node)
	}
	f.e.addf(fmt.Sprintf("%s:%d %s", f.file, line, strings.TrimSuffix(f.path+"."+field, ".")), format, args...)
}

func (f *accountFields) note(field, value, from string) {
	f.e.note(f.path+"."+field, value, from)
}

// scalar returns a field's text as written, false when it is absent, null or
// not a scalar (which is a problem).
func (f *accountFields) scalar(field string) (string, bool) {
	f.known = append(f.known, field)
	node, ok := f.nodes[field]
	if !ok {
		return "", false
	}
	text, ok := scalarText(node)
	if !ok && node.Type() != ast.NullType {
		f.addf(field, "want one plain value")
	}
	return text, ok
}

func scalarText(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// given says where a value came from.
func (f *accountFields) given(ok bool) string {
	if ok {
		return f.from
	}
	return fromDefault
}

// Text implements vendorapi.Fields.
func (f *accountFields) Text(field, otherwise string) string {
	text, ok := f.scalar(field)
	if !ok {
		text = otherwise
	}
	f.note(field, text, f.given(ok))
	return text
}

func (f *accountFields) duration(field string, otherwise, least, most time.Duration) time.Duration {
	d := otherwise
	text, ok := f.scalar(field)
	if ok {
		var err error
		if d, err = time.ParseDuration(text); err != nil || d < least || d > most {
			f.addf(field, "want a duration from %s to %s such as %s, got %q", least, most, otherwise, text)
			d = otherwise
		}
	}
	f.note(field, d.String(), f.given(ok))
	return d
}

func (f *accountFields) integer(field string, otherwise, least, most int) int {
	n := otherwise
	text, ok := f.scalar(field)
	if ok {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < least || n > most {
			f.addf(field, "want a whole number from %d to %d, got %q", least, most, text)
			n = otherwise
		}
	}
	f.note(field, strconv.Itoa(n), f.given(ok))
	return n
}

// share reads a part of a whole, 0 to 1.
func (f *accountFields) share(field string, otherwise float64) float64 {
	n := otherwise
	text, ok := f.scalar(field)
	if ok {
		var err error
		if n, err = strconv.ParseFloat(text, 64); err != nil || !(n >= 0 && n <= 1) {
			f.addf(field, "want a number from 0 to 1 such as %g, got %q", otherwise, text)
			n = otherwise
		}
	}
	f.note(field, strconv.FormatFloat(n, 'g', -1, 64), f.given(ok))
	return n
}

// Bool implements vendorapi.Fields.
func (f *accountFields) Bool(field string, otherwise bool) bool {
	value := otherwise
	text, ok := f.scalar(field)
	switch {
	case ok && (text == "true" || text == "false"):
		value = text == "true"
	case ok:
		f.addf(field, "want true or false, got %q", text)
	}
	f.note(field, strconv.FormatBool(value), f.given(ok))
	return value
}

// list returns the texts of a list of plain values; a code such as 40012 may be
// written with or without quotes.
func (f *accountFields) list(field string) ([]string, bool) {
	f.known = append(f.known, field)
	node, ok := f.nodes[field]
	if !ok || node.Type() == ast.NullType {
		return nil, false
	}
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		f.addf(field, "want a list")
		return nil, false
	}
	texts := make([]string, 0, len(sequence.Values))
	for i, value := range sequence.Values {
		text, ok := scalarText(value)
		if !ok {
			f.addf(field, "entry %d: want one plain value", i+1)
			continue
		}
		texts = append(texts, text)
	}
	return texts, true
}

// schedule reads the waits before further attempts.
func (f *accountFields) schedule(field string, otherwise []time.Duration) []time.Duration {
	texts, ok := f.list(field)
	waits := otherwise
	if ok {
		parsed, err := ParseSchedule(texts)
		if err != nil {
			f.addf(field, "%w", err)
		} else {
			waits = parsed
		}
	}
	shown := make([]string, len(waits))
	for i, wait := range waits {
		shown[i] = wait.String()
	}
	f.note(field, strings.Join(shown, " "), f.given(ok))
	return waits
}

// The bounds of a retry schedule: shorter waits are a busy loop against a
// vendor in trouble, longer ones are forgotten by everybody.
const (
	shortestWait = 100 * time.Millisecond
	longestWait  = 24 * time.Hour
	mostWaits    = 50
)

// ParseSchedule reads the waits before further attempts ("0.5s", "1m"): 1 to
// 50 of them, each from 100 ms to 24 h, none shorter than the one before it.
func ParseSchedule(texts []string) ([]time.Duration, error) {
	if len(texts) == 0 || len(texts) > mostWaits {
		return nil, fmt.Errorf("want 1 to %d durations, got %d", mostWaits, len(texts))
	}
	waits := make([]time.Duration, len(texts))
	for i, text := range texts {
		wait, err := time.ParseDuration(text)
		switch {
		case err != nil || wait < shortestWait || wait > longestWait:
			return nil, fmt.Errorf("entry %d: want a duration from %s to %s such as 5s, got %q", i+1, shortestWait, longestWait, text)
		case i > 0 && wait < waits[i-1]:
			return nil, fmt.Errorf("entry %d: want at least the wait before it, %s, got %s", i+1, waits[i-1], wait)
		}
		waits[i] = wait
	}
	return waits, nil
}
