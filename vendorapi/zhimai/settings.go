package zhimai

import (
	"regexp"
	"strings"

	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

// Settings are what an account at Zhimai has that no other kind has.
type Settings struct {
	// OpenID, GrantCode and OpenKey are the credentials.
	OpenID, GrantCode, OpenKey vendorapi.Secret
	// Codes gives vendor codes a meaning that the pages leave open.
	Codes Codes
	// SigningPayload is the text that the Token signs, with {GrantCode},
	// {Nonce}, {OpenId}, {Timestamp} and {Action} filled in. The
	// guide is not among the pages: the default is an assumption. Wrong, and
	// the vendor refuses everything.
	SigningPayload string
	// SigningURLEncode says that the base64 of the Token is URL-encoded
	// (default true, as the page's example shows).
	SigningURLEncode bool
}

// Kind is Zhimai's line in the table of kinds: its OpenAPI v2.
func Kind() vendorapi.Kind {
	return vendorapi.Kind{
		Name: "zhimai", Title: "Zhimai",
		Calls:   []ledger.Kind{ledger.PointsAdd},
		Records: true, ScannedCodes: true,
		// The page gives no length for reason; 50 is what another vendor of
		// the kind allows.
		ReasonMaxChars: 50,
		Secrets: []vendorapi.SecretField{
			{Field: "open_id", Variable: "ZHIMAI_OPEN_ID"},
			{Field: "grant_code", Variable: "ZHIMAI_GRANT_CODE"},
			{Field: "open_key", Variable: "ZHIMAI_OPEN_KEY"},
		},
		Read: readSettings,
	}
}

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

func readSettings(f vendorapi.Fields) vendorapi.Settings {
	lists := f.Codes(refuseCode, "already_applied", "auth", "throttled", "retryable")
	s := Settings{
		Codes:  Codes{AlreadyApplied: lists["already_applied"], Auth: lists["auth"], Throttled: lists["throttled"], Retryable: lists["retryable"]},
		OpenID: f.Secret("open_id"), GrantCode: f.Secret("grant_code"), OpenKey: f.Secret("open_key"),
		SigningPayload: f.Text("signing_payload", DefaultPayload), SigningURLEncode: f.Bool("signing_url_encode", true),
	}
	allowed := []string{"{GrantCode}", "{Nonce}", "{OpenId}", "{Timestamp}", "{Action}"}
	for _, found := range placeholder.FindAllString(s.SigningPayload, -1) {
		if !strings.Contains(strings.Join(allowed, ""), found) {
			f.Problem("signing_payload", "%s is not known; want %s", found, strings.Join(allowed, " "))
		}
	}
	if !strings.Contains(s.SigningPayload, "{Timestamp}") && !strings.Contains(s.SigningPayload, "{Nonce}") {
		f.Problem("signing_payload", "want {Timestamp} or {Nonce} in it, or every call has the same Token; got %q", s.SigningPayload)
	}
	return s
}

func refuseCode(_, code string) string {
	if code == "0" {
		return "code 0 is success at Zhimai"
	}
	return ""
}

// Open implements vendorapi.Settings.
func (s Settings) Open(url string, http vendorapi.HTTPConfig) (vendorapi.Sender, error) {
	c, err := New(Config{URL: url, OpenID: s.OpenID.Reveal(), GrantCode: s.GrantCode.Reveal(), OpenKey: s.OpenKey.Reveal(),
		Signing: Signing{Payload: s.SigningPayload, URLEncode: s.SigningURLEncode}, Codes: s.Codes, HTTP: http})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Preview implements vendorapi.Settings. An empty url is DefaultURL.
func (s Settings) Preview(url string, c *ledger.VendorCall, _ string) vendorapi.Preview {
	return previewPointsAdd(url, requestOf(c))
}

// Secrets implements vendorapi.Settings.
func (s Settings) Secrets() []vendorapi.Secret {
	return []vendorapi.Secret{s.OpenID, s.GrantCode, s.OpenKey}
}

// CodeLists are the codes as the configuration lists them.
func (s Settings) CodeLists() map[string][]string {
	return map[string][]string{"already_applied": s.Codes.AlreadyApplied, "auth": s.Codes.Auth,
		"throttled": s.Codes.Throttled, "retryable": s.Codes.Retryable}
}

// WithWrongKey implements vendorapi.Signed.
func (s Settings) WithWrongKey() vendorapi.Settings {
	s.OpenKey = "not-the-key-of-" + s.OpenKey
	return s
}
