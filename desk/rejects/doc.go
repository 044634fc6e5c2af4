// Package rejects is how a person sees the events that could not be accepted: lists
// of them ([NewListing]), all about one ([Show], [ByRules]), what rules would make of
// many ([Ask]), and their bytes for whoever publishes them again ([Export]).
//
// It reads and changes nothing; retrying and dismissing is the desk's. What a
// publisher wrote is masked here, but for what Export writes: that is for a machine,
// and whole.
package rejects
