package workitems

import "fmt"

// FileError is returned by Read for a file that cannot be read as a whole: nothing of
// it was looked at.
type FileError struct {
	// Line is 0 when it is about no line.
	Line int
	Want string
}

func (e *FileError) Error() string {
	if e.Line == 0 {
		return e.Want
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Want)
}
