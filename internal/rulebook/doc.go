// Package rulebook tells how the rule files that a ledger has registered stand to
// one another: which is in force, which lacks what the newest says and from when
// on, and what taking one back would mean. It prints nothing.
//
// # States
//
// A file is in force (the newest one), says the same rules as that one, ends (it may
// not be used for events from a time on), or is withdrawn ([Lines], [Stand]). Files
// are compared by what they make of an event, not by their text.
//
// # What happens on failure
//
// A file whose own rules were used is not withdrawn ([PlanWithdrawal]), since points
// may have been granted by them; package ledger/rulefiles looks again amid the
// withdrawal, when nothing can be recorded. A withdrawn file comes back by an act of
// a person alone ([PlanReinstatement]), since a worker's start would undo every
// withdrawal.
package rulebook
