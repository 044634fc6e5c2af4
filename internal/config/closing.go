package config

import (
	"fmt"
	"slices"
	"strings"

	"pointsledger/reconcile/periods"
)

// periodsFile says what closing business dates takes.
type periodsFile struct {
	// Blocks names the checks that must find nothing before a period is closed; what the
	// others find is a warning. Absent: the seal, unexplained items and declared days.
	// An empty list: none but lost operations.
	Blocks []string `yaml:"blocks"`
}

// approvalsFile says what takes a second person.
type approvalsFile struct {
	// Reopen: a closed period is reopened by another database user than the one who
	// closed it.
	Reopen bool `yaml:"reopen"`
}

// checkClosing names checks that there are not.
func checkClosing(file *parsedFile, p *problems) {
	for i, name := range file.periods.Blocks {
		if path := fmt.Sprintf("periods.blocks[%d]", i); !slices.Contains(periods.Names(), name) {
			p.addf(fmt.Sprintf("%s:%d %s", file.name, lineOfPath(file.root, path), path), "want one of %s, got %q", strings.Join(periods.Names(), ", "), name)
		}
	}
}

// ClosingPolicy is what a registered rule file says about closing periods, and the time
// zone of its business dates. A file that this program cannot read is an *Error.
func ClosingPolicy(version, text string) (policy periods.Policy, zone string, err error) {
	var p problems
	file := parseFile("rules "+version, []byte(text), &p)
	if err := p.err(); err != nil {
		return policy, "", err
	}
	return periods.Policy{Blocks: file.periods.Blocks, AnotherReopens: file.approvals.Reopen}, zoneOf(&file.rules), nil
}
