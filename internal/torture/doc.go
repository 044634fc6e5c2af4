// Package torture runs the whole system as real processes, does it harm by a
// seeded schedule, and judges what is left: it is the proof of the promise
// that no point is lost and none is granted twice.
//
// The judge shares no code with what it judges: the truth comes from package
// rehearsal, the vendors' side from the simulator's own book, the ledger's
// side from plain SQL, and what happened on the way from a trigger of its own
// (moves.go).
//
// Faults begin at a share of the work, not at a time, so the same seed meets a
// fast and a slow machine at about the same place. What is exactly under way
// at that moment still differs from run to run.
package torture
