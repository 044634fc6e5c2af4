// Package command holds what the programs under cmd/ share as command lines:
// exit codes, how a ledger is opened, how an error is shown, and how progress looks on a terminal and
// elsewhere.
package command
