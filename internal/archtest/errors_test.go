package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// whenReturned is how a comment says when somebody gets an error.
var whenReturned = regexp.MustCompile(`\b(returned|is in|is what every)\b`)

// noError implements error and is first of all something else.
var noError = []string{"ledger.Rejection"}

// A package's exported errors stand in its errors.go, each with when it is
// returned: whoever calls it reads one file.
func TestErrorsStandTogether(t *testing.T) {
	t.Parallel()
	found := 0
	for _, file := range goFiles(t) {
		if within(file, "cmd") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, filepath.FromSlash(file)), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		docs := exportedErrors(parsed)
		for name, doc := range docs {
			switch full := parsed.Name.Name + "." + name; {
			case slices.Contains(noError, full):
			case path.Base(file) != "errors.go":
				t.Errorf("%s: %s belongs into errors.go", file, full)
			case !whenReturned.MatchString(strings.Join(strings.Fields(doc), " ")):
				t.Errorf("%s: say of %s when it is returned", file, full)
			default:
				found++
			}
		}
	}
	if found < 30 {
		t.Errorf("only %d errors are looked at: this cannot be all", found)
	}
}

// exportedErrors are the variables named Err… of a file, and its types with a method
// Error, by name with their comments.
func exportedErrors(file *ast.File) map[string]string {
	types, methods, docs := map[string]string{}, map[string]bool{}, map[string]string{}
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv != nil && d.Name.Name == "Error" && d.Type.Params.NumFields() == 0 {
				of := d.Recv.List[0].Type
				if star, ok := of.(*ast.StarExpr); ok {
					of = star.X
				}
				if name, ok := of.(*ast.Ident); ok {
					methods[name.Name] = true
				}
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					types[s.Name.Name] = s.Doc.Text() + d.Doc.Text()
				case *ast.ValueSpec:
					for _, name := range s.Names {
						if d.Tok == token.VAR && strings.HasPrefix(name.Name, "Err") {
							docs[name.Name] = s.Doc.Text() + d.Doc.Text()
						}
					}
				}
			}
		}
	}
	for name, doc := range types {
		if methods[name] && ast.IsExported(name) {
			docs[name] = doc
		}
	}
	return docs
}
