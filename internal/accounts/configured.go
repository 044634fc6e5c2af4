package accounts

import (
	"encoding/json"
	"slices"

	"pointsledger/desk"
	"pointsledger/desk/overview"
	"pointsledger/desk/privacy"
	"pointsledger/internal/config"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

// Configured answers what an overview of operations asks of a configuration.
type Configured struct{ Config *config.Config }

// KeyMemories implements overview.Configuration.
func (c Configured) KeyMemories() []desk.KeyMemory { return KeyMemories(c.Config) }

// Account implements overview.Configuration.
func (c Configured) Account(name string) overview.Settings {
	v, _ := c.Config.Account(name)
	s := overview.Settings{Verifies: v.InDoubt == config.InDoubtVerify}
	for _, m := range c.KeyMemories() {
		if m.Account == name {
			s.Memory = m.Memory
		}
	}
	return s
}

// Request implements overview.Configuration.
func (c Configured) Request(d *desk.OperationDetail) *vendorapi.Preview {
	account, found := c.Config.Account(d.Account)
	if !found || d.Open == nil || !slices.Contains(account.Calls, d.Kind) {
		return nil
	}
	call := ledger.VendorCall{Kind: d.Kind, BizID: d.BizID, Points: d.Points, SourceType: d.SourceType,
		PointsChannel: d.PointsChannel, Reason: d.Reason, ShopCode: d.ShopCode, Origin: d.Origin, MemberID: d.MemberID}
	p := Preview(account, call, d.Open.Shape)
	hide := func(text string) string { return privacy.Hide(text, d.MemberID, d.MemberCode) }
	p.URL = hide(p.URL)
	for _, values := range p.Header {
		for i, value := range values {
			values[i] = hide(value)
		}
	}
	if len(p.Body) > 0 { // an empty one is no JSON
		p.Body = json.RawMessage(hide(string(p.Body)))
	}
	return &p
}
