package main

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"

	"pointsledger/desk"
)

var shellSafe = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]+$`)

// shell joins arguments as a POSIX shell reads them.
func shell(args ...string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		if quoted[i] = a; !shellSafe.MatchString(a) {
			quoted[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

// commandOf is the command that previews a step, or does it for one that only
// looks.
func commandOf(step desk.Step) string {
	switch step.Do {
	case desk.StepShow:
		return shell("replay", "show", cmp.Or(step.Reference, strconv.FormatInt(int64(step.Operation), 10)))
	case desk.StepPutBack:
		return shell("replay", "run", "--biz-id", string(step.BizID))
	case desk.StepSettle:
		args := []string{"replay", "settle", string(step.BizID), "--evidence", cmp.Or(step.Evidence, reasonToFill)}
		if step.Evidence != "" {
			args = append(args, "--reason", reasonToFill)
		}
		return shell(args...)
	case desk.StepResolve:
		args := []string{"replay", "resolve", string(step.BizID), "--customer-id", reasonToFill}
		return shell(acceptInDoubt(args, step)...)
	case desk.StepGiveUp:
		return shell(acceptInDoubt([]string{"replay", "void", "--biz-id", string(step.BizID)}, step)...)
	}
	return ""
}

func acceptInDoubt(args []string, step desk.Step) []string {
	if step.InDoubt {
		return append(args, "--accept-in-doubt")
	}
	return args
}

func commandsOf(steps []desk.Step) []string {
	lines := make([]string, len(steps))
	for i, step := range steps {
		lines[i] = commandOf(step)
	}
	return lines
}
