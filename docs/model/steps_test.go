package model_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	stepComment = regexp.MustCompile(`(?s)/\* step: ([^*]+?)\s*(?:\*/|\.\s)`)
	stepName    = regexp.MustCompile(`^[a-z]+(\.[A-Za-z]+)+$`)
	// changes a row whose life the model is about.
	changesRow = regexp.MustCompile(`(?i)(INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+(outbox|postings|corrections|ledger_identity)\b`)
	ifdef      = regexp.MustCompile(`(?m)^#(?:ifdef |elif defined\()([A-Z_]+)`)
	bound      = regexp.MustCompile(`(?m)^#ifndef ([A-Z_]+)`)
)

// folder is what the Go files of one folder declare.
type folder struct {
	// names are functions, Type.Method, types, constants and variables.
	names map[string]bool
	// bodies are what each function, method or constant mentions, by its name
	// alone: Method for Type.Method.
	bodies map[string][]string
	// sql are constants that change a row.
	sql map[string]bool
	// texts are the constants that are one text each, quoted.
	texts map[string]string
}

// parseFolder reads a folder, or a room of the ledger, the desk or reconcile, by the name
// of its package.
func parseFolder(t *testing.T, name string) *folder {
	t.Helper()
	path := filepath.Join("..", "..", name)
	for _, of := range []string{"ledger", "desk", "reconcile"} {
		room := filepath.Join("..", "..", of, name)
		if _, err := os.Stat(room); err == nil {
			path = room
		}
	}
	files, err := filepath.Glob(filepath.Join(path, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("folder %s of a step has no Go files (%v)", name, err)
	}
	f := &folder{names: map[string]bool{}, bodies: map[string][]string{}, sql: map[string]bool{}, texts: map[string]string{}}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			f.add(d)
		}
	}
	return f
}

func (f *folder) add(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		name := d.Name.Name
		if d.Recv != nil {
			name = receiver(d.Recv.List[0].Type) + "." + name
		}
		f.names[name] = true
		f.bodies[name] = append(f.bodies[name], mentioned(d.Body)...)
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				f.names[s.Name.Name] = true
			case *ast.ValueSpec:
				for i, n := range s.Names {
					f.names[n.Name] = true
					if i < len(s.Values) {
						f.bodies[n.Name] = mentioned(s.Values[i])
						if l, ok := s.Values[i].(*ast.BasicLit); ok && l.Kind == token.STRING {
							f.texts[n.Name] = l.Value
						}
						f.sql[n.Name] = f.sql[n.Name] || changesRow.MatchString(texts(s.Values[i]))
					}
				}
			}
		}
	}
}

func receiver(e ast.Expr) string {
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// mentioned lists the identifiers of a piece of code; a method is .Name.
func mentioned(n ast.Node) (names []string) {
	if n == nil {
		return nil
	}
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			names = append(names, "."+n.Sel.Name)
		case *ast.Ident:
			names = append(names, n.Name)
		}
		return true
	})
	return names
}

// texts joins the string literals of an expression.
func texts(n ast.Node) string {
	var b strings.Builder
	ast.Inspect(n, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			b.WriteString(l.Value)
		}
		return true
	})
	return b.String()
}

// changes tells that a function reaches a statement that changes a row, through
// the unexported functions and methods of its folder: exported ones are looked
// at by themselves.
func (f *folder) changes(name string, seen map[string]bool) bool {
	if seen[name] {
		return false
	}
	seen[name] = true
	if f.sql[name] {
		return true
	}
	for _, m := range f.bodies[name] {
		if method, ok := strings.CutPrefix(m, "."); ok {
			for full := range f.bodies {
				_, last, isMethod := strings.Cut(full, ".")
				if isMethod && last == method && !ast.IsExported(method) && f.changes(full, seen) {
					return true
				}
			}
		} else if m != name && !ast.IsExported(m) && f.changes(m, seen) {
			return true
		}
	}
	return false
}

// changers are the exported functions and methods that change a row.
func (f *folder) changers() (names []string) {
	for name := range f.bodies {
		of, method, isMethod := strings.Cut(name, ".")
		if ast.IsExported(of) && (!isMethod || ast.IsExported(method)) && f.changes(name, map[string]bool{}) {
			names = append(names, name)
		}
	}
	return names
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// steps are the names of the code that the model's steps carry.
func steps(t *testing.T) (named []string) {
	t.Helper()
	files, err := filepath.Glob("*.pml")
	if err != nil || len(files) < 5 {
		t.Fatalf("found %d files of the model (%v)", len(files), err)
	}
	for _, path := range files {
		for _, m := range stepComment.FindAllStringSubmatch(read(t, path), -1) {
			for name := range strings.SplitSeq(m[1], ",") {
				named = append(named, strings.TrimSpace(name))
			}
		}
	}
	return named
}

// notModelled reads the list of what the model leaves out, each with its reason.
func notModelled(t *testing.T) (names []string) {
	t.Helper()
	for line := range strings.Lines(read(t, "not_modelled.txt")) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, because, _ := strings.Cut(line, " ")
		if len(strings.Fields(because)) < 3 {
			t.Errorf("not_modelled.txt: %s has no reason", name)
		}
		names = append(names, name)
	}
	return names
}

// Every step of the model is there in the code, and everything in these folders
// that changes an outbox row, a posting or the ledger's identity is a step of
// the model, or is said not to be one. Whoever changes one sees the other.
func TestStepsAreTheCode(t *testing.T) {
	t.Parallel()
	folders := map[string]*folder{}
	named, left := steps(t), notModelled(t)
	if len(named) < 25 {
		t.Errorf("only %d steps found: the search is broken", len(named))
	}
	for _, name := range slices.Concat(named, left) {
		if !stepName.MatchString(name) {
			t.Errorf("step %q is not folder.Name or folder.Type.Method", name)
			continue
		}
		in, what, _ := strings.Cut(name, ".")
		if folders[in] == nil {
			folders[in] = parseFolder(t, in)
		}
		if !folders[in].names[what] {
			t.Errorf("the model names %s, which the code does not have: change docs/model with the code", name)
		}
	}
	found := 0
	for _, in := range []string{"ledger", "waiting", "budgets", "desk", "workitems", "continuity"} {
		if folders[in] == nil {
			folders[in] = parseFolder(t, in)
		}
		for _, name := range folders[in].changers() {
			found++
			if full := in + "." + name; !slices.Contains(named, full) && !slices.Contains(left, full) {
				t.Errorf("%s changes an outbox row, a posting or the identity: make it a step of docs/model, or say in not_modelled.txt why it is none", full)
			}
		}
	}
	if found < 12 {
		t.Errorf("only %d functions found that change a row: the search is broken", found)
	}
	for _, name := range left {
		if slices.Contains(named, name) {
			t.Errorf("%s is a step of the model, and not_modelled.txt says it is none", name)
		}
	}
}

// table reads the lines of a file of check.sh, comments left out.
func table(t *testing.T, path string) (lines [][]string) {
	t.Helper()
	for line := range strings.Lines(read(t, path)) {
		line, _, _ = strings.Cut(line, "#")
		if fields := strings.Fields(line); len(fields) > 0 {
			lines = append(lines, fields)
		}
	}
	return lines
}

func matches(pattern *regexp.Regexp, text string) (found []string) {
	for _, m := range pattern.FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	return found
}

// Every promise that a sabotage build can break is a switch of the model, of the
// same name.
func TestSabotageIsASwitch(t *testing.T) {
	t.Parallel()
	f, promises := parseFolder(t, "internal/sabotage"), 0
	switches := slices.Concat(matches(ifdef, read(t, "switches.pml")), matches(ifdef, read(t, "life_switches.pml")), matches(ifdef, read(t, "seal_switches.pml")))
	for name, value := range f.texts {
		if slices.Contains(f.bodies["Points"], name) {
			continue // a place to crash at, no promise
		}
		promises++
		if !slices.Contains(switches, strings.ToUpper(strings.Trim(value, `"`))) {
			t.Errorf("sabotage.%s = %s is no switch of switches.pml or life_switches.pml", name, value)
		}
	}
	if promises < 5 {
		t.Errorf("only %d promises found: the search is broken", promises)
	}
}

// models are the three models, by what the names of their configurations begin with: the
// file of each one's bounds, and that of its switches.
var models = map[string]struct{ state, switches string }{
	"":      {"state.pml", "switches.pml"},
	"life-": {"life_state.pml", "life_switches.pml"},
	"seal-": {"seal_state.pml", "seal_switches.pml"},
}

// modelOf tells which model a configuration is of, as check.sh does.
func modelOf(configuration string) string {
	for prefix := range models {
		if prefix != "" && strings.HasPrefix(configuration, prefix) {
			return prefix
		}
	}
	return ""
}

// Each switch of the models is tried, each configuration sets bounds that its
// model has, and the page names every one of them.
func TestSwitchesAndConfigurations(t *testing.T) {
	t.Parallel()
	page, tried := read(t, "README.md"), []string{}
	bounds, switches := map[string][]string{}, map[string][]string{}
	for model, files := range models {
		bounds[model], switches[model] = matches(bound, read(t, files.state)), matches(ifdef, read(t, files.switches))
	}
	var configurations []string
	for _, line := range table(t, "configurations.txt") {
		model := modelOf(line[0])
		configurations = append(configurations, line[0])
		for _, setting := range line[1:] {
			if name, _, ok := strings.Cut(setting, "="); !ok || !slices.Contains(bounds[model], name) {
				t.Errorf("configuration %s sets %s, which %s does not know", line[0], setting, models[model].state)
			}
		}
	}
	for _, line := range table(t, "switches.txt") {
		tried = append(tried, line[0])
		if len(line) != 3 || !slices.Contains(configurations, line[1]) {
			t.Errorf("switches.txt: want switch, configuration, promise, got %q", line)
			continue
		}
		if model := modelOf(line[1]); !slices.Contains(switches[model], line[0]) {
			t.Errorf("switch %s is nowhere in %s", line[0], models[model].switches)
		}
		if !strings.Contains(page, "`"+line[0]+"`") {
			t.Errorf("README.md does not say what %s is", line[0])
		}
	}
	for model, names := range switches {
		for _, name := range names {
			if !slices.Contains(tried, name) {
				t.Errorf("switch %s of %s is not tried: add it to switches.txt", name, models[model].switches)
			}
		}
	}
	for model, least := range map[string][2]int{"": {20, 20}, "life-": {5, 10}, "seal-": {5, 5}} {
		if len(switches[model]) < least[0] || len(bounds[model]) < least[1] {
			t.Errorf("%s: %d switches, %d bounds found: the search is broken", models[model].state, len(switches[model]), len(bounds[model]))
		}
	}
	if len(configurations) < 15 {
		t.Errorf("%d configurations found: the search is broken", len(configurations))
	}
}
