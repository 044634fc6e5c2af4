package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"pointsledger/rules"
)

// walk compares a syntax tree with the type it will be decoded into, before
// the decoder does. It names all problems with their lines where the decoder
// stops at the first, and it is strict where the decoder is not: that one reads
// a time it does not understand as year 1, and 5.7 as 5.
type walk struct {
	file     string
	problems *problems
	// reported holds the paths of the problems.
	reported map[string]bool
}

func (w walk) addf(path string, node ast.Node, format string, args ...any) {
	w.reported[path] = true
	w.problems.addf(fmt.Sprintf("%s:%d %s", w.file, lineOf(node), path), format, args...)
}

func (w walk) node(path string, node ast.Node, t reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if anchor, ok := node.(*ast.AnchorNode); ok {
		node = anchor.Value
	}
	if node == nil || node.Type() == ast.NullType || node.Type() == ast.AliasType {
		return // absent, or looked at where the anchor is
	}
	if t == reflect.TypeFor[time.Time]() {
		text, _ := scalarText(node)
		if _, err := time.Parse(time.RFC3339, text); err != nil {
			w.addf(path, node, "want a time with its offset such as 2026-01-01T00:00:00+08:00, got %q", text)
		}
		return
	}
	switch t.Kind() {
	case reflect.Slice:
		list, ok := node.(*ast.SequenceNode)
		if !ok {
			w.addf(path, node, "want a list")
			return
		}
		for i, value := range list.Values {
			w.node(fmt.Sprintf("%s[%d]", path, i), value, t.Elem())
		}
	case reflect.Map:
		mapping, ok := node.(ast.MapNode)
		if !ok {
			w.addf(path, node, "want a mapping")
			return
		}
		for entries := mapping.MapRange(); entries.Next(); {
			key := entries.Key()
			at := join(path, keyText(key))
			if _, isText := key.(*ast.StringNode); !isText && key.Type() != ast.MergeKeyType {
				// A shop 010 would become 8.
				w.addf(at, key, "want a text as the name: put %s in quotes", keyText(key))
			}
			w.node(at, entries.Value(), t.Elem())
		}
	case reflect.Struct:
		w.object(path, node, t)
	default:
		w.scalar(path, node, t)
	}
}

func (w walk) object(path string, node ast.Node, t reflect.Type) {
	mapping, ok := node.(ast.MapNode)
	if !ok {
		switch t { // the three that have a short form
		case reflect.TypeFor[rules.PointsFile]():
			w.scalar(path, node, reflect.TypeFor[int64]())
		case reflect.TypeFor[rules.OverrideFile](), reflect.TypeFor[rules.ReasonsFile]():
			w.scalar(path, node, reflect.TypeFor[string]())
		default:
			w.addf(path, node, "want a mapping")
		}
		return
	}
	fields := map[string]reflect.Type{}
	yamlFields(t, fields)
	for entries := mapping.MapRange(); entries.Next(); {
		if _, merge := entries.Key().(*ast.MergeKeyNode); merge {
			continue
		}
		name := keyText(entries.Key())
		field, known := fields[name]
		if !known {
			w.addf(join(path, name), entries.Key(), "not a known field%s", suggest(name, keys(fields)))
			continue
		}
		w.node(join(path, name), entries.Value(), field)
	}
}

func (w walk) scalar(path string, node ast.Node, t reflect.Type) {
	text, plain := scalarText(node)
	_, isString := node.(*ast.StringNode)
	_, isBlock := node.(*ast.LiteralNode)
	switch t.Kind() {
	case reflect.String:
		if !plain {
			w.addf(path, node, "want a text")
		} else if !isString && !isBlock {
			w.addf(path, node, "want a text, got %s; put it in quotes", text)
		}
	case reflect.Int, reflect.Int64:
		_, err := strconv.ParseInt(text, 10, 64)
		if _, isInteger := node.(*ast.IntegerNode); !isInteger || err != nil {
			w.addf(path, node, "want a whole number in plain digits, got %q", text)
		}
	case reflect.Bool:
		if _, isBool := node.(*ast.BoolNode); !isBool {
			w.addf(path, node, "want true or false, got %q", text)
		}
	}
}

// yamlFields collects a struct's fields by their YAML names, inlined ones too.
func yamlFields(t reflect.Type, into map[string]reflect.Type) {
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			yamlFields(field.Type, into)
		case name != "" && name != "-":
			into[name] = field.Type
		}
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
