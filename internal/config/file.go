package config

import (
	_ "embed"
	"errors"
	"reflect"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"pointsledger/rules"
)

// maxFileBytes bounds the configuration file. The default has about 6 kB; a
// file a hundred times as large is the wrong file.
const maxFileBytes = 1 << 20

//go:embed default.yaml
var defaultFile []byte

// DefaultFile returns the text of the built-in configuration file, a starting
// point for one's own. It is a copy.
func DefaultFile() []byte { return append([]byte(nil), defaultFile...) }

// document is the YAML file. Vendors is read from the syntax tree, where every
// value still has its line.
type document struct {
	rules.RulesFile `yaml:",inline"`
	Vendors         any           `yaml:"vendors"`
	Periods         periodsFile   `yaml:"periods"`
	Approvals       approvalsFile `yaml:"approvals"`
}

// parsedFile is a file whose syntax is right.
type parsedFile struct {
	name    string
	root    ast.Node // nil when it could not be parsed
	rules   rules.RulesFile
	vendors ast.Node // nil when the file has none
	// periods and approvals are what finance does by.
	periods   periodsFile
	approvals approvalsFile
	// vendorsBuiltIn: the accounts are the built-in file's, not this file's.
	vendorsBuiltIn bool
	// broken: the rules could not be read, so there is nothing to compile.
	broken bool
	// reported holds the paths that already have a problem.
	reported map[string]bool
}

// parseFile reads the text strictly: unknown and duplicate keys are problems,
// each with its line. It answers what could be read.
func parseFile(name string, text []byte, p *problems) parsedFile {
	parsed := parsedFile{name: name, broken: true}
	switch {
	case len(text) > maxFileBytes:
		p.addf(name, "want at most %d bytes, got %d", maxFileBytes, len(text))
		return parsed
	case !utf8.Valid(text):
		p.addf(name, "want UTF-8 text")
		return parsed
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		p.add(yamlError(name, err))
		return parsed
	}
	var docs []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil {
			docs = append(docs, doc.Body)
		}
	}
	if len(docs) != 1 {
		p.addf(name, "want one YAML document, got %d", len(docs))
		return parsed
	}
	before := len(p.list)
	w := walk{file: name, problems: p, reported: map[string]bool{}}
	w.node("", docs[0], reflect.TypeFor[document]())
	options := []yaml.DecodeOption{yaml.Strict()}
	if len(p.list) > before {
		options = nil // the rest is read for what else may be wrong
	}
	var doc document
	err = yaml.NodeToValue(docs[0], &doc, options...)
	if err != nil && len(p.list) == before {
		p.add(yamlError(name, err))
	}
	parsed.root = docs[0]
	parsed.rules, parsed.broken, parsed.reported = doc.RulesFile, err != nil, w.reported
	parsed.periods, parsed.approvals = doc.Periods, doc.Approvals
	if root, ok := docs[0].(ast.MapNode); ok {
		for entries := root.MapRange(); entries.Next(); {
			if keyText(entries.Key()) == "vendors" {
				parsed.vendors = entries.Value()
			}
		}
	}
	return parsed
}

var errorPlace = regexp.MustCompile(`^\[(\d+):\d+\] (.*)`)

// yamlError reduces goccy's error, which quotes the source over several lines,
// to file and line, and what is wrong there.
func yamlError(file string, err error) (string, error) {
	first, _, _ := strings.Cut(yaml.FormatError(err, false, false), "\n")
	if at := errorPlace.FindStringSubmatch(first); at != nil {
		return file + ":" + at[1], errors.New(at[2])
	}
	return file, errors.New(first)
}

func keyText(key ast.Node) string {
	if s, ok := key.(*ast.StringNode); ok {
		return s.Value
	}
	return key.GetToken().Value
}

func lineOf(node ast.Node) int {
	if token := node.GetToken(); token != nil && token.Position != nil {
		return token.Position.Line
	}
	return 0
}

func keys[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	return names
}
