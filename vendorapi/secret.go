package vendorapi

import (
	"fmt"
	"io"
)

// Secret is a value that must not be seen: whatever prints, formats or
// marshals it gets "***", or "unset" when it is empty. Only Reveal gives the
// value. Keep a Secret in exported fields: fmt cannot call methods on
// unexported ones and would print their content.
type Secret string

// Reveal returns the value, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string {
	if s == "" {
		return "unset"
	}
	return "***"
}

// GoString masks %#v.
func (s Secret) GoString() string { return s.String() }

// Format masks every verb, also the ones that a string does not have (%d would
// otherwise print the value inside its complaint).
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText masks JSON, YAML and everything else that asks for text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML masks YAML.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }
