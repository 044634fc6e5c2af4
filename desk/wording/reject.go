package wording

import (
	"pointsledger/ledger"
)

// Mend says what the publisher must mend. The reason in the reject names
// the field; this says what to do about its kind.
func Mend(code ledger.RejectCode, names Names) string {
	switch code {
	case ledger.NotJSON:
		return "Publish one JSON object in each message; " + names.CheckEvent + " shows whether it can be read"
	case ledger.NotUTF8:
		return "Encode the event in UTF-8. The reason says when the bytes look like GB18030"
	case ledger.NotCloudEvent:
		return "Wrap the event in a CloudEvents 1.0 envelope (specversion, id, source, type, data), or send the ce- headers"
	case ledger.MissingField:
		return "Send the field that the reason names, in exactly that spelling; " + names.ListFields + " lists them all"
	case ledger.BadType:
		return "Send the field that the reason names in the form that is wanted there: whole numbers without quotes, ids with them; and no passwords"
	case ledger.OutOfRange:
		return "Send a value within the bounds that the reason names"
	case ledger.UnknownType:
		return "Correct the type; or the rules need an entry for it"
	case ledger.UnknownChannel:
		return "Send a channel that is known; or the rules need an alias for it (channel_aliases)"
	case ledger.SubjectMismatch:
		return "Publish on the subject points.events.<type> of the type that the event names"
	case ledger.Conflict:
		return "Nothing about this event: its key was taken by another content before. What is really owed goes under a key of its own"
	case ledger.OverLimit:
		return "Check the amount. If it is right, the limit in the rules must be raised (limits.points_per_operation)"
	case ledger.Clock:
		return "Set the clock of the terminal or shop right, and publish the event with its true time"
	case ledger.TooLarge:
		return "Send only the fields that count; an event needs less than 1 kB"
	case ledger.NoVendorCall:
		return "Nothing: the vendors have no call for it"
	case ledger.VendorNotConfigured:
		return "Nothing: the account is off where the workers run"
	case ledger.OverRefunded:
		return "Check the amounts: refunds together are more than was paid. A correction of a refund needs a number of its own"
	case ledger.OriginUnknown:
		return "Publish the event that it is about, or name it right (its number, and orderSource where another system issued that)"
	}
	return "See the reason"
}

// RulesMayHelp tells whether other rules can make such an event acceptable.
func RulesMayHelp(code ledger.RejectCode) bool {
	switch code {
	case ledger.MissingField, ledger.BadType, ledger.OutOfRange, ledger.UnknownType, ledger.UnknownChannel, ledger.OverLimit,
		ledger.NoVendorCall, ledger.VendorNotConfigured:
		return true
	}
	return false
}
