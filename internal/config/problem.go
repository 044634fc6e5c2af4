package config

import (
	"errors"
	"fmt"
)

// problems collects what is wrong.
type problems struct {
	list []error
}

func (p *problems) addf(field, format string, args ...any) {
	p.list = append(p.list, &FieldError{Field: field, Err: fmt.Errorf(format, args...)})
}

// add takes an error of another package apart, so that a joined one becomes as
// many lines as it has parts.
func (p *problems) add(field string, err error) {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		for _, part := range joined.Unwrap() {
			p.add(field, part)
		}
		return
	}
	p.list = append(p.list, &FieldError{Field: field, Err: err})
}

func (p *problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	return &Error{Problems: p.list}
}
