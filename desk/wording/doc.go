// Package wording says in plain words what the ledger keeps in codes: causes,
// gates, doubts, evidence, acts, what a vendor answered, what a publisher must
// mend. It is the one table of these words, for a terminal and for a page alike:
// no layout, no colours, no masks. A code of a newer program has no words yet; it
// is returned as it is, or the advice is general.
//
// It also holds how numbers, times and lengths of time are written in such texts.
// All functions are pure, but for the time zone, which is this machine's.
package wording
