package wire

import (
	"slices"
	"strings"
	"unicode/utf8"

	"pointsledger/vendorapi"
)

// MaxWords caps a vendor's code or message, in bytes.
const MaxWords = 500

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
// MaxWords bytes, cut between characters. What it allocates does not grow with
// the text (TestWordsAllocation).
func (s Secrets) Words(text string) string {
	if len(s) == 0 && isPlain(text) {
		return text
	}
	return words(s, text)
}

// BodyWords is Words of a reply's body, without a copy of the body: replies of
// a megabyte come many at once.
func (s Secrets) BodyWords(body []byte) string { return words(s, body) }

// isPlain tells of the common text that Words has nothing to change in it, but
// for secrets.
func isPlain(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return len(text) <= MaxWords && strings.TrimSpace(text) == text
}

// holdsAny tells whether one of the values is in the text. Short ones are no
// secrets, and an empty one is in every text.
func holdsAny(text string, secrets []string) bool {
	for _, secret := range secrets {
		if len(secret) >= minSecretBytes && strings.Contains(text, secret) {
			return true
		}
	}
	return false
}

// words goes through the text once and stops when the result is full. A secret
// is masked as a whole where it begins, so the end of the result cannot leave a
// part of one behind (TestWordsAtTheBorder).
func words[T string | []byte](s Secrets, text T) string {
	var buffer [MaxWords]byte
	out, broken := buffer[:0], false
	for i := 0; i < len(text); {
		if end := secretsEnd(s, text, i); end > i {
			out = append(out, vendorapi.Mask[:min(len(vendorapi.Mask), MaxWords-len(out))]...)
			i, broken = end, false
			continue
		}
		r, size := runeAt(s, text, i)
		i += size
		invalid := r == utf8.RuneError && size == 1
		if invalid && broken {
			continue // one replacement for a run of bytes that are no text
		}
		broken = invalid
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			r = ' '
		}
		if len(out)+utf8.RuneLen(r) > MaxWords {
			break
		}
		out = utf8.AppendRune(out, r)
	}
	return strings.TrimSpace(string(out))
}

// secretsEnd is where the secret that begins at i ends, together with those
// that overlap it; i where none begins.
func secretsEnd[T string | []byte](s Secrets, text T, i int) int {
	end := i
	for at := i; at == i || at < end; at++ {
		for _, secret := range s { // longest first
			if at+len(secret) > end && hasSecret(text, at, secret) {
				end = at + len(secret)
				break
			}
		}
	}
	return end
}

func hasSecret[T string | []byte](text T, at int, secret string) bool {
	if at+len(secret) > len(text) {
		return false
	}
	for k := range len(secret) {
		if text[at+k] != secret[k] {
			return false
		}
	}
	return true
}

// runeAt decodes the character at i. One that a secret begins within is no
// character: the bytes before the secret are broken text.
func runeAt[T string | []byte](s Secrets, text T, i int) (r rune, size int) {
	if text[i] < utf8.RuneSelf {
		return rune(text[i]), 1
	}
	var b [utf8.UTFMax]byte
	r, size = utf8.DecodeRune(b[:copy(b[:], text[i:])])
	for at := i + 1; at < i+size; at++ {
		if secretsEnd(s, text, at) > at {
			return utf8.RuneError, 1
		}
	}
	return r, size
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
