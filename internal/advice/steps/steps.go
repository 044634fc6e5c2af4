package steps

import (
	"cmp"
	"strconv"
	"strings"

	"pointsledger/desk"
	"pointsledger/desk/overview"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
)

// Names is how a terminal calls what texts tell a person to do.
func Names() wording.Names {
	return wording.Names{
		Show: "`replay show`", Resolve: "`replay resolve`", GiveUp: "`replay void`", PutBack: "replay run", Reread: "`replay stream`", Status: "`replay status`",
		AskAccount: "--account", LongerAgo: "--since", ExportRejects: "replay rejects export",
		CheckEvent: "`worker explain FILE`", ListFields: "`worker schema TYPE`", Configuration: "WORKER_CONFIG",
		WorkItems: "`replay workitems`", Member: "`replay member`", Settle: "`replay settle`",
	}
}

// Command is the command that previews a step, or does it for one that only
// looks.
func Command(step desk.Step) string {
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
	case desk.StepWorkItems:
		return command.Shell("replay", "workitems", "list", "--account", step.Account)
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

// OfReport are an advice on what is open as a terminal says it, commands after a line
// break.
func OfReport(a overview.Advice) string {
	switch {
	case a.PreviewsOnly:
		a.Words += " (it changes nothing without --yes):"
	case a.NotConfigured:
		a.Words += ": set WORKER_CONFIG to the worker's file, or what is in doubt there cannot be put back."
	}
	return strings.Join(append([]string{a.Words}, Commands(a.Steps)...), "\n")
}

func acceptInDoubt(args []string, step desk.Step) []string {
	if step.InDoubt {
		return append(args, "--accept-in-doubt")
	}
	return args
}

// Commands are those of steps.
func Commands(steps []desk.Step) []string {
	lines := make([]string, len(steps))
	for i, step := range steps {
		lines[i] = Command(step)
	}
	return lines
}

// OfOperation are an advice on one operation as a terminal says it, commands after a
// line break.
func OfOperation(a overview.Advice) string {
	switch {
	case a.AtAccount:
		return a.Words + ":\nreplay status"
	case len(a.Steps) == 0:
		return a.Words
	}
	see := "that"
	switch {
	case len(a.Steps) > 1:
		see = "each"
	case a.Steps[0].Do == desk.StepPutBack:
		see = "putting it back"
	}
	return a.Words + ". See what " + see + " would do:\n" + strings.Join(Commands(a.Steps), "\n")
}

// ShowPlan is the command that shows a plan again, whatever its kind.
func ShowPlan(p desk.Plan) string {
	words := []string{"replay", string(p.Kind)}
	if p.Kind == desk.PlanOfRejects {
		words = append(words, "retry")
	}
	return command.Shell(append(words, "--plan", p.Name)...)
}
