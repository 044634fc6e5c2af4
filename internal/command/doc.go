// Package command holds what the programs under cmd/ share as command lines:
// exit codes, how an error is shown, and how progress looks on a terminal and
// elsewhere.
package command
