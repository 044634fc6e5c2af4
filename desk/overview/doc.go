// Package overview says how things stand and what a person can do about them: what
// is open at each account and why ([Read]), what one operation waits for
// ([WaitsFor]), and the next steps ([Next]).
//
// It reads and changes nothing. Counts are those of one moment each, read one after
// the other while workers go on: they need not add up to the last one. Steps are
// values (desk.Step); a terminal words them as commands, a page as buttons. What a
// vendor or a person wrote is masked.
package overview
