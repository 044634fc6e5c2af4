package vendorapi

import (
	"crypto/x509"
	"errors"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// HTTPConfig bounds the HTTP calls to one vendor account. The zero value of
// each field means its default.
type HTTPConfig struct {
	// ConnectTimeout covers name lookup, TCP and TLS of a new connection
	// together. Default 3 s. Too low: slow networks look like "not sent" for
	// ever. Too high: a dead address holds a sender for long. At most Timeout.
	ConnectTimeout time.Duration
	// Timeout covers one call in all: waiting for a connection, connecting,
	// sending, reading the whole reply. Default 10 s. Too low: slow answers
	// become doubt. It must stay well below the lease of the outbox row.
	Timeout time.Duration
	// IdleTimeout is how long an unused connection is kept. Default 30 s. Too
	// high: the vendor closes it first, and a call may meet that moment.
	IdleTimeout time.Duration
	// MaxConns is the number of connections to the vendor, busy and idle, and
	// should equal the account's concurrency. Default 64. Lower than the
	// concurrency: calls wait for a connection, inside Timeout.
	MaxConns int
	// MaxReplyBytes caps a reply's body. Default 1 MiB. A longer reply is
	// unreadable, and so is its outcome.
	MaxReplyBytes int64
	// RootCAs replaces the system's certificate authorities. nil: the system's.
	RootCAs *x509.CertPool
}

// ParseURL reads a vendor's base URL. It refuses userinfo, query and fragment:
// credentials have their own fields, and a URL appears in errors and previews.
// Its errors do not repeat the text, which may hold such a credential.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("url: not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("url: want http:// or https://")
	case u.Hostname() == "":
		return nil, errors.New("url: want a host")
	case u.User != nil:
		return nil, errors.New("url: user name and password are not allowed in it")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("url: query and fragment are not allowed in it")
	case strings.ContainsFunc(u.Host, func(r rune) bool { return r >= utf8.RuneSelf }):
		return nil, errors.New("url: want the host in ASCII (xn--…)")
	}
	return u, nil
}
