package wording

import "pointsledger/evidence"

// Judgement says what a member's records prove of an operation.
func Judgement(j evidence.Judgement) string {
	switch j.Verdict {
	case evidence.Shown:
		return "a record shows it, with our reference and its points"
	case evidence.ShownOtherPoints:
		return "a record shows our reference with other points"
	case evidence.PerhapsShown:
		return "a record of these points may be it, without our reference"
	case evidence.Absent:
		return "it is not there, and the same reading would have shown it"
	}
	words := "it is not there, which proves nothing"
	if j.Lack != "" {
		words += " (" + j.Lack.Words() + ")"
	}
	return words
}
