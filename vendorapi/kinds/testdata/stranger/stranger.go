// Package stranger is a vendor that nothing of the house knows: what it takes to
// add one. It grants points by a POST of one line, tells no member, shows no
// records, and names a campaign from the configuration in each call.
package stranger

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"pointsledger/ledger"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/wire"
)

// Kind is the stranger's line in a table of kinds.
func Kind() vendorapi.Kind {
	return vendorapi.Kind{
		Name: "stranger", Title: "Stranger",
		Calls:          []ledger.Kind{ledger.PointsAdd},
		KeysHonoured:   true,
		ReasonMaxChars: 40,
		Secrets:        []vendorapi.SecretField{{Field: "pass", Variable: "STRANGER_PASS"}},
		Read: func(f vendorapi.Fields) vendorapi.Settings {
			s := settings{Pass: f.Secret("pass"), Campaign: f.Text("campaign", "spring")}
			if strings.Contains(s.Campaign, " ") {
				f.Problem("campaign", "want no spaces, got %q", s.Campaign)
			}
			return s
		},
	}
}

type settings struct {
	Pass     vendorapi.Secret
	Campaign string
}

func (s settings) Secrets() []vendorapi.Secret { return []vendorapi.Secret{s.Pass} }

func (s settings) Open(address string, http vendorapi.HTTPConfig) (vendorapi.Sender, error) {
	at, err := vendorapi.ParseURL(address)
	if err != nil {
		return nil, err
	}
	caller, err := wire.NewCaller(http)
	if err != nil {
		return nil, err
	}
	return &client{caller, at, s.Pass.Reveal(), s.Campaign}, nil
}

func (s settings) Preview(address string, c *ledger.VendorCall, shape string) vendorapi.Preview {
	campaign := s.Campaign
	if shape != "" {
		campaign = shape
	}
	return vendorapi.Preview{Method: "POST", URL: vendorapi.PreviewURL(address), Header: http.Header{"Pass": {vendorapi.Mask}}, Body: body(c, campaign)}
}

type client struct {
	caller   *wire.Caller
	url      *url.URL
	pass     string
	campaign string
}

// Send implements vendorapi.Sender.
func (c *client) Send(ctx context.Context, call *ledger.VendorCall) vendorapi.Reply {
	if call.Kind != ledger.PointsAdd {
		return vendorapi.NotOffered(call.Kind, "Stranger")
	}
	answer := c.caller.Post(ctx, wire.Call{URL: c.url, Header: http.Header{"Pass": {c.pass}}, Body: body(call, c.campaign),
		Secrets: wire.NewSecrets(c.pass)})
	reply := answer.Reply()
	switch answer.Status {
	case http.StatusOK:
		reply.Outcome = vendorapi.Applied
	case http.StatusForbidden:
		reply.Outcome = vendorapi.Unauthorised
	}
	return reply
}

// Shape implements vendorapi.Shaped.
func (c *client) Shape() string { return c.campaign }

// InShape implements vendorapi.Shaped.
func (c *client) InShape(text string) (vendorapi.Sender, error) {
	other := *c
	other.campaign = text
	return &other, nil
}

// Close implements vendorapi.Closer.
func (c *client) Close() { c.caller.Close() }

func body(c *ledger.VendorCall, campaign string) []byte {
	return fmt.Appendf(nil, `{"key":%q,"member":%q,"points":%d,"campaign":%q}`, c.BizID, c.MemberID, c.Points, campaign)
}
