// Package rejects is how a person sees the events that could not be accepted: lists
// of them ([NewListing]), all about one ([Show], [ByRules]), what rules would make of
// many ([Forecast]), and their bytes for whoever publishes them again ([Export]); and how
// a person has them mapped again, by a plan ([Retry]).
//
// It changes nothing but the list of plans; retrying and dismissing is the desk's.
// A plan is carried out by the rules that it was made with, or not at all
// (TestRejectsRetryRulesChanged). What a publisher wrote is masked here, but for what
// Export writes: that is for a machine, and whole.
package rejects
