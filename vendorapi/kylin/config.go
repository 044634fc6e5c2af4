package kylin

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"pointsledger/vendorapi"
	"pointsledger/vendorapi/wire"
)

const (
	// DefaultMemberType is what the page's table says; its example shows
	// another value.
	DefaultMemberType = "aupres"
	// DefaultPointBizType is the page's example.
	DefaultPointBizType = "POINT"

	tokenHeader = "X-Business-Token"
)

// Config is one Kylin account.
type Config struct {
	// URL is the base; the path of the call is appended. Required: the page
	// names no host.
	URL string
	// Headers are sent with every call, by name. The page does not say how the
	// gateway knows us, so this is where its credentials go; the values are
	// kept secret. Headers of the call itself and of HTTP are refused here.
	Headers map[string]string
	// MemberType and PointBizType; empty is the default of that name.
	MemberType   string
	PointBizType string
	// AppliedCodes are codes in the body of a 200 or 201 that mean frozen, beside
	// 0, 200, 201, 204, ok and success; see checkBody. Empty is usual: the page
	// shows no body. A code that means a failure, listed here, loses freezes
	// silently.
	AppliedCodes []string
	// Statuses gives HTTP statuses a meaning that the page leaves open (409 as
	// already applied, say). nil: the page's meanings alone.
	Statuses map[int]vendorapi.Outcome
	HTTP     vendorapi.HTTPConfig
}

func (c Config) withDefaults() Config {
	if c.MemberType == "" {
		c.MemberType = DefaultMemberType
	}
	if c.PointBizType == "" {
		c.PointBizType = DefaultPointBizType
	}
	return c
}

// ownHeaders are set by the call or by HTTP. The two idempotency headers are
// here because net/http takes them as leave to send a POST again by itself.
func ownHeaders() []string {
	return []string{
		tokenHeader, "Content-Type", "Host", "Content-Length", "Content-Encoding", "Transfer-Encoding",
		"Accept-Encoding", "Connection", "Trailer", "Te", "Upgrade", "Expect",
		"Idempotency-Key", "X-Idempotency-Key",
	}
}

// header builds what every request carries, or names every header that is
// wrong. Its errors have names only: a value may be a credential.
func (c Config) header() (http.Header, error) {
	h := http.Header{
		"Content-Type": {"application/json"},
		"Accept":       {"application/json"},
		"User-Agent":   {"points-ledger"},
	}
	var errs []error
	seen := make(map[string]bool)
	for name, value := range c.Headers {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		switch {
		case !wire.IsToken(name):
			errs = append(errs, fmt.Errorf("header %q: not a header name", name))
		case slices.Contains(ownHeaders(), canonical):
			errs = append(errs, fmt.Errorf("header %s: is set by the client", canonical))
		case seen[canonical]:
			errs = append(errs, fmt.Errorf("header %s: given twice", canonical))
		case !wire.IsFieldValue(value):
			errs = append(errs, fmt.Errorf("header %s: empty, or characters that a header cannot hold", canonical))
		default:
			seen[canonical] = true
			h[canonical] = []string{value}
		}
	}
	// The map has no order; an error text should.
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return h, errors.Join(errs...)
}
