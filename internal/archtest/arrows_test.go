package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "pointsledger"

// anything allows every package of a list.
const anything = "*"

// rule says what the packages of one folder may import, besides the standard
// library.
type rule struct {
	// folder covers the package and everything below it; the longest fit wins.
	folder string
	// ours lists the folders of this module that it may import, exactly.
	ours []string
	// others lists path prefixes of other modules.
	others []string
	// why stands in the failure.
	why string
}

// rules are the arrows. A folder without a rule is an error: whoever adds one
// decides where it stands.
func rules() []rule {
	all := []string{anything}
	return []rule{
		{"cmd", all, all, "the commands wire everything together"},
		{"rules", []string{"ledger", "ledger/budgets", "rules/cloudevent", "rules/spelling"}, []string{"github.com/goccy/go-yaml"}, "rules are pure: bytes to operations or a reason; they know neither broker nor database"},
		{"rules/spelling", nil, []string{"golang.org/x/text"}, "how a text is spelled needs only the text"},
		{"rules/cloudevent", []string{"ledger"}, []string{"github.com/go-json-experiment/json/jsontext", "golang.org/x/text"}, "bytes are read before any rule is asked"},
		{"consumers", []string{"ledger", "rules", "rules/cloudevent", "internal/sabotage"}, all, "consumers map and record; they know nothing of vendors' calls"},
		{"continuity", []string{"consumers", "continuity/survey", "ledger", "rules", "internal/sabotage"}, all, "continuity compares the ledger with the stream; it knows nothing of vendors' calls"},
		{"continuity/survey", []string{"ledger"}, nil, "what is told of a part of the stream is plain data, for a desk as well"},
		{"desk", []string{"ledger", "ledger/budgets", "ledger/gates", "ledger/knowledge", "ledger/republished", "ledger/rulefiles", "rules"}, []string{"github.com/jackc/pgx/v5"}, "a desk knows the book and its database; it prints nothing"},
		{"evidence", []string{"ledger", "ledger/knowledge"}, nil, "a judge is pure: it reads neither vendor nor database"},
		{"desk/records", []string{"desk", "desk/privacy", "desk/wording", "evidence", "ledger", "ledger/knowledge", "vendorapi"}, nil, "a look at records knows no vendor by name, and prints nothing"},
		{"desk/carry", []string{"desk", "desk/privacy", "desk/wording", "ledger"}, nil, "a plan is carried out by the desk; who watches is told"},
		{"desk/foresight", []string{"desk/wording", "ledger"}, []string{"github.com/jackc/pgx/v5"}, "what would become of an event is asked of the ledger alone; it prints nothing"},
		{"desk/overview", []string{"desk", "desk/privacy", "desk/wording", "desk/workitems", "ledger", "ledger/gates", "ledger/knowledge", "vendorapi"}, nil, "how things stand needs the desk and its words"},
		{"desk/rebuild", []string{"continuity/survey", "desk", "desk/wording", "ledger/rulefiles", "rules"}, nil, "a rebuild asks a stream through its port; it knows neither broker nor keeper"},
		{"desk/rejects", []string{"desk", "desk/privacy", "desk/wording", "ledger", "rules/cloudevent"}, nil, "how rejects look needs the desk, the rules and the words"},
		{"desk/workitems", []string{"desk", "desk/privacy", "desk/wording", "ledger"}, []string{"github.com/jackc/pgx/v5", "golang.org/x/text"}, "what a person does in a back office is asked of the ledger alone; it prints nothing"},
		{"desk/privacy", nil, nil, "a mask needs only the text"},
		{"desk/wording", []string{"desk", "evidence", "ledger", "ledger/budgets", "ledger/gates", "ledger/knowledge", "vendorapi"}, nil, "words need only the codes that they explain"},
		{"dispatch", []string{"evidence", "internal/sabotage", "ledger", "ledger/gates", "ledger/knowledge", "ledger/waiting", "vendorapi"}, all, "dispatch sends what the ledger holds; it knows neither events nor any vendor"},
		{"ledger/gates", []string{"ledger"}, []string{"github.com/jackc/pgx/v5"}, "a gate is a row that all workers share; why it closes is decided elsewhere"},
		{"ledger/knowledge", []string{"ledger"}, []string{"github.com/jackc/pgx/v5"}, "what sampling learned is kept beside the book, and judged elsewhere"},
		{"ledger/republished", []string{"ledger"}, []string{"github.com/jackc/pgx/v5"}, "what was published again is asked of the book; who reads bytes is handed in"},
		{"ledger/rulefiles", []string{"ledger"}, []string{"github.com/jackc/pgx/v5"}, "which rule files are in force is asked of the database alone"},
		{"ledger/budgets", nil, []string{"github.com/jackc/pgx/v5"}, "what a day may grant is counted without knowing what is granted"},
		{"ledger/database", nil, []string{"github.com/jackc/pgx/v5"}, "connections and their faults know nothing of the book"},
		{"ledger/waiting", []string{"ledger", "ledger/database"}, []string{"github.com/jackc/pgx/v5"}, "what waits is brought to the book; when is decided elsewhere"},
		{"ledger", []string{"ledger/budgets", "ledger/database"}, []string{"github.com/jackc/pgx/v5"}, "the ledger is the centre: it depends on nothing but its database"},
		{"reconcile/orders", []string{"ledger", "reconcile/feed", "rules/spelling"}, []string{"github.com/jackc/pgx/v5"}, "what shops say is held against the ledger; nothing of it is written or printed"},
		{"reconcile/feed", []string{"desk/privacy"}, []string{"github.com/goccy/go-yaml", "golang.org/x/text"}, "a file is read without knowing the ledger, or who asks"},
		{"reconcile/books", []string{"desk/privacy", "ledger"}, []string{"github.com/jackc/pgx/v5"}, "the books are read from the ledger's views alone; nothing is written or printed"},
		{"reconcile/money", []string{"evidence", "ledger", "reconcile/feed"}, []string{"github.com/goccy/go-yaml", "github.com/jackc/pgx/v5"}, "vouchers are reckoned without knowing a file that they are written to"},
		{"reconcile/money/files", []string{"desk/wording", "reconcile/money"}, []string{"github.com/xuri/excelize/v2", "golang.org/x/text"}, "a file is written of vouchers alone: the ledger is not asked"},
		{"reconcile/periods", []string{"ledger"}, []string{"github.com/jackc/pgx/v5"}, "periods are kept by the database; what stands against a closing is handed in"},
		{"reconcile/match", []string{"evidence", "ledger"}, nil, "what is set side by side is plain data: neither database nor vendor is asked"},
		{"reconcile/runs", []string{"desk/privacy", "evidence", "ledger", "ledger/gates", "ledger/knowledge", "reconcile/match", "vendorapi"}, []string{"github.com/jackc/pgx/v5"}, "a comparison knows no vendor by name and no file's format; it prints nothing"},
		{"reconcile/report", []string{"desk/privacy", "desk/wording", "ledger", "reconcile/books", "reconcile/match", "reconcile/runs"}, []string{"github.com/jackc/pgx/v5", "github.com/xuri/excelize/v2"}, "a report shows what comparisons and books have found; it finds nothing itself, and prints nothing"},
		{"reconcile/seal", []string{"continuity/survey", "desk/privacy", "ledger", "ledger/waiting", "rules"}, []string{"github.com/jackc/pgx/v5"}, "the seal is made and checked on the ledger's own rows; stream, head outside and rule files are handed in"},
		{"vendorapi", []string{"evidence", "ledger", "vendorapi", "vendorapi/wire"}, nil, "a vendor knows what is sent and what a reading is, and nothing of who sends"},
		{"vendorapi/wire", []string{"vendorapi"}, nil, "the wire knows requests and replies, and no operation"},
		{"vendorapi/kinds", []string{"vendorapi", "vendorapi/custom", "vendorapi/kylin", "vendorapi/zhimai"}, nil, "the table names the vendors, and nothing else does"},
		{"vendorapi/sim", nil, nil, "the simulator is the truth of many tests; it shares no code with what they test"},
		{"migrations", nil, all, "the schema stands alone"},
		{"internal/config", []string{"dispatch", "ledger", "ledger/rulefiles", "reconcile/periods", "rules", "vendorapi", "vendorapi/kinds"}, all, "the configuration fills the components' own structs"},
		{"internal/accounts", []string{"desk", "desk/carry", "desk/overview", "desk/privacy", "desk/records", "dispatch", "evidence", "internal/config", "ledger", "reconcile/runs", "vendorapi"}, all, "one way from the configuration to a vendor's client"},
		{"internal/advice", []string{"consumers", "continuity", "ledger", "ledger/database", "migrations"}, nil, "advice knows the errors that it words, and nothing of who shows it"},
		{"internal/advice/steps", []string{"desk", "desk/overview", "desk/privacy", "desk/rebuild", "desk/rejects", "desk/wording", "internal/command", "internal/terminal", "ledger", "reconcile/match"}, nil, "the next step knows the desk and how a command is written, and runs none"},
		{"internal/broker", []string{"internal/config"}, all, "a connection is made as the configuration says"},
		{"internal/command", []string{"desk/wording", "internal/advice", "internal/config", "ledger/database", "migrations"}, all, "exit codes, progress and how a ledger is opened are the same for every command"},
		{"internal/doctor", []string{"consumers", "continuity", "desk", "desk/wording", "evidence", "internal/accounts", "internal/advice", "internal/broker", "internal/config", "internal/rulebook", "ledger", "ledger/database", "ledger/gates", "ledger/knowledge", "ledger/rulefiles", "migrations", "vendorapi", "vendorapi/wire"}, all, "doctor looks at all that a worker needs, knows no vendor by name, and prints nothing"},
		{"internal/explanation", []string{"desk/foresight", "desk/wording", "internal/accounts", "internal/command", "internal/config", "ledger", "rules", "vendorapi"}, all, "what an event would do is asked of rules and ledger; nothing is sent"},
		{"internal/devstack", nil, all, "the embedded servers know nothing of what runs on them"},
		{"internal/rehearsal", nil, all, "the demo's truth must not come from the code that it checks"},
		{"internal/terminal", nil, nil, "a layout needs only the texts"},
		{"internal/testkit", []string{"internal/devstack", "migrations"}, all, "the tests' servers know only the schema"},
		{"internal/testkit/intakes", []string{"consumers", "internal/config", "internal/testkit", "ledger", "rules"}, all, "an intake for tests is the worker's own, on the tests' servers"},
		{"internal/testkit/months", []string{"ledger"}, []string{"github.com/jackc/pgx/v5"}, "a month's truth must not come from the code that it checks"},
		{"internal/testkit/orders", []string{"ledger"}, nil, "entries that tests record, and nothing that keeps them"},
		{"internal/torture", []string{"internal/command", "internal/devstack", "internal/rehearsal", "internal/sabotage", "vendorapi/sim"}, all, "the judge must not share code with what it judges"},
		{"internal/rulebook", []string{"internal/config", "ledger/rulefiles"}, nil, "how rule files stand to one another is asked of their texts and the registry"},
		{"internal/sabotage", nil, nil, "it only ends the process, and only in a test build"},
		{"internal/archtest", nil, nil, "it only looks"},
		{"deploy", nil, nil, "it only holds tests of the files beside it"},
		{"docs", nil, nil, "it only holds tests of the files beside it"},
	}
}

// pkg is what go list says of a package: its imports without those of tests.
type pkg struct {
	ImportPath string
	Imports    []string
}

// forbidden lists the imports that go against an arrow, in words.
func forbidden(p pkg) []string {
	from := inModule(p.ImportPath)
	r, ok := ruleFor(from)
	if !ok {
		return []string{fmt.Sprintf("%s: no rule says what this folder may import; add it to the arrows", from)}
	}
	var found []string
	for _, path := range p.Imports {
		to := inModule(path)
		switch {
		case to == "" && !isOtherModule(path):
			// The standard library.
		case to == "":
			if !slices.ContainsFunc(r.others, func(allowed string) bool { return allowed == anything || within(path, allowed) }) {
				found = append(found, fmt.Sprintf("forbidden arrow %s → %s: %s", from, path, r.why))
			}
		case within(to, "cmd"):
			found = append(found, fmt.Sprintf("forbidden arrow %s → %s: nothing imports a command", from, to))
		case within(to, "internal/testkit") && !within(from, "internal/testkit"), within(to, "internal/archtest"):
			found = append(found, fmt.Sprintf("forbidden arrow %s → %s: only tests may", from, to))
		case !slices.Contains(r.ours, anything) && !slices.Contains(r.ours, to):
			found = append(found, fmt.Sprintf("forbidden arrow %s → %s: %s", from, to, r.why))
		}
	}
	return found
}

func ruleFor(folder string) (rule, bool) {
	var best rule
	for _, r := range rules() {
		if within(folder, r.folder) && len(r.folder) > len(best.folder) {
			best = r
		}
	}
	return best, best.folder != ""
}

// inModule is the folder of one of our packages, or empty.
func inModule(path string) string {
	folder, ours := strings.CutPrefix(path, module+"/")
	if !ours {
		return ""
	}
	return folder
}

func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

// isOtherModule: only paths of the standard library have no dot in the first
// part. "C" is cgo, which none of us uses.
func isOtherModule(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return strings.Contains(first, ".") || path == "C"
}

// listPackages asks the go command for the packages of this module.
func listPackages(t *testing.T, args ...string) []pkg {
	t.Helper()
	args = append(append([]string{"list", "-e", "-json=ImportPath,Imports"}, args...), "./...")
	cmd := exec.Command("go", args...)
	cmd.Dir = "../.."
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v: %s", err, &complaint)
	}
	var packages []pkg
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func TestArrows(t *testing.T) {
	t.Parallel()
	for _, tags := range []string{"", "noembed"} {
		t.Run("tags="+tags, func(t *testing.T) {
			t.Parallel()
			packages := listPackages(t, "-tags", tags)
			for _, p := range packages {
				for _, complaint := range forbidden(p) {
					t.Error(complaint)
				}
			}
			// The list is really that of this module.
			for _, folder := range []string{"rules", "consumers", "continuity", "dispatch", "ledger", "vendorapi/zhimai", "cmd/worker"} {
				if !slices.ContainsFunc(packages, func(p pkg) bool { return inModule(p.ImportPath) == folder }) {
					t.Errorf("go list does not name %s", folder)
				}
			}
		})
	}
}

func TestForbiddenArrowsAreFound(t *testing.T) {
	t.Parallel()
	const pgx, zap = "github.com/jackc/pgx/v5", "go.uber.org/zap"
	for _, c := range []struct {
		from, to string
		allowed  bool
	}{
		{"rules", "ledger", true},
		{"rules", "consumers", false},
		{"rules/cloudevent", "rules", false},
		{"rules", pgx, false},
		{"rules", "github.com/nats-io/nats.go", false},
		{"consumers", "ledger", true},
		{"consumers", "rules", true},
		{"consumers", zap, true},
		{"consumers", "continuity", false},
		{"continuity", "consumers", true},
		{"continuity", "dispatch", false},
		{"continuity", "desk/rebuild", false},
		{"continuity/survey", "consumers", false},
		{"desk/rebuild", "continuity/survey", true},
		{"desk/rebuild", "continuity", false},
		{"consumers", "dispatch", false},
		{"consumers", "vendorapi", false},
		{"consumers", "internal/config", false},
		{"desk", "ledger", true},
		{"desk", pgx, true},
		{"desk", zap, false},
		{"desk", "dispatch", false},
		{"dispatch", "desk", false},
		{"reconcile/books", pgx, true},
		{"reconcile/books", "desk", false},
		{"reconcile/books", zap, false},
		{"reconcile/feed", "ledger", false},
		{"reconcile/match", pgx, false},
		{"reconcile/money", "reconcile/money/files", false},
		{"reconcile/money/files", pgx, false},
		{"reconcile/runs", "reconcile/match", true},
		{"reconcile/runs", "vendorapi/zhimai", false},
		{"reconcile/match", "reconcile/runs", false},
		{"reconcile/report", "evidence", false},
		{"reconcile/orders", "rules", false},
		{"dispatch", "ledger", true},
		{"dispatch", "vendorapi/kylin", false},
		{"dispatch", "vendorapi/zhimai", false},
		{"dispatch", "vendorapi/sim", false},
		{"dispatch", "consumers", false},
		{"ledger", pgx, true},
		{"ledger", pgx + "/pgxpool", true},
		{"ledger", "github.com/jackc/pgx/v5extra", false},
		{"ledger", zap, false},
		{"ledger", "vendorapi", false},
		{"ledger", "desk", false},
		{"ledger", "migrations", false},
		{"ledger/deeper", "consumers", false},
		{"vendorapi", "net/http", true},
		{"vendorapi/zhimai", "vendorapi", true},
		{"vendorapi/zhimai", "evidence", true},
		{"vendorapi/zhimai", "dispatch", false},
		{"vendorapi/zhimai", "internal/config", false},
		{"vendorapi/zhimai", "vendorapi/kylin", false},
		{"vendorapi", "vendorapi/kinds", false},
		{"vendorapi/zhimai", "vendorapi/wire", true},
		{"vendorapi/wire", "ledger", false},
		{"vendorapi/kinds", "vendorapi/kylin", true},
		{"vendorapi/kinds", "ledger", false},
		{"dispatch", "vendorapi/kinds", false},
		{"internal/config", "vendorapi/kinds", true},
		{"internal/config", "vendorapi/zhimai", false},
		{"internal/accounts", "vendorapi/kylin", false},
		{"vendorapi/sim", "ledger", false},
		{"vendorapi/sim", "golang.org/x/text/encoding", false},
		{"migrations", "github.com/pressly/goose/v3", true},
		{"migrations", "ledger", false},
		{"internal/config", "dispatch", true},
		{"internal/config", "consumers", false},
		{"internal/config", "internal/devstack", false},
		{"internal/devstack", "migrations", false},
		{"internal/testkit", "migrations", true},
		{"cmd/worker", "internal/devstack", true},
		{"cmd/worker", "internal/testkit", false},
		{"internal/testkit/intakes", "internal/testkit", true},
		{"internal/testkit/intakes", "dispatch", false},
		{"internal/devstack", "internal/testkit/intakes", false},
		{"cmd/replay", "cmd/worker", false},
		{"internal/rehearsal", "consumers", false},
		{"internal/rehearsal", "rules", false},
		{"brandnew", "fmt", false},
	} {
		to := c.to
		if !isOtherModule(to) && to != "fmt" && to != "net/http" {
			to = module + "/" + to
		}
		got := forbidden(pkg{ImportPath: module + "/" + c.from, Imports: []string{"context", to}})
		if c.allowed != (len(got) == 0) {
			t.Errorf("%s → %s: complaints %q, allowed %v", c.from, c.to, got, c.allowed)
		}
		if !c.allowed && (len(got) != 1 || !strings.Contains(got[0], c.from)) {
			t.Errorf("%s → %s: complaint %q does not name the folder once", c.from, c.to, got)
		}
	}
}

// What a page would link, or a second program that judges the books, brings
// neither a command line nor a logger nor a server with it.
func TestRoomsForAPageLinkNoCommandLine(t *testing.T) {
	t.Parallel()
	rooms := []string{"./desk/...", "./evidence", "./reconcile/...", "./rules"}
	cmd := exec.Command("go", append([]string{"list", "-deps", "-f", "{{.ImportPath}}"}, rooms...)...)
	cmd.Dir = "../.."
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v: %s", err, &complaint)
	}
	linked := strings.Fields(string(out))
	for _, path := range linked {
		for _, foreign := range []string{"github.com/spf13", "go.uber.org/zap", "github.com/nats-io/nats-server", module + "/cmd",
			module + "/internal/command", module + "/internal/config", module + "/dispatch"} {
			if within(path, foreign) {
				t.Errorf("%s is linked by one of %s", path, strings.Join(rooms, " "))
			}
		}
	}
	for _, folder := range []string{"desk", "desk/rebuild", "desk/records", "desk/wording", "evidence", "reconcile/books", "reconcile/feed", "reconcile/match", "reconcile/money", "reconcile/money/files", "reconcile/orders", "reconcile/report", "reconcile/runs"} {
		if !slices.Contains(linked, module+"/"+folder) {
			t.Errorf("go list does not name %s", folder)
		}
	}
}
