package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"pointsledger/internal/testkit"
)

func runbook(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// blocks are the fenced blocks of one language.
func blocks(text, language string) (found []string) {
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)\n```").FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	return found
}

// Each alert says what is the matter and where to read on, and the runbook has
// its heading, with all that a person needs at night.
func TestAlertsAreInTheRunbook(t *testing.T) {
	t.Parallel()
	page := runbook(t)
	rules := alertRules(t)
	if len(rules) != 8 {
		t.Errorf("%d alerts, want 8", len(rules))
	}
	for _, rule := range rules {
		if rule.Annotations["summary"] == "" || !strings.Contains(rule.Annotations["description"], "$value") || rule.Labels["severity"] == "" {
			t.Errorf("%s: want a summary, a description with the value, and a severity", rule.Alert)
		}
		if want := "docs/runbook.md#" + strings.ToLower(rule.Alert); rule.Annotations["runbook_url"] != want {
			t.Errorf("%s: runbook_url is %q, want %q", rule.Alert, rule.Annotations["runbook_url"], want)
		}
		_, section, found := strings.Cut(page, "\n## "+rule.Alert+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		for _, part := range []string{"**For the customer:**", "**Look.**", "**Do", "**Never**", "```"} {
			if !found || !strings.Contains(section, part) {
				t.Errorf("docs/runbook.md, %s: no %s", rule.Alert, part)
			}
		}
	}
}

// Every command of the runbook exists, with its flags.
func TestRunbookCommands(t *testing.T) {
	t.Parallel()
	replayBinary := filepath.Join(t.TempDir(), "replay")
	if out, err := exec.Command("go", "build", "-o", replayBinary, "../replay").CombinedOutput(); err != nil {
		t.Fatalf("build replay: %v\n%s", err, out)
	}
	programs := map[string]string{"worker": workerBinary, "replay": replayBinary}
	checked := 0
	for _, block := range blocks(runbook(t), "sh") {
		for line := range strings.Lines(block) {
			words := strings.Fields(regexp.MustCompile(`"[^"]*"`).ReplaceAllString(line, "quoted"))
			program, ours := programs[words[0]]
			if !ours {
				if words[0] != "curl" {
					t.Errorf("the runbook uses %s, which nobody checks: %s", words[0], line)
				}
				continue
			}
			checked++
			help, err := exec.Command(program, "--help").Output()
			if err != nil || !regexp.MustCompile(`(?m)^  `+words[1]+` `).Match(help) {
				t.Errorf("%s has no command %s", words[0], words[1])
			}
			if out, err := exec.Command(program, append(words[1:], "--help")...).CombinedOutput(); err != nil {
				t.Errorf("%s%s", line, out)
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d commands found", checked)
	}
}

// Every statement of the runbook runs on today's schema.
func TestRunbookQueries(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), testkit.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	queries := blocks(runbook(t), "sql")
	if len(queries) < 4 { // the others became commands of replay, which TestRunbookCommands checks
		t.Errorf("only %d statements found", len(queries))
	}
	for _, sql := range queries {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Errorf("%v in:\n%s", err, sql)
		}
	}
}
