package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/internal/accounts"
	"pointsledger/internal/terminal"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

// request is the call that a worker would make for an operation now, with the
// configuration read here. nil when there is none to make, or the account is
// not configured.
func (s *session) request(d *desk.OperationDetail) *vendorapi.Preview {
	vendor, found := s.config.Vendor(d.Account)
	if !found || d.Open == nil {
		return nil
	}
	call := ledger.VendorCall{Kind: d.Kind, BizID: d.BizID, Points: d.Points, SourceType: d.SourceType,
		PointsChannel: d.PointsChannel, Reason: d.Reason, ShopCode: d.ShopCode, MemberID: d.MemberID}
	p := accounts.Preview(vendor, call, d.Open.Shape)
	p.Body = json.RawMessage(privacy.Hide(string(p.Body), d.MemberID, d.MemberCode))
	return &p
}

// printRequest prints the call, the body without blanks.
func (o *shownOperation) printRequest(out io.Writer) {
	if o.Request == nil {
		return
	}
	terminal.Line(out, "request now", o.Request.Method+" "+o.Request.URL)
	for _, name := range slices.Sorted(maps.Keys(o.Request.Header)) {
		if name != "Content-Type" {
			terminal.Line(out, "", name+": "+strings.Join(o.Request.Header[name], ", "))
		}
	}
	var body bytes.Buffer
	if json.Compact(&body, o.Request.Body) != nil {
		body.Write(o.Request.Body)
	}
	terminal.Line(out, "", body.String())
}
