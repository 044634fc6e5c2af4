package main

import (
	"cmp"
	"strconv"
	"strings"

	"pointsledger/desk"
	"pointsledger/desk/overview"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
)

// terminalNames is how a terminal calls what texts tell a person to do.
var terminalNames = wording.Names{
	Show: "`replay show`", Resolve: "`replay resolve`", GiveUp: "`replay void`", PutBack: "replay run", Reread: "`replay stream`", Status: "`replay status`",
	AskAccount: "--account", LongerAgo: "--since", ExportRejects: "replay rejects export",
	CheckEvent: "`worker explain FILE`", ListFields: "`worker schema TYPE`", Configuration: "WORKER_CONFIG",
	Member: "`replay member`", Settle: "`replay settle`",
}

// commandOf is the command that previews a step, or does it for one that only
// looks.
func commandOf(step desk.Step) string {
	switch step.Do {
	case desk.StepShow:
		return command.Shell("replay", "show", cmp.Or(step.Reference, strconv.FormatInt(int64(step.Operation), 10)))
	case desk.StepList:
		return command.Shell(append([]string{"replay", "list"}, ofCause(step)...)...)
	case desk.StepPutBack:
		if step.BizID == "" {
			return command.Shell(append([]string{"replay", "run"}, ofCause(step)...)...)
		}
		return command.Shell("replay", "run", "--biz-id", string(step.BizID))
	case desk.StepSettle:
		args := []string{"replay", "settle", string(step.BizID), "--evidence", cmp.Or(step.Evidence, command.ReasonToFill)}
		if step.Evidence != "" {
			args = append(args, "--reason", command.ReasonToFill)
		}
		return command.Shell(args...)
	case desk.StepResolve:
		args := []string{"replay", "resolve", string(step.BizID), "--customer-id", command.ReasonToFill}
		return command.Shell(acceptInDoubt(args, step)...)
	case desk.StepGiveUp:
		return command.Shell(acceptInDoubt([]string{"replay", "void", "--biz-id", string(step.BizID)}, step)...)
	case desk.StepResume:
		return command.Shell("replay", "resume", step.Account, "--reason", command.ReasonToFill, "--yes")
	case desk.StepRejects:
		return command.Shell("replay", "rejects", "list")
	}
	return ""
}

// ofCause are the flags that choose the operations of a step.
func ofCause(step desk.Step) []string {
	args := []string{"--account", step.Account, "--cause", string(step.Cause)}
	if step.Code != "" {
		args = append(args, "--code", step.Code)
	}
	return args
}

// adviceWords are an advice as a terminal says it, commands after a line break.
func adviceWords(a overview.Advice) string {
	switch {
	case a.PreviewsOnly:
		a.Words += " (it changes nothing without --yes):"
	case a.NotConfigured:
		a.Words += ": set WORKER_CONFIG to the worker's file, or what is in doubt there cannot be put back."
	}
	return strings.Join(append([]string{a.Words}, commandsOf(a.Steps)...), "\n")
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
