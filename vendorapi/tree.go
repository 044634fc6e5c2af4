package vendorapi

import "slices"

// TreeKind says what stands at a place of a configuration.
type TreeKind int

const (
	// TreeAbsent: nothing stands there. It is the zero value.
	TreeAbsent TreeKind = iota
	TreeNull
	// TreeText, TreeNumber and TreeBool are plain values, told apart as YAML does
	// by quotes.
	TreeText
	TreeNumber
	TreeBool
	TreeList
	TreeMap
)

// Tree is a part of a configuration as it was written, for a kind whose accounts
// have more than plain fields. It is data: who reads it says what is wrong with it
// (Trees.ProblemAt).
type Tree struct {
	Kind TreeKind
	// Text is a plain value as it was written, a text without its quotes.
	Text string
	// Names are a map's keys, in the order of the file, without repetition.
	Names []string
	// Items are what stands at Names, or a list's entries.
	Items []Tree
	// At is where it stands in the account (calls.points_add.json), Line in which
	// line of the file, 0 when it came from elsewhere.
	At   string
	Line int
}

// Get is what stands under a key of a map; absent where there is none, or where t
// is no map. What is absent has its place all the same.
func (t Tree) Get(name string) Tree {
	if at := slices.Index(t.Names, name); at >= 0 {
		return t.Items[at]
	}
	return Tree{At: t.At + "." + name, Line: t.Line}
}

// IsPlain tells of a text, a number, or true or false.
func (t Tree) IsPlain() bool { return t.Kind == TreeText || t.Kind == TreeNumber || t.Kind == TreeBool }

// Given tells whether anything was written there; null is nothing.
func (t Tree) Given() bool { return t.Kind != TreeAbsent && t.Kind != TreeNull }

// Trees is the part of Fields for a kind whose accounts have trees.
type Trees interface {
	// Tree is all that stands in a field; what it names is read by Variable.
	Tree(field string) Tree
	// Variable is the secret in the environment variable that a plain value of a
	// tree names (also NAME_FILE); empty when it is not set: then the account is off.
	Variable(t Tree) Secret
	// ProblemAt says that a place of a tree is wrong.
	ProblemAt(t Tree, format string, args ...any)
	// Suggest words the known name that is nearest to a wrong one, to be appended to
	// a problem; empty when none is near.
	Suggest(wrong string, known []string) string
}
