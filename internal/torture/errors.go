package torture

import "fmt"

// StallError is returned by a run in which nothing moves any more. State says how
// far it is.
type StallError struct{ State string }

func (e *StallError) Error() string {
	return fmt.Sprintf("nothing has moved for %v: %s", stallAfter, e.State)
}
