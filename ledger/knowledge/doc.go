// Package knowledge keeps what sampling has learned of a vendor account at an
// endpoint: whether its records show our references, how late, in which zone their
// times are written, how far back complete lists go, and whether keys are honoured.
// It is no ledger: it changes often, and a person may have it forgotten.
//
//   - It belongs to the account and its endpoint: of an account that was pointed
//     elsewhere nothing is known there.
//   - One worker per account samples, by a lease in the table; what it learns under
//     a lease that it lost is not kept.
//   - References are known to be shown, or hidden, from samples of different members
//     (TestNextReferenceState); three failures of the last twenty withdraw it.
//   - Since when all calls of an account go to one endpoint is kept apart, and not
//     forgotten (TestEndpointIsAloneSince).
//
// Knowledge that is lost, or late, makes a verification prove less, never more.
package knowledge
