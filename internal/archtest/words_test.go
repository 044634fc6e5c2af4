package archtest

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// wordFiles declare the closed lists of the ledger's words, a list in one file.
// Nothing else spells one of these words out (TestWordsStandOnce).
var wordFiles = []string{"ledger/state.go", "ledger/posting.go", "ledger/cause.go", "ledger/reject.go"}

// homonyms are places where a word of those lists means something else: an
// entry of another list, or what a person reads.
var homonyms = []struct{ file, words, why string }{
	{"cmd/replay/filter.go", "already_applied not_sent refused retryable throttled unauthorised unknown lease_expired", "outcomes of attempts, as a person types them"},
	{"desk/overview/pace_words.go", "unknown", "a label"},
	{"desk/carry/words.go", "voided", "a label"},
	{"cmd/replay/run_preview.go", "sending", "a label"},
	{"cmd/worker/demo_result.go", "parked posted", "labels"},
	{"internal/doctor/live_biz_id.go", "already_applied retryable throttled", "fields of the configuration"},
	{"cmd/worker/migrate.go", "pending", "a migration that was not applied"},
	{"cmd/worker/publish.go", "unknown", "a subject"},
	{"continuity/keeper_decide.go", "parked", "a field of the log"},
	{"desk/open_filter.go", "key_memory_over", "why a row may not be put back"},
	{"desk/plan_run.go", "refused", "an outcome within a plan"},
	{"desk/rebuild/facts.go", "parked", "a label"},
	{"desk/records/member_facts.go", "parked posted voided", "labels"},
	{"desk/records/member_match.go", "parked voided", "findings"},
	{"desk/records/member_vendor.go", "refused", "how a vendor took the question"},
	{"dispatch/observer.go", "posted", "a label of a metric"},
	{"internal/command/version.go", "unknown", "a version"},
	{"internal/config/config.go", "unknown", "a policy for keys"},
	{"internal/config/used_rules.go", "no_vendor_call", "a part of a file of rules"},
	{"ledger/settle_aside.go", "already_applied", "an outcome of an attempt"},
	{"ledger/knowledge/endpoint_knowledge.go", "unknown", "whether references are shown"},
	{"ledger/gates/gates.go", "throttled unauthorised", "reasons of gates"},
	{"reconcile/report/trial.go", "pending", "an account of the books"},
	{"vendorapi/custom/read_outcomes.go", "answered", "what an answer means, as a file says it"},
	{"vendorapi/kylin/settings.go", "already_applied retryable throttled", "fields of the configuration"},
	{"vendorapi/outcome.go", "already_applied not_sent refused retryable throttled unauthorised unknown", "outcomes of calls"},
	{"vendorapi/zhimai/config.go", "already_applied retryable throttled", "fields of the configuration"},
	{"vendorapi/zhimai/settings.go", "already_applied retryable throttled", "fields of the configuration"},
}

// apart spell the words out by themselves: they are the truth that the ledger is
// compared with.
var apart = []string{"internal/rehearsal", "internal/torture", "vendorapi/sim"}

// States, causes, evidence, kinds of postings and codes of rejects are written
// down once: everybody else names the constant.
func TestWordsStandOnce(t *testing.T) {
	t.Parallel()
	words := map[string]bool{}
	for _, file := range wordFiles {
		before := len(words)
		for _, l := range literals(t, file) {
			if !strings.ContainsAny(l.text, " %") {
				words[l.text] = true
			}
		}
		if len(words) == before {
			t.Errorf("%s declares no words", file)
		}
	}
	used := map[string]bool{}
	for _, file := range goFiles(t) {
		if slices.Contains(wordFiles, file) || slices.ContainsFunc(apart, func(folder string) bool { return within(file, folder) }) {
			continue
		}
		for _, l := range literals(t, file) {
			switch {
			case !words[l.text]:
			case isHomonym(file, l.text):
				used[file+" "+l.text] = true
			default:
				t.Errorf("%s:%d: %q is a word of the ledger: name its constant", file, l.line, l.text)
			}
		}
	}
	for _, h := range homonyms {
		for _, word := range strings.Fields(h.words) {
			if !used[h.file+" "+word] {
				t.Errorf("%s does not say %q (%s) any more: take it off the list", h.file, word, h.why)
			}
		}
	}
}

func isHomonym(file, word string) bool {
	for _, h := range homonyms {
		if h.file == file && slices.Contains(strings.Fields(h.words), word) {
			return true
		}
	}
	return false
}

// goFiles lists the Go files of this module that are no tests, by their path
// from its root.
func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "bench"):
			return fs.SkipDir
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			file, err := filepath.Rel(root, path)
			files = append(files, filepath.ToSlash(file))
			return err
		}
		return nil
	})
	if err == nil && len(files) < 100 {
		err = errors.New("this cannot be all")
	}
	if err != nil {
		t.Fatalf("list the Go files: %v, found %d", err, len(files))
	}
	return files
}

const root = "../.."

type literal struct {
	text string
	line int
}

// literals lists the texts that a file spells out, but for import paths and
// tags of fields.
func literals(t *testing.T, file string) []literal {
	t.Helper()
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, filepath.Join(root, filepath.FromSlash(file)), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(fmt.Errorf("parse: %w", err))
	}
	var found []literal
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
				found = append(found, literal{text, set.Position(n.Pos()).Line})
			}
		}
		return true
	})
	return found
}
