package advice

import (
	"cmp"
	"strings"
)

// Words is the text of an error with advice put in wherever it wraps an error that
// is known here; empty for nil.
func Words(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	said := map[string]bool{}
	var walk func(error)
	walk = func(err error) {
		if words := wordsOf(err); words != "" && !said[err.Error()] {
			said[err.Error()] = true
			text = strings.ReplaceAll(text, err.Error(), words)
		}
		switch e := err.(type) {
		case interface{ Unwrap() error }:
			if inner := e.Unwrap(); inner != nil {
				walk(inner)
			}
		case interface{ Unwrap() []error }:
			for _, inner := range e.Unwrap() {
				walk(inner)
			}
		}
	}
	walk(err)
	return text
}

// wordsOf says an error alone in full; empty for one that is not known here.
func wordsOf(err error) string {
	return cmp.Or(ledgerWords(err), consumersWords(err), continuityWords(err), migrationsWords(err))
}

// Said says errors with their advice, where a room keeps what a person will read.
type Said struct{}

// Words implements desk.ErrorWords and rebuild.Words.
func (Said) Words(err error) string { return Words(err) }
