package overview

import (
	"pointsledger/desk"
	"pointsledger/desk/privacy"
)

// Masked is the operation without mobile numbers.
func Masked(o desk.OpenOperation) desk.OpenOperation {
	o.BusinessKey = privacy.Hide(o.BusinessKey, o.MemberID, o.MemberCode)
	o.MemberID, o.MemberCode = privacy.Mobiles(o.MemberID), privacy.Mobiles(o.MemberCode)
	o.VendorWords, o.Error = privacy.Mobiles(o.VendorWords), privacy.Mobiles(o.Error)
	return o
}

// MaskedDetail is the operation, with all that happened to it, without mobile
// numbers. d's parts are changed, not copied.
func MaskedDetail(d desk.OperationDetail) desk.OperationDetail {
	d.BusinessKey = privacy.Hide(d.BusinessKey, d.MemberID, d.MemberCode)
	d.Reason = privacy.Hide(d.Reason, d.MemberID, d.MemberCode)
	d.MemberID, d.MemberCode = privacy.Mobiles(d.MemberID), privacy.Mobiles(d.MemberCode)
	d.Content = privacy.Mobiles(d.Content)
	if d.Posting != nil {
		d.Posting.MemberID, d.Posting.VendorWords = privacy.Mobiles(d.Posting.MemberID), privacy.Mobiles(d.Posting.VendorWords)
	}
	for i := range d.Acts {
		a := &d.Acts[i]
		a.Reason, a.Result = privacy.Mobiles(a.Reason), privacy.Mobiles(a.Result)
	}
	for i := range d.Attempts {
		a := &d.Attempts[i]
		a.VendorWords, a.Error = privacy.Mobiles(a.VendorWords), privacy.Mobiles(a.Error)
	}
	return d
}
