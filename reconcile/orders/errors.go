package orders

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNoDays is returned by Compare when neither the list nor the question says which days
// it is of.
var ErrNoDays = errors.New("the list has no times, and no days were asked for")

// UnreadableError is returned by Compare for a list with cells that cannot be read: nothing
// was compared.
type UnreadableError struct {
	// Cells are *feed.CellError each.
	Cells []error
	// More: there may be more of them.
	More bool
}

func (e *UnreadableError) Error() string {
	var text strings.Builder
	for _, cell := range e.Cells {
		fmt.Fprintf(&text, "%v\n", cell)
	}
	if e.More {
		text.WriteString("and there may be more; ")
	}
	return text.String() + "nothing was compared"
}

// Unwrap returns the errors of the cells.
func (e *UnreadableError) Unwrap() []error { return e.Cells }

// TooLargeError is returned by Compare when the rows of an order come to more than 64 bits
// hold.
type TooLargeError struct{ Row int }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("row %d: the amounts of its order come to more than 64 bits hold", e.Row)
}

// ManySourcesError is returned by Compare when it has to be said whose orders the list is of.
type ManySourcesError struct{ Sources []string }

func (e *ManySourcesError) Error() string {
	const most = 10
	shown, more := e.Sources, ""
	if len(shown) > most {
		shown, more = shown[:most], ", …"
	}
	return fmt.Sprintf("the ledger has orders of %d sources (%s%s), and a list is of some of them", len(e.Sources), strings.Join(shown, ", "), more)
}

// UnknownSourceError is returned by Compare when the ledger has neither an order nor a reject
// of the source that was asked for.
type UnknownSourceError struct {
	Source  string
	Sources []string
}

func (e *UnknownSourceError) Error() string {
	there := "none"
	if len(e.Sources) > 0 {
		there = strings.Join(e.Sources, ", ")
	}
	return fmt.Sprintf("the ledger has no order of source %s; there are: %s", e.Source, there)
}
