package config

import (
	"fmt"
	"io"
	"net/url"
	"strings"
)

// DatabaseURL is a Postgres URL or keyword string whose password is masked
// wherever it is printed; host, user and database are shown. Parameters that
// are not known to be harmless are left out.
type DatabaseURL string

// Reveal returns the address with its password, for the one place that connects.
func (d DatabaseURL) Reveal() string { return string(d) }

func (d DatabaseURL) String() string {
	if d == "" {
		return unset
	}
	if strings.Contains(string(d), "://") {
		return maskURL(string(d))
	}
	return maskKeywords(string(d))
}

// GoString masks %#v.
func (d DatabaseURL) GoString() string { return d.String() }

// Format masks every verb.
func (d DatabaseURL) Format(f fmt.State, _ rune) { writeMasked(f, d.String()) }

// MarshalText masks JSON and everything else that asks for text.
func (d DatabaseURL) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// MarshalYAML masks YAML.
func (d DatabaseURL) MarshalYAML() (any, error) { return d.String(), nil }

// NATSURL is one server or several, separated by commas. Users, passwords and
// tokens in it are masked wherever it is printed.
type NATSURL string

// Reveal returns the address with its credentials, for the one place that connects.
func (n NATSURL) Reveal() string { return string(n) }

func (n NATSURL) String() string {
	if n == "" {
		return unset
	}
	servers := strings.Split(string(n), ",")
	for i, server := range servers {
		server = strings.TrimSpace(server)
		scheme, rest, found := strings.Cut(server, "://")
		if !found {
			scheme, rest = "", server
		} else {
			scheme += "://"
		}
		// A lone user name is a token at NATS, so it is masked too.
		if at := strings.LastIndex(rest, "@"); at >= 0 {
			rest = "***" + rest[at:]
		}
		servers[i] = scheme + rest
	}
	return strings.Join(servers, ",")
}

// GoString masks %#v.
func (n NATSURL) GoString() string { return n.String() }

// Format masks every verb.
func (n NATSURL) Format(f fmt.State, _ rune) { writeMasked(f, n.String()) }

// MarshalText masks JSON and everything else that asks for text.
func (n NATSURL) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// MarshalYAML masks YAML.
func (n NATSURL) MarshalYAML() (any, error) { return n.String(), nil }

// writeMasked ignores a failing writer: a Formatter cannot report it.
func writeMasked(w io.Writer, text string) { _, _ = io.WriteString(w, text) }

// harmless says that a Postgres parameter can be shown. A list of what is safe
// rather than of what is secret: an unknown parameter may hold anything.
func harmless(parameter string) bool {
	switch parameter {
	case "host", "port", "user", "dbname", "sslmode", "application_name", "connect_timeout", "search_path",
		"pool_max_conns", "pool_min_conns", "pool_max_conn_lifetime", "pool_max_conn_idle_time", "target_session_attrs":
		return true
	}
	return false
}

func maskURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "***"
	}
	var shown strings.Builder
	shown.WriteString(u.Scheme + "://")
	if u.User != nil {
		shown.WriteString(url.User(u.User.Username()).String())
		if _, has := u.User.Password(); has {
			shown.WriteString(":***")
		}
		shown.WriteString("@")
	}
	shown.WriteString(u.Host + u.EscapedPath())
	kept := url.Values{}
	for name, values := range u.Query() {
		if harmless(name) {
			kept[name] = values
		}
	}
	if len(kept) > 0 {
		shown.WriteString("?" + kept.Encode())
	}
	return shown.String()
}

// maskKeywords shows the harmless words of "host=db user=ledger password=x".
// Values in quotes may hold spaces and are not taken apart: the text is then
// masked as a whole.
func maskKeywords(text string) string {
	if strings.ContainsAny(text, `'\`) {
		return "***"
	}
	var shown []string
	for _, word := range strings.Fields(text) {
		name, _, found := strings.Cut(word, "=")
		switch {
		case !found || name == "":
			return "***" // spaces around "=": not sure what is what
		case harmless(name):
			shown = append(shown, word)
		case name == "password":
			shown = append(shown, "password=***")
		}
	}
	return strings.Join(shown, " ")
}
