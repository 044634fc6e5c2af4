package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/vendorapi"
)

// maxSecretBytes bounds a secret, also one read from a file.
const maxSecretBytes = 64 << 10

// The words that say where a value came from (Setting.From).
const (
	fromDefault     = "default"
	fromEnvironment = "environment"
	fromFile        = "file"
)

// unset is shown for a value that is not there.
const unset = "unset"

// Setting is one effective value, masked, and where it came from: default,
// environment, "file <path>".
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	From  string `json:"from"`
}

// MarshalJSON writes null for a value that is not set.
func (s Setting) MarshalJSON() ([]byte, error) {
	var value *string
	if s.Value != unset || s.From != fromDefault {
		value = &s.Value
	}
	return json.Marshal(struct {
		Name  string  `json:"name"`
		Value *string `json:"value"`
		From  string  `json:"from"`
	}{s.Name, value, s.From})
}

// environment reads variables and collects what is wrong with them. A variable
// that is set to nothing counts as unset: that is how compose files pass one.
type environment struct {
	// kinds are those that an account may be of.
	kinds    []vendorapi.Kind
	values   map[string]string
	readFile func(string) ([]byte, error)
	known    map[string]bool
	settings []Setting
	warnings []string
	problems
}

func newEnvironment(kinds []vendorapi.Kind, environ []string, readFile func(string) ([]byte, error)) *environment {
	e := &environment{kinds: kinds, values: map[string]string{}, readFile: readFile, known: map[string]bool{}}
	for _, entry := range environ {
		if name, value, found := strings.Cut(entry, "="); found {
			e.values[name] = value
		}
	}
	return e
}

func (e *environment) get(name string) string {
	e.known[name] = true
	return e.values[name]
}

func (e *environment) note(name, value, from string) {
	e.settings = append(e.settings, Setting{Name: name, Value: value, From: from})
}

// text reads a plain variable and says where its value came from.
func (e *environment) text(name, otherwise string) (value, from string) {
	if value := e.get(name); value != "" {
		return value, fromEnvironment
	}
	return otherwise, fromDefault
}

// integer reads a whole number between least and most, both allowed.
func (e *environment) integer(name string, otherwise, least, most int) int {
	text, from := e.text(name, strconv.Itoa(otherwise))
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		e.addf(name, "want a whole number from %d to %d, got %q", least, most, text)
		n = otherwise
	}
	e.note(name, strconv.Itoa(n), from)
	return n
}

// duration reads a duration with its unit between least and most, both allowed.
func (e *environment) duration(name string, otherwise, least, most time.Duration) time.Duration {
	text, from := e.text(name, otherwise.String())
	d, err := time.ParseDuration(text)
	if err != nil || d < least || d > most {
		e.addf(name, "want a duration from %s to %s such as %s, got %q", least, most, otherwise, text)
		d = otherwise
	}
	e.note(name, d.String(), from)
	return d
}

// secret reads NAME, or the file that NAME_FILE names; both set is an error.
// The file's trailing line ends are dropped.
func (e *environment) secret(name string) (value, from string) {
	value = e.get(name)
	path := e.get(name + "_FILE")
	switch {
	case value != "" && path != "":
		e.addf(name, "set together with %s_FILE; want only one of them", name)
		return "", fromDefault
	case value != "":
		from = fromEnvironment
	case path != "":
		raw, err := e.readFile(path)
		if err != nil {
			e.addf(name+"_FILE", "read %s: %w", path, pathless(err))
			return "", fromDefault
		}
		value, from = strings.TrimRight(string(raw), "\r\n"), "file "+path
		if value == "" {
			e.addf(name+"_FILE", "%s is empty", path)
			return "", fromDefault
		}
	default:
		return "", fromDefault
	}
	if len(value) > maxSecretBytes || !utf8.ValidString(value) {
		e.addf(name, "want at most %d bytes of UTF-8 text (the value is not shown)", maxSecretBytes)
		return "", fromDefault
	}
	return value, from
}

// oneLineSecret is a secret in which a line end or other control character, or
// a space around it, can only be a copying mistake.
func (e *environment) oneLineSecret(name string) (vendorapi.Secret, string) {
	value, from := e.secret(name)
	if strings.ContainsFunc(value, unicode.IsControl) || strings.TrimSpace(value) != value {
		e.addf(name, "want no control characters and no space at either end (the value is not shown)")
		return "", from
	}
	return vendorapi.Secret(value), from
}

// pathless drops the path that the caller has already named.
func pathless(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

// headers reads "Name: value" lines, empty lines allowed. own are the names, in
// lower case, that a configured header must not replace.
func (e *environment) headers(name string, own []string) ([]vendorapi.Header, string) {
	text, from := e.secret(name)
	var list []vendorapi.Header
	seen := map[string]bool{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		field, value, found := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		lower := strings.ToLower(field)
		switch {
		case !found:
			e.addf(name, "line %d: want \"Name: value\" (the text is not shown)", i+1)
		case !headerName(field):
			e.addf(name, "line %d: want a header name of letters, digits and dashes before the colon (the text is not shown)", i+1)
		case value == "" || strings.ContainsFunc(value, unicode.IsControl):
			e.addf(name, "line %d: want a value without control characters after %s:", i+1, field)
		case seen[lower]:
			e.addf(name, "line %d: %s stands twice", i+1, field)
		case slices.Contains(own, lower):
			e.addf(name, "line %d: %s is set by the client itself", i+1, field)
		default:
			list = append(list, vendorapi.Header{Name: field, Value: vendorapi.Secret(value)})
		}
		seen[lower] = true
	}
	return list, from
}

func headerName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	})
}

// httpAddr wants host:port; the host may be empty.
func (e *environment) httpAddr(name, otherwise string) string {
	addr, from := e.text(name, otherwise)
	if _, port, err := net.SplitHostPort(addr); err != nil || !validPort(port) {
		e.addf(name, "want host:port with a port from 0 to 65535, got %q", addr)
	}
	e.note(name, addr, from)
	return addr
}

func validPort(port string) bool {
	n, err := strconv.Atoi(port)
	return err == nil && n >= 0 && n <= 65535
}

// jetstreamName wants what JetStream takes as the name of a stream or consumer.
func (e *environment) jetstreamName(name, otherwise string) string {
	text, from := e.text(name, otherwise)
	bad := func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`.*>/\`, r)
	}
	if len(text) > 200 || strings.ContainsFunc(text, bad) {
		e.addf(name, `want at most 200 characters without space . * > / \, got %q`, text)
	}
	e.note(name, text, from)
	return text
}

// databaseURL checks with pgx, whose words are shown only when they cannot
// hold the password.
func (e *environment) databaseURL(name string) DatabaseURL {
	value, from := e.secret(name)
	address := DatabaseURL(value)
	e.note(name, address.String(), from)
	if value == "" {
		return ""
	}
	scheme, _, found := strings.Cut(value, "://")
	switch {
	case found && scheme != "postgres" && scheme != "postgresql":
		e.addf(name, "want postgres://user:password@host:port/database (the value is not shown)")
	case !found && !strings.Contains(value, "="):
		e.addf(name, "want postgres://user:password@host:port/database or host=… user=… words (the value is not shown)")
	default:
		if _, err := pgxpool.ParseConfig(value); err != nil {
			e.addf(name, "not usable as a Postgres address%s", databaseHint(err))
		}
	}
	return address
}

// databaseHint passes on only pgx's words about parameters that cannot be
// secret; the rest of its text may quote the address.
func databaseHint(err error) string {
	for _, word := range []string{"sslmode", "port", "connect_timeout", "pool_max_conns", "pool_min_conns", "target_session_attrs", "sslrootcert"} {
		if strings.Contains(err.Error(), "invalid "+word) || strings.Contains(err.Error(), word+" is invalid") || strings.Contains(err.Error(), "cannot parse "+word) {
			return fmt.Sprintf(": %s is wrong", word)
		}
	}
	return " (the value is not shown)"
}
