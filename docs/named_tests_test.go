package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	testName = regexp.MustCompile("`(Test[A-Z]\\w*)`")
	testFunc = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
)

// unknownTests are the tests that a page names and that are not there.
func unknownTests(page string, there map[string]bool) (unknown []string) {
	for _, m := range testName.FindAllStringSubmatch(page, -1) {
		if !there[m[1]] {
			unknown = append(unknown, m[1])
		}
	}
	return unknown
}

// Every test that a page of the project names to prove a promise exists.
func TestNamedTestsExist(t *testing.T) {
	t.Parallel()
	there, pages := map[string]bool{}, map[string]string{}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != ".." && strings.HasPrefix(entry.Name(), ".") {
			return filepath.SkipDir
		}
		isTest, isPage := strings.HasSuffix(path, "_test.go"), strings.HasSuffix(path, ".md")
		if entry.IsDir() || !isTest && !isPage {
			return nil
		}
		text, err := os.ReadFile(path)
		if isPage {
			pages[path] = string(text)
		}
		for _, m := range testFunc.FindAllStringSubmatch(string(text), -1) {
			there[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for path, page := range pages {
		named += len(testName.FindAllString(page, -1))
		for _, name := range unknownTests(page, there) {
			t.Errorf("%s names %s, which is nowhere", path, name)
		}
	}
	if named < 50 || len(there) < 50 {
		t.Errorf("%d names on %d pages and %d tests found: the search is broken", named, len(pages), len(there))
	}
	made := "held by `TestNamedTestsExist`, `TestThatNobodyWrote` and `testkit`; TestWithoutQuotes is prose"
	if got := unknownTests(made, there); !slices.Equal(got, []string{"TestThatNobodyWrote"}) {
		t.Errorf("of a page with one name that is wrong: %q", got)
	}
}
