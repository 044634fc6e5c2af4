package config

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"pointsledger/vendorapi"
)

// What bounds a tree: aliases may repeat what they name.
const (
	maxTreeDepth = 30
	maxTreeNodes = 20_000
)

// anchors are the nodes that an alias may name, by name.
type anchors map[string]ast.Node

// Visit implements ast.Visitor.
func (a anchors) Visit(node ast.Node) ast.Visitor {
	if n, is := node.(*ast.AnchorNode); is {
		a[n.Name.GetToken().Value] = n.Value
	}
	return a
}

// anchorsIn are those of a part of a file.
func anchorsIn(node ast.Node) anchors {
	all := anchors{}
	if node != nil {
		ast.Walk(all, node)
	}
	return all
}

// treeReader makes a tree of a syntax tree.
type treeReader struct {
	*accountFields
	nodes int
	full  bool
}

// Tree implements vendorapi.Trees.
func (f *accountFields) Tree(field string) vendorapi.Tree {
	f.known = append(f.known, field)
	node, given := f.nodes[field]
	if !given {
		return vendorapi.Tree{At: field, Line: f.line}
	}
	return (&treeReader{accountFields: f}).read(field, node, f.keyLines[field], 0)
}

// read makes a tree of what stands at a place; line is that of its key.
func (r *treeReader) read(at string, node ast.Node, line, depth int) vendorapi.Tree {
	t := vendorapi.Tree{At: at, Line: line}
	if r.nodes++; r.nodes > maxTreeNodes || depth > maxTreeDepth {
		if !r.full {
			r.ProblemAt(t, "want at most %d values in all and %d in one another", maxTreeNodes, maxTreeDepth)
		}
		r.full = true
		return t
	}
	switch n := node.(type) {
	case *ast.AnchorNode:
		return r.read(at, n.Value, line, depth+1)
	case *ast.AliasNode:
		named, known := r.anchors[n.Value.GetToken().Value]
		if !known {
			r.ProblemAt(t, "no anchor &%s stands in this file", n.Value.GetToken().Value)
			return t
		}
		return r.read(at, named, line, depth+1)
	case *ast.NullNode:
		t.Kind = vendorapi.TreeNull
	case *ast.StringNode, *ast.LiteralNode:
		t.Kind = vendorapi.TreeText
	case *ast.IntegerNode, *ast.FloatNode:
		t.Kind = vendorapi.TreeNumber
	case *ast.BoolNode:
		t.Kind = vendorapi.TreeBool
	case *ast.SequenceNode:
		t.Kind = vendorapi.TreeList
		for i, value := range n.Values {
			t.Items = append(t.Items, r.read(fmt.Sprintf("%s[%d]", at, i), value, lineOf(value), depth+1))
		}
	case ast.MapNode:
		r.readMap(&t, n, depth)
	default:
		r.ProblemAt(t, "want a text, a number, a list or a mapping")
	}
	if t.IsPlain() {
		t.Text, _ = scalarText(node)
	}
	return t
}

func (r *treeReader) readMap(t *vendorapi.Tree, n ast.MapNode, depth int) {
	t.Kind = vendorapi.TreeMap
	for entries := n.MapRange(); entries.Next(); {
		key := entries.Key()
		if key.Type() == ast.MergeKeyType {
			r.ProblemAt(*t, "<< is not read here; repeat what is meant, or give the whole value an anchor")
			continue
		}
		name := keyText(key)
		t.Names = append(t.Names, name)
		t.Items = append(t.Items, r.read(t.At+"."+name, entries.Value(), lineOf(key), depth+1))
	}
}

// ProblemAt implements vendorapi.Trees.
func (f *accountFields) ProblemAt(t vendorapi.Tree, format string, args ...any) {
	f.e.addf(fmt.Sprintf("%s:%d %s", f.file, t.Line, strings.TrimSuffix(f.path+"."+t.At, ".")), format, args...)
}

// Suggest implements vendorapi.Trees.
func (f *accountFields) Suggest(wrong string, known []string) string { return suggest(wrong, known) }

// Variable implements vendorapi.Trees.
func (f *accountFields) Variable(t vendorapi.Tree) vendorapi.Secret {
	if t.Kind != vendorapi.TreeText || !variableName.MatchString(t.Text) {
		f.ProblemAt(t, "want the name of an environment variable in capital letters: secrets do not stand in this file (the text is not shown)")
		return ""
	}
	value, from := f.e.oneLineSecret(t.Text)
	f.note(t.At, value.String(), from)
	if value == "" && f.off == "" {
		f.off = t.Text + " is not set"
	}
	f.some = f.some || value != ""
	return value
}
