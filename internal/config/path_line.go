package config

import (
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// lineOfPath is the line of what a path names in a document, or of the nearest thing
// around it that is there: what is missing has no line of its own. 0 when the
// document has nothing of it. A path is what package rules names a place by, such as
// rules[0].events[2].operations[0].points; a name may hold dots itself.
func lineOfPath(node ast.Node, path string) int {
	line := 0
	for node != nil {
		if anchor, ok := node.(*ast.AnchorNode); ok {
			node = anchor.Value
			continue
		}
		path = strings.TrimPrefix(path, ".")
		var at int
		at, node, path = step(node, path)
		if at == 0 {
			break
		}
		line = at
	}
	return line
}

// step goes from a node to the first part of a path: its line, its node and what is
// left of the path. The line is 0 when the node has no such part.
func step(node ast.Node, path string) (line int, next ast.Node, rest string) {
	if index, after, ok := strings.Cut(strings.TrimPrefix(path, "["), "]"); ok && path[0] == '[' {
		list, isList := node.(*ast.SequenceNode)
		i, err := strconv.Atoi(index)
		if !isList || err != nil || i < 0 || i >= len(list.Values) {
			return 0, nil, ""
		}
		return lineOf(list.Values[i]), list.Values[i], after
	}
	mapping, ok := node.(ast.MapNode)
	if !ok || path == "" {
		return 0, nil, ""
	}
	longest := -1
	for entries := mapping.MapRange(); entries.Next(); {
		name := keyText(entries.Key())
		after, found := strings.CutPrefix(path, name)
		if !found || len(name) <= longest || after != "" && after[0] != '.' && after[0] != '[' {
			continue
		}
		longest, line, next, rest = len(name), lineOf(entries.Key()), entries.Value(), after
	}
	return line, next, rest
}
