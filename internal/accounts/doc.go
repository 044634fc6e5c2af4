// Package accounts makes vendor accounts and their clients of the
// configuration, in one way for all commands: what one of them sends or reads,
// the others would, too.
package accounts
