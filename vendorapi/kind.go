package vendorapi

import "pointsledger/ledger"

// Kind is what the rest of the house asks instead of a vendor's name. The table
// of all kinds is vendorapi/kinds.
type Kind struct {
	// Name is what a configuration calls it (kind: zhimai). The account of that
	// name is the kind's own: it takes its url from NAME_URL, and its secrets from
	// the variables below.
	Name string
	// Title is what a person calls the vendor.
	Title string
	// Calls are the operations that its accounts take; none where that is said by
	// each account (Offering).
	Calls []ledger.Kind
	// Records: its Sender is a RecordReader. Then doubt is verified by default.
	Records bool
	// ScannedCodes: its Sender is a Resolver.
	ScannedCodes bool
	// KeysHonoured: the vendor promises to apply a repeated dedup key once. That is
	// the default; an account may say otherwise.
	KeysHonoured bool
	// ReasonMaxChars is the default of the most characters that a member is shown.
	ReasonMaxChars int
	// BaseURL: paths are appended to the url, so it is kept without a slash at its
	// end.
	BaseURL bool
	// Secrets come from the environment, never from the file.
	Secrets []SecretField
	// Read reads what only this kind has. It is called once for each account of
	// the kind.
	Read func(Fields) Settings
}

// SecretField is a secret of an account.
type SecretField struct {
	// Field is its name; in the file, FIELD_env names the variable.
	Field string
	// Variable is the one of the kind's own account.
	Variable string
	// Optional: calls can be made without it.
	Optional bool
}

// Settings are what an account has that only its kind has.
type Settings interface {
	// Open makes the account's client. The caller closes it (Closer), or the
	// process ends.
	Open(url string, http HTTPConfig) (Sender, error)
	// Preview shows the request that the Sender makes of a call, with secrets
	// masked. It needs no secret, and url may be empty. shape is the one that the
	// operation was tried in (Shaped); of an empty one, or one that cannot be read,
	// it is the settings' own.
	Preview(url string, c *ledger.VendorCall, shape string) Preview
	// Secrets are the values that must not be shown.
	Secrets() []Secret
}

// Fields is an account in a configuration as Settings are read from it. It notes
// each value with where it came from, and what is wrong with its line. One
// interface for all of it: a kind uses what it has fields for.
type Fields interface {
	// Text and Bool are a field's value, or otherwise where it has none.
	Text(field, otherwise string) string
	Bool(field string, otherwise bool) bool
	// Codes reads the lists of codes under "codes". refuse says what is wrong with a
	// code in a list; empty is nothing. That one stands in two lists is seen to.
	Codes(refuse func(list, code string) string, lists ...string) map[string][]string
	// Secret is the value of one of the kind's SecretFields, empty when it is not
	// set: without one that is not optional the account is off.
	Secret(field string) Secret
	// Headers is a SecretField that holds lines "Name: value"; own are those, in
	// lower case, that the client itself sets.
	Headers(field string, own ...string) []Header
	// Problem says that a field is wrong.
	Problem(field, format string, args ...any)
	Trees
}

// Offers is what can be asked of an account.
type Offers struct {
	Calls []ledger.Kind
	// Records and ScannedCodes are those of Kind.
	Records, ScannedCodes bool
	// AnyMemberID: the vendor's ids of members may look like anything, so that an event
	// names a member by memberId for every call.
	AnyMemberID bool
}

// Offering are Settings of a kind whose accounts do not all offer the same.
type Offering interface {
	Settings
	Offers() Offers
}

// Header is one static request header. The value is secret, the name is not.
type Header struct {
	Name  string
	Value Secret
}

// Signed are Settings whose calls carry a signature, so that a wrong one can be
// told from whatever else a vendor refuses.
type Signed interface {
	Settings
	// WithWrongKey are the same settings with a key that is not the vendor's.
	WithWrongKey() Settings
}

// Varied are Signed settings of a vendor whose pages leave open how calls are signed.
type Varied interface {
	Signed
	// Variants are the other ways that are worth trying, the likeliest first.
	Variants() []Variant
}

// Variant is one of them.
type Variant struct {
	Settings Settings
	// Lines are what to write into the account for it.
	Lines []string
}
