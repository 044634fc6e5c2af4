package zhimai

import (
	"errors"
	"fmt"
	"net/url"

	"pointsledger/vendorapi"
	"pointsledger/vendorapi/wire"
)

// DefaultURL is the published address (all Zhimai pages).
const DefaultURL = "http://openapi.zvcms.com/api/v2"

// Config is one Zhimai account.
type Config struct {
	// URL is the whole address; empty is DefaultURL.
	URL string
	// OpenID, GrantCode and OpenKey are the account's credentials; OpenKey
	// signs and is never sent. All are required, all are kept secret.
	OpenID    string
	GrantCode string
	OpenKey   string
	Signing   Signing
	Codes     Codes
	HTTP      vendorapi.HTTPConfig
}

// Codes says what a code means for the calls of this account, because the
// pages do not. Codes are compared as text. What is not listed is a refusal
// when the vendor's status is true, and unknown when it is false.
type Codes struct {
	// AlreadyApplied: the vendor has seen this bizId and applied it then.
	AlreadyApplied []string
	// Auth: our signature or grant was refused; nothing was applied.
	Auth []string
	// Throttled: too many calls; nothing was applied.
	Throttled []string
	// Retryable: not applied, worth trying again. Only with status true: with
	// status false the page says "system error", which proves nothing.
	Retryable []string
}

// compile turns the lists into one table, or names every code that is wrong.
func (c Codes) compile() (map[string]vendorapi.Outcome, error) {
	table := make(map[string]vendorapi.Outcome)
	var errs []error
	for _, list := range []struct {
		name    string
		outcome vendorapi.Outcome
		codes   []string
	}{
		{"already_applied", vendorapi.AlreadyApplied, c.AlreadyApplied},
		{"auth", vendorapi.Unauthorised, c.Auth},
		{"throttled", vendorapi.Throttled, c.Throttled},
		{"retryable", vendorapi.Retryable, c.Retryable},
	} {
		for _, code := range list.codes {
			before, listed := table[code]
			switch {
			case code == "":
				errs = append(errs, fmt.Errorf("codes %s: an empty code", list.name))
			case isZero(code):
				errs = append(errs, fmt.Errorf("codes %s: %q is the code of success", list.name, code))
			case listed && before != list.outcome:
				errs = append(errs, fmt.Errorf("codes %s: %q is also listed as %s", list.name, code, before))
			default:
				table[code] = list.outcome
			}
		}
	}
	return table, errors.Join(errs...)
}

// compiled is what check makes of a Config.
type compiled struct {
	url     *url.URL
	payload []payloadPart
	codes   map[string]vendorapi.Outcome
	caller  *wire.Caller
}

// check compiles the configuration, or joins everything that is wrong with it.
func (c Config) check() (compiled, error) {
	var out compiled
	var errs []error
	note := func(err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("zhimai: %w", err))
		}
	}
	var err error
	if c.URL == "" {
		c.URL = DefaultURL
	}
	out.url, err = vendorapi.ParseURL(c.URL)
	note(err)
	for _, credential := range []struct{ name, value string }{
		{"open id", c.OpenID}, {"grant code", c.GrantCode}, {"open key", c.OpenKey},
	} {
		if credential.value == "" {
			note(fmt.Errorf("%s: missing", credential.name))
		}
	}
	out.payload, err = compilePayload(c.Signing.Payload)
	note(err)
	out.codes, err = c.Codes.compile()
	note(err)
	out.caller, err = wire.NewCaller(c.HTTP)
	note(err)
	return out, errors.Join(errs...)
}
