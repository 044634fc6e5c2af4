package archtest

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// libraries speak no command line: what they cannot do they return as a type with
// its data, and internal/advice or a command says it with the words below. The
// folders below internal are left out: they are how the programs are started,
// configured and looked at.
var libraries = []string{"ledger", "rules", "consumers", "continuity", "evidence", "dispatch", "vendorapi", "desk", "migrations", "reconcile"}

// commandLine finds a flag, a command of ours, and a variable of the environment
// that a command reads.
var commandLine = regexp.MustCompile("--[a-z]" +
	"|(?:^|[^a-z])(?:replay|worker|reconcile|torture) (?:balance|cancel|config|demo|doctor|explain|gate|list|log|member|migrate|pause|plan|publish|rejects|resolve|resume|rules|run|schema|settle|show|simulate|statement|status|stream|trial|void)(?:[^a-z]|$)" +
	"|\\b(?:DATABASE_URL|(?:NATS|WORKER|ZHIMAI|KYLIN)_[A-Z_]+)\\b")

// spoken are places where such words stay.
var spoken = []struct{ file, why string }{
	{"vendorapi/kylin/settings.go", "which variables hold an account's secrets is a setting of the vendor"},
	{"vendorapi/zhimai/settings.go", "which variables hold an account's secrets is a setting of the vendor"},
}

func TestLibrariesSpeakNoCommandLine(t *testing.T) {
	t.Parallel()
	heard := map[string]bool{}
	for _, file := range goFiles(t) {
		if !slices.ContainsFunc(libraries, func(folder string) bool { return within(file, folder) }) {
			continue
		}
		for _, l := range literals(t, file) {
			word := commandLine.FindString(l.text)
			switch {
			case word == "":
			case isSpoken(file):
				heard[file] = true
			default:
				t.Errorf("%s:%d: %q is of the command line: return a type, and let internal/advice or the command say it", file, l.line, strings.TrimSpace(word))
			}
		}
	}
	for _, s := range spoken {
		if !heard[s.file] {
			t.Errorf("%s speaks no command line any more (%s): take it off the list", s.file, s.why)
		}
	}
}

func isSpoken(file string) bool {
	for _, s := range spoken {
		if s.file == file {
			return true
		}
	}
	return false
}

// What the pattern is to find, and what it is to leave.
func TestCommandLineIsKnown(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"add --yes", "`replay void`", "replay rejects export has all", "set WORKER_CONFIG", "DATABASE_URL: want", "run `worker migrate up`", "reconcile trial shows"} {
		if !commandLine.MatchString(text) {
			t.Errorf("%q is not found", text)
		}
	}
	for _, text := range []string{"a worker runs", "points-ledger replay", "SELECT -- why", "each replay", "no worker has registered rules", "FOR UPDATE SKIP_LOCKED"} {
		if commandLine.MatchString(text) {
			t.Errorf("%q is found", text)
		}
	}
}
