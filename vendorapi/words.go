package vendorapi

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Mask stands where a secret was.
const Mask = "***"

// minSecretBytes: a shorter value keeps nothing secret, and masking each "1"
// of a text would make it unreadable.
const minSecretBytes = 4

// Secrets are values that must not appear in errors and vendors' words: keys,
// tokens, grant codes. A vendor may well echo what we sent.
type Secrets []string

// NewSecrets keeps the values of at least four bytes, longest first, so that a
// secret inside a longer one does not leave the rest behind.
func NewSecrets(values ...string) Secrets { return Secrets(nil).With(values...) }

// With returns the secrets and further ones; s itself is not changed.
func (s Secrets) With(values ...string) Secrets {
	all := make(Secrets, len(s), len(s)+len(values))
	copy(all, s)
	for _, v := range values {
		if len(v) >= minSecretBytes && !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	slices.SortStableFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}

// Words makes a foreign text fit to be stored and shown: secrets masked, valid
// UTF-8, control characters (NUL, line breaks, escapes) as spaces, at most
// MaxWords bytes, cut between characters.
func (s Secrets) Words(text string) string {
	if text == "" {
		return ""
	}
	// Mask before cutting: half a secret would not be recognised.
	for _, secret := range s {
		if strings.Contains(text, secret) {
			text = strings.ReplaceAll(text, secret, Mask)
		}
	}
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = cutWords(text)
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, text))
}

func cutWords(text string) string {
	if len(text) <= MaxWords {
		return text
	}
	end := MaxWords
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// cleanError is an error whose text is fit to be logged. errors.Is and
// errors.As see what it wraps.
type cleanError struct {
	text string
	err  error
}

func (e *cleanError) Error() string { return e.text }
func (e *cleanError) Unwrap() error { return e.err }

func (s Secrets) clean(action string, err error) error {
	return &cleanError{text: s.Words(action + ": " + err.Error()), err: err}
}
