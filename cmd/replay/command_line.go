package main

import (
	"regexp"
	"strings"

	"pointsledger/ledger"
)

// runBizID is the command that previews putting one operation back.
func runBizID(id ledger.BizID) string { return shell("replay", "run", "--biz-id", string(id)) }

// settleCommand is the command that previews settling one operation.
func settleCommand(id ledger.BizID) string {
	return shell("replay", "settle", string(id), "--evidence", reasonToFill)
}

// resolveCommand is the command that previews naming one operation's member.
func resolveCommand(d *ledger.OperationDetail) string {
	args := []string{"replay", "resolve", string(d.BizID), "--customer-id", reasonToFill}
	if d.Open.InDoubt {
		args = append(args, "--accept-in-doubt")
	}
	return shell(args...)
}

// voidCommand is the command that previews giving one operation up. It names the
// operation by its dedup key: an order can have several.
func voidCommand(d *ledger.OperationDetail) string {
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
