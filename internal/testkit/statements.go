package testkit

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Statements finds the constants of the package in the test's folder whose names start with sql, local
// ones too, and their values. It reads the source, so that a new statement
// cannot be forgotten.
func Statements(t testing.TB) map[string]string {
	t.Helper()
	return StatementsIn(t, ".")
}

// StatementsIn is Statements for the package in another folder.
func StatementsIn(t testing.TB, folder string) map[string]string {
	t.Helper()
	fset := token.NewFileSet()
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	// Imports are left unresolved: constants are computed all the same.
	info := types.Info{Defs: map[*ast.Ident]types.Object{}}
	config := types.Config{Error: func(error) {}}
	_, _ = config.Check("statements", fset, files, &info)
	found := map[string]string{}
	for ident, object := range info.Defs {
		c, isConst := object.(*types.Const)
		if isConst && strings.HasPrefix(ident.Name, "sql") && c.Val().Kind() == constant.String {
			if _, twice := found[ident.Name]; twice {
				t.Fatalf("two constants are named %s", ident.Name)
			}
			found[ident.Name] = constant.StringVal(c.Val())
		}
	}
	return found
}

// StatementsPrepare shows that every statement of the package in the test's folder
// fits the migrated schema. sure are some that must be found: without them the
// search itself is broken.
func StatementsPrepare(t testing.TB, sure ...string) {
	t.Helper()
	found := Statements(t)
	for _, name := range sure {
		if !strings.Contains(found[name], "SELECT") {
			t.Fatalf("constant %s not found among %d", name, len(found))
		}
	}
	conn, err := pgx.Connect(t.Context(), Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for name, sql := range found {
		if _, err := conn.Prepare(t.Context(), name, numbered(sql)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := conn.Prepare(t.Context(), "wrong", `SELECT no_such_column FROM outbox`); err == nil {
		t.Error("a wrong statement prepares: this test cannot fail")
	}
}

var parameterName = regexp.MustCompile(`@([a-z_]+)`)

// numbered has numbers for the names of parameters, as pgx sends a statement.
func numbered(sql string) string {
	var names []string
	return parameterName.ReplaceAllStringFunc(sql, func(name string) string {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		return "$" + strconv.Itoa(slices.Index(names, name)+1)
	})
}
