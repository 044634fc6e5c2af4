//go:build !noembed && unix

package devstack

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// oldestPostgres is the oldest major version that the migrations are meant for.
const oldestPostgres = 14

// programs is a folder with initdb and postgres of one version.
type programs struct {
	folder string
	major  int
}

func (p programs) path(name string) string { return filepath.Join(p.folder, name) }

// findPrograms returns the programs of the wanted major version, 0 for any.
// found lists all versions that are there, for the error text; ok says whether
// one of them fits.
func findPrograms(folders []string, wanted int) (fit programs, found []int, ok bool) {
	for _, folder := range folders {
		major, err := serverVersion(folder)
		if err != nil {
			continue
		}
		if !slices.Contains(found, major) {
			found = append(found, major)
		}
		if !ok && (major == wanted || wanted == 0 && major >= oldestPostgres) {
			fit, ok = programs{folder: folder, major: major}, true
		}
	}
	return fit, found, ok
}

// programFolders lists where server programs may be, best first: what the user
// put on the PATH, what pg_config says, then the folders of Debian, Homebrew
// and the PostgreSQL project's own packages, newest version first.
func programFolders() []string {
	var folders []string
	for _, name := range []string{"postgres", "initdb", "pg_ctl"} {
		if path, err := exec.LookPath(name); err == nil {
			if real, err := filepath.EvalSymlinks(path); err == nil {
				folders = append(folders, filepath.Dir(real))
			}
		}
	}
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		folders = append(folders, strings.TrimSpace(string(out)))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",
		"/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin",
		"/usr/pgsql-*/bin",
	} {
		folders = append(folders, newestFirst(pattern)...)
	}
	return folders
}

var versionInPath = regexp.MustCompile(`[0-9]+`)

// newestFirst expands a pattern and orders the result by the number that its
// star stands for.
func newestFirst(pattern string) []string {
	// The only error is a malformed pattern, and these are constants.
	folders, _ := filepath.Glob(pattern)
	prefix, _, _ := strings.Cut(pattern, "*")
	number := func(path string) int {
		n, err := strconv.Atoi(versionInPath.FindString(strings.TrimPrefix(path, prefix)))
		if err != nil {
			return 0
		}
		return n
	}
	slices.SortFunc(folders, func(a, b string) int { return cmp.Compare(number(b), number(a)) })
	return folders
}

var versionInOutput = regexp.MustCompile(`\(PostgreSQL\) ([0-9]+)`)

// serverVersion is the major version of the server programs in folder.
func serverVersion(folder string) (int, error) {
	if _, err := os.Stat(filepath.Join(folder, "initdb")); err != nil {
		return 0, err
	}
	out, err := exec.Command(filepath.Join(folder, "postgres"), "--version").Output()
	if err != nil {
		return 0, fmt.Errorf("ask postgres for its version: %w", err)
	}
	match := versionInOutput.FindSubmatch(out)
	if match == nil {
		return 0, fmt.Errorf("ask postgres for its version: got %q", out)
	}
	return strconv.Atoi(string(match[1]))
}
