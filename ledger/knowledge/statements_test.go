package knowledge_test

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

	"pointsledger/internal/testkit"
)

// statements finds the package's constants whose names start with sql, local
// ones too, and their values. It reads the source, so that a new statement
// cannot be forgotten.
func statements(t *testing.T) map[string]string {
	t.Helper()
	fset := token.NewFileSet()
	paths, err := filepath.Glob("*.go")
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
	_, _ = config.Check("knowledge", fset, files, &info)
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

// Every statement fits the migrated schema.
func TestStatementsPrepare(t *testing.T) {
	t.Parallel()
	found := statements(t)
	// Without these the search itself is broken.
	for _, name := range []string{"sqlKnownEndpoints", "sqlDueSample"} {
		if !strings.Contains(found[name], "SELECT") {
			t.Fatalf("constant %s not found among %d", name, len(found))
		}
	}
	conn, err := pgx.Connect(t.Context(), testkit.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for name, sql := range found {
		sql = numbered(sql)
		if _, err := conn.Prepare(t.Context(), name, sql); err != nil {
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
