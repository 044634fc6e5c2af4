package wording

import "pointsledger/ledger"

// Verb says what an operation of a kind does: grant 100 points.
func Verb(kind ledger.Kind) string {
	switch kind {
	case ledger.PointsAdd:
		return "grant"
	case ledger.FreezePoint:
		return "freeze"
	case ledger.PointsDeduct:
		return "take back"
	case ledger.UnfreezePoint:
		return "release"
	case ledger.ConsumeFrozen:
		return "spend frozen"
	}
	return string(kind)
}

// ToDo says what a person is to do in a vendor's back office, in a word for a file.
func ToDo(kind ledger.Kind) string {
	switch kind {
	case ledger.PointsDeduct:
		return "take_back"
	case ledger.UnfreezePoint:
		return "release_freeze"
	}
	return string(kind)
}

// ToBeDone says the same of several.
func ToBeDone(kind ledger.Kind) string {
	switch kind {
	case ledger.PointsDeduct:
		return "taken back"
	case ledger.UnfreezePoint:
		return "released from a freeze"
	}
	return "done (" + string(kind) + ")"
}
