// Package records is what a person sees of the vendors' records before deciding:
// of a sample of a plan ([Lookup.Probe]), of one operation that is about to be
// settled ([Lookup.BeforeSettling]), and of one member ([Lookup.Member]).
//
// The judge is that of the workers (package evidence), over the same knowledge, so
// that what is shown here is what a worker would find. Where a comparison must
// guess, because a vendor does not show our references, it says that it guesses.
//
// It changes nothing, in the ledger or at the vendor. A vendor that does not
// answer is part of what is returned, never an error: an error is the ledger's, a
// reader's that cannot be made, or that of a cancelled context. What holds private
// data of a member is masked when it is put into a result; the rest of a reading
// stays inside.
//
// Nobody is asked faster than the account's rate, and a vendor that is away four
// times in a row is not asked any more.
package records
