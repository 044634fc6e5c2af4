// Package republished finds the open rejects whose event was published again, put right,
// and accepted: the worker closes them ([Closer]), and a person hears how many there are
// ([Count]).
//
// A conflict is never among them, nor a reject whose fact was in the ledger before it: it
// may have been meant as a correction, and what is owed a person decides
// (TestRejectIsClosedByItsFact in cmd/replay). Bytes that nobody can read as a fact
// stay open. A look that fails changes nothing.
package republished
