package records

import (
	"context"
	"testing"
	"time"

	"pointsledger/evidence"
	"pointsledger/vendorapi"
)

// alone is a vendor that shows records and resolves codes, and tells nothing else.
type alone struct{ complete bool }

func (alone) Endpoint() string { return "alone" }
func (alone) Close()           {}

func (v alone) ReadRecords(_ context.Context, memberID string) (evidence.Reading, vendorapi.Reply) {
	if memberID != "m-42" {
		return evidence.Reading{}, vendorapi.Reply{Outcome: vendorapi.Unknown}
	}
	at := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	return evidence.Reading{Complete: v.complete, Records: []evidence.Record{{Award: true, Points: 7, Text: "SO-1", At: at}, {Award: true, Points: 1}}},
		vendorapi.Reply{Outcome: vendorapi.Applied}
}

func (alone) Resolve(_ context.Context, code string) (string, vendorapi.Reply) {
	if code != "code" {
		return "", vendorapi.Reply{Outcome: vendorapi.Refused, Err: vendorapi.ErrNoMember}
	}
	return "m-42", vendorapi.Reply{Outcome: vendorapi.Applied}
}

// A vendor that tells nothing of a member but the records is read for these.
func TestMemberByRecordsAlone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text             string
		byID, surelyCode bool
		state            string
		read             int
	}{
		{"m-42", true, false, VendorRead, 2}, {"code", false, false, VendorRead, 2}, {"nobody", false, false, VendorRefused, 0}, {"m-43", true, false, VendorAway, 0},
		{"m-42", false, false, VendorRead, 2}, {"m-42", false, true, VendorRefused, 0}, // an id that the ledger knows from a code alone
	} {
		view := readRecordsAlone(t.Context(), alone{complete: true}, c.text, c.byID, c.surelyCode)
		if view.State != c.state || view.RecordsRead() != c.read || view.Partial || view.Identity != nil {
			t.Errorf("%s: %+v", c.text, view)
		}
		if c.read > 0 && (view.id != "m-42" || view.history.Records[0].WrittenAt != "2026-11-27 20:00:00" || view.history.Records[1].WrittenAt != "") {
			t.Errorf("%s: %+v", c.text, view)
		}
	}
	if view := readRecordsAlone(t.Context(), alone{}, "m-42", true, false); !view.Partial || !view.history.Partial {
		t.Errorf("%+v", view)
	}
}
