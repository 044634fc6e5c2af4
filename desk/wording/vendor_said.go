package wording

import (
	"fmt"
	"strings"

	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

// Call names a call whose words are shown beside those about the points;
// empty for the points call itself.
func Call(call ledger.Call) string {
	switch call {
	case ledger.CallRecords:
		return "reading the member's records"
	case ledger.CallIdentity:
		return "asking who the member is"
	}
	return ""
}

// VendorSaid is what a vendor answered to the call for the points, or, named as
// such, to the one that asked who the member is. Where it gave no words, ours
// stand in brackets.
func VendorSaid(call ledger.Call, code, words, ours string) string {
	said := strings.TrimSpace(code + " " + words)
	if said == "" && ours != "" {
		said = "(" + ours + ")"
	}
	if call == ledger.CallIdentity && said != "" {
		said = "identity: " + said // a column is narrow
	}
	return said
}

// Answer joins what a vendor answered.
func Answer(status int, code, words string) string {
	var parts []string
	if status != 0 {
		parts = append(parts, fmt.Sprintf("HTTP %d", status))
	}
	if code != "" {
		parts = append(parts, "code "+code)
	}
	if words != "" {
		parts = append(parts, words)
	}
	return strings.Join(parts, ", ")
}

// Outcome says what a call that reads came to.
func Outcome(o vendorapi.Outcome) string {
	switch o {
	case vendorapi.Refused:
		return "the vendor said no"
	case vendorapi.Unauthorised:
		return "the vendor does not accept our credentials"
	case vendorapi.Throttled:
		return "the vendor asked for fewer calls"
	case vendorapi.NotSent:
		return "the vendor could not be reached"
	case vendorapi.Retryable:
		return "the vendor asked to try again later"
	}
	return "the vendor gave no clear answer"
}
