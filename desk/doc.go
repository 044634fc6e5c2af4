// Package desk is what a person may ask of the ledger and do to it. It prints
// nothing and knows no terminal: a command or a page calls it and words what
// came back.
package desk
