package config

import (
	_ "embed"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"pointsledger/consumers"
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
	consumers.RulesFile `yaml:",inline"`
	Vendors             any `yaml:"vendors"`
}

// parsedFile is a file whose syntax is right.
type parsedFile struct {
	name    string
	rules   consumers.RulesFile
	vendors ast.Node // nil when the file has none
	// vendorsBuiltIn: the accounts are the built-in file's, not this file's.
	vendorsBuiltIn bool
	// broken: the rules could not be read in full, so compiling them would
	// only repeat that in other words.
	broken bool
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
		p.add(name, yamlError(err))
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
	unknownKeys(name, "", docs[0], reflect.TypeFor[document](), p)
	var doc document
	options := []yaml.DecodeOption{}
	if len(p.list) == before {
		options = append(options, yaml.Strict()) // in case the walk missed one
	}
	if err := yaml.NodeToValue(docs[0], &doc, options...); err != nil {
		p.add(name, yamlError(err))
	}
	parsed.rules, parsed.broken = doc.RulesFile, len(p.list) > before
	if root, ok := docs[0].(ast.MapNode); ok {
		for entries := root.MapRange(); entries.Next(); {
			if keyText(entries.Key()) == "vendors" {
				parsed.vendors = entries.Value()
			}
		}
	}
	return parsed
}

// yamlError reduces goccy's error, which quotes the source over several lines,
// to its first line: "[12:3] …" says where.
func yamlError(err error) error {
	first, _, _ := strings.Cut(yaml.FormatError(err, false, false), "\n")
	return fmt.Errorf("line %s", strings.TrimPrefix(first, "line "))
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

// unknownKeys names every mapping key that has no field in the type, all of
// them at once where the decoder stops at the first.
func unknownKeys(file, path string, node ast.Node, t reflect.Type, p *problems) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if anchor, ok := node.(*ast.AnchorNode); ok {
		node = anchor.Value
	}
	if t == reflect.TypeFor[time.Time]() {
		return
	}
	switch t.Kind() {
	case reflect.Slice:
		if list, ok := node.(*ast.SequenceNode); ok {
			for i, value := range list.Values {
				unknownKeys(file, fmt.Sprintf("%s[%d]", path, i), value, t.Elem(), p)
			}
		}
	case reflect.Map:
		if mapping, ok := node.(ast.MapNode); ok {
			for entries := mapping.MapRange(); entries.Next(); {
				unknownKeys(file, join(path, keyText(entries.Key())), entries.Value(), t.Elem(), p)
			}
		}
	case reflect.Struct:
		mapping, ok := node.(ast.MapNode)
		if !ok {
			return // a scalar form, or a wrong type that the decoder names
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
				p.addf(fmt.Sprintf("%s:%d %s", file, lineOf(entries.Key()), join(path, name)), "not a known field%s", suggest(name, keys(fields)))
				continue
			}
			unknownKeys(file, join(path, name), entries.Value(), field, p)
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

func keys[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	return names
}
