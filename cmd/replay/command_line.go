package main

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"

	"pointsledger/desk"
	"pointsledger/ledger"
)

// runBizID is the command that previews putting one operation back.
func runBizID(id ledger.BizID) string { return shell("replay", "run", "--biz-id", string(id)) }

// settleCommand is the command that previews settling one operation.
func settleCommand(id ledger.BizID) string {
	return shell("replay", "settle", string(id), "--evidence", reasonToFill)
}

// resolveCommand is the command that previews naming one operation's member.
func resolveCommand(d *desk.OperationDetail) string {
	args := []string{"replay", "resolve", string(d.BizID), "--customer-id", reasonToFill}
	if d.Open.InDoubt {
		args = append(args, "--accept-in-doubt")
	}
	return shell(args...)
}

// voidCommand is the command that previews giving one operation up. It names the
// operation by its dedup key: an order can have several.
func voidCommand(d *desk.OperationDetail) string {
	args := []string{"replay", "void", "--biz-id", string(d.BizID)}
	if d.Open.InDoubt {
		args = append(args, "--accept-in-doubt")
	}
	return shell(args...)
}

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
