package custom

import (
	"maps"
	"slices"
	"time"

	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

// Settings are what an account of the kind has: its calls, as data.
type Settings struct {
	// Values are the secrets by the names that templates have for them.
	Values map[string]vendorapi.Secret
	// calls are the points calls by their kind, as they were written and compiled.
	calls map[ledger.Kind]*call
	// shape is what shapes the points calls, as text.
	shape string
	// compile makes the calls of another shape.
	compile func(shape string) (map[ledger.Kind]*call, error)

	token   *tokenCall // nil: none
	records *recordsCall
	member  *memberCall
}

// Kind is the line of calls as data in the table of kinds.
func Kind() vendorapi.Kind {
	return vendorapi.Kind{
		Name: "custom", Title: "A vendor of your own",
		ReasonMaxChars: 50,
		BaseURL:        true,
		Read:           readSettings,
	}
}

// pointsCalls are the calls that give or take points, by the text of their kinds.
func pointsCalls() []string {
	return []string{"points_add", "points_deduct", "freeze_point", "unfreeze_point", "consume_frozen"}
}

const (
	recordsName = "records"
	memberName  = "member"
)

// Offers implements vendorapi.Offering.
func (s Settings) Offers() vendorapi.Offers {
	o := vendorapi.Offers{Records: s.records != nil, ScannedCodes: s.member != nil, AnyMemberID: true}
	for _, name := range pointsCalls() {
		if s.calls[ledger.Kind(name)] != nil {
			o.Calls = append(o.Calls, ledger.Kind(name))
		}
	}
	return o
}

// Secrets implements vendorapi.Settings.
func (s Settings) Secrets() []vendorapi.Secret {
	return slices.Collect(maps.Values(s.Values))
}

// Signed are Settings whose calls are signed.
type Signed struct{ Settings }

// WithWrongKey implements vendorapi.Signed.
func (s Signed) WithWrongKey() vendorapi.Settings {
	wrong := s.Settings
	wrong.calls = maps.Clone(wrong.calls)
	for kind, c := range wrong.calls {
		wrong.calls[kind] = c.signedWrongly()
	}
	if wrong.records != nil {
		records := *wrong.records
		records.call, wrong.records = records.signedWrongly(), &records
	}
	if wrong.member != nil {
		member := *wrong.member
		member.call, wrong.member = member.signedWrongly(), &member
	}
	return Signed{wrong}
}

// signedWrongly is the call with a signature over the same and a little more: for an
// algorithm without a key there is nothing else that could be wrong.
func (c *call) signedWrongly() *call {
	if c.sign == nil {
		return c
	}
	wrong, sign := *c, *c.sign
	sign.over = append(template{{text: "not-what-the-vendor-signs-"}}, sign.over...)
	wrong.sign = &sign
	return &wrong
}

// Preview implements vendorapi.Settings. A call that the account does not have has no
// request.
func (s Settings) Preview(address string, c *ledger.VendorCall, shape string) vendorapi.Preview {
	calls := s.calls
	if shape != "" {
		if tried, err := s.compile(shape); err == nil { // it was tried: it is sent as it was
			calls = tried
		}
	}
	made, offered := calls[c.Kind]
	if !offered {
		return vendorapi.Preview{URL: vendorapi.PreviewURL(address)}
	}
	v := values{texts: map[string]string{nameToken: vendorapi.Mask}, shown: true}
	for name := range s.Values {
		v.texts[secretPrefix+name] = vendorapi.Mask
	}
	for _, name := range momentNames() {
		v.texts[name] = vendorapi.Mask
	}
	addOperation(v, c)
	return made.preview(address, v)
}

// chinasTime is the zone of what is written without one.
var chinasTime = time.FixedZone("CST", 8*60*60)
