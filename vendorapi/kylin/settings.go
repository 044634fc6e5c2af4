package kylin

import (
	"fmt"
	"regexp"
	"strconv"

	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

// Settings are what an account at Kylin has that no other kind has.
type Settings struct {
	// Headers are sent with every request; the page does not say how the gateway
	// authenticates, so this is where that goes.
	Headers []vendorapi.Header
	// Codes gives answers a meaning that the page leaves open.
	Codes Codes
	// MemberType is memberType (default aupres).
	MemberType string
	// PointBizType is pointBizType (default POINT).
	PointBizType string
}

// Codes lists answers by meaning. A code stands in one list only.
type Codes struct {
	// Applied are codes in the body of a 200 or 201 that mean frozen. Without an
	// entry 0, 200, 201, 204, ok and success do. A wrong entry loses freezes
	// silently; a missing one leaves every freeze in doubt.
	Applied []string
	// The others are HTTP statuses from 400 to 499. AlreadyApplied: this key was
	// applied before; a wrong entry loses freezes silently. Auth: our credentials
	// are refused. Throttled: too many calls. Retryable: not applied, worth trying
	// again.
	AlreadyApplied, Auth, Throttled, Retryable []string
}

// Kind is Kylin's line in the table of kinds: its CRM. The page promises that a
// repeat is harmless, and offers no call that reads.
func Kind() vendorapi.Kind {
	return vendorapi.Kind{
		Name: "kylin", Title: "Kylin",
		Calls:          []ledger.Kind{ledger.FreezePoint},
		KeysHonoured:   true,
		ReasonMaxChars: MaxDescription,
		BaseURL:        true,
		Secrets:        []vendorapi.SecretField{{Field: "headers", Variable: "KYLIN_HEADERS", Optional: true}},
		Read:           readSettings,
	}
}

func readSettings(f vendorapi.Fields) vendorapi.Settings {
	lists := f.Codes(refuseCode, "already_applied", "auth", "throttled", "retryable", "applied")
	s := Settings{
		Codes: Codes{Applied: lists["applied"], AlreadyApplied: lists["already_applied"], Auth: lists["auth"],
			Throttled: lists["throttled"], Retryable: lists["retryable"]},
		Headers:    f.Headers("headers", "x-business-token", "content-type", "content-length", "transfer-encoding", "host", "connection"),
		MemberType: f.Text("member_type", DefaultMemberType), PointBizType: f.Text("point_biz_type", DefaultPointBizType),
	}
	for field, value := range map[string]string{"member_type": s.MemberType, "point_biz_type": s.PointBizType} {
		if value == "" || len(value) > 64 {
			f.Problem(field, "want 1 to 64 characters, got %s", strconv.Quote(value))
		}
	}
	return s
}

var httpStatus = regexp.MustCompile(`^4[0-9][0-9]$`)

func refuseCode(list, code string) string {
	if list != "applied" && !httpStatus.MatchString(code) {
		return fmt.Sprintf("want HTTP statuses from 400 to 499 for Kylin, got %q", code)
	}
	return ""
}

// Open implements vendorapi.Settings.
func (s Settings) Open(url string, http vendorapi.HTTPConfig) (vendorapi.Sender, error) {
	cfg := s.config(url)
	cfg.HTTP, cfg.Statuses = http, map[int]vendorapi.Outcome{}
	for outcome, codes := range map[vendorapi.Outcome][]string{
		vendorapi.AlreadyApplied: s.Codes.AlreadyApplied, vendorapi.Unauthorised: s.Codes.Auth,
		vendorapi.Throttled: s.Codes.Throttled, vendorapi.Retryable: s.Codes.Retryable,
	} {
		for _, code := range codes {
			status, err := strconv.Atoi(code)
			if err != nil {
				return nil, fmt.Errorf("code %q: want an HTTP status", code)
			}
			cfg.Statuses[status] = outcome
		}
	}
	c, err := New(cfg)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// config is also what a request is previewed with.
func (s Settings) config(url string) Config {
	headers := make(map[string]string, len(s.Headers))
	for _, h := range s.Headers {
		headers[h.Name] = h.Value.Reveal()
	}
	return Config{URL: url, Headers: headers, MemberType: s.MemberType, PointBizType: s.PointBizType, AppliedCodes: s.Codes.Applied}
}

// Preview implements vendorapi.Settings.
func (s Settings) Preview(url string, c *ledger.VendorCall, shape string) vendorapi.Preview {
	cfg := s.config(url)
	if tried, err := parseShape(shape); err == nil { // it was tried: it is sent as it was
		cfg.MemberType, cfg.PointBizType = tried.MemberType, tried.PointBizType
	}
	return previewFreeze(cfg, requestOf(c))
}

// Secrets implements vendorapi.Settings.
func (s Settings) Secrets() []vendorapi.Secret {
	values := make([]vendorapi.Secret, len(s.Headers))
	for i, h := range s.Headers {
		values[i] = h.Value
	}
	return values
}
