package main

import (
	"strings"
	"unicode"

	"pointsledger/ledger"
)

// maskMobiles hides the middle of what looks like a mobile number of mainland
// China: a run of exactly 11 digits that begins with 13 to 19, or of 13 with 86
// before them. Longer ids are left alone. A scanned code or a vendor's words
// may well hold one.
func maskMobiles(text string) string {
	out := []byte(text)
	for from := 0; from < len(out); {
		if out[from] < '0' || out[from] > '9' {
			from++
			continue
		}
		to := from
		for to < len(out) && out[to] >= '0' && out[to] <= '9' {
			to++
		}
		start := from
		if to-from == 13 && strings.HasPrefix(text[from:], "86") {
			start += 2
		}
		if to-start == 11 && out[start] == '1' && out[start+1] >= '3' {
			copy(out[start+3:start+7], "****")
		}
		from = to
	}
	return string(out)
}

// hide masks a member's number where another text repeats it, and nothing
// else: an order number may look like a mobile number and must stay readable.
func hide(text string, members ...string) string {
	for _, member := range members {
		if masked := maskMobiles(member); masked != member {
			text = strings.ReplaceAll(text, member, masked)
		}
	}
	return text
}

// forEyes is the operation without mobile numbers.
func forEyes(o ledger.OpenOperation) ledger.OpenOperation {
	o.BusinessKey = hide(o.BusinessKey, o.MemberID, o.MemberCode)
	o.MemberID, o.MemberCode = maskMobiles(o.MemberID), maskMobiles(o.MemberCode)
	o.VendorWords, o.Error = maskMobiles(o.VendorWords), maskMobiles(o.Error)
	return o
}

// detailForEyes is the operation, with all that happened to it, without mobile
// numbers. d's parts are changed, not copied.
func detailForEyes(d ledger.OperationDetail) ledger.OperationDetail {
	d.BusinessKey = hide(d.BusinessKey, d.MemberID, d.MemberCode)
	d.Reason = hide(d.Reason, d.MemberID, d.MemberCode)
	d.MemberID, d.MemberCode = maskMobiles(d.MemberID), maskMobiles(d.MemberCode)
	d.Content = maskMobiles(d.Content)
	if d.Posting != nil {
		d.Posting.MemberID, d.Posting.VendorWords = maskMobiles(d.Posting.MemberID), maskMobiles(d.Posting.VendorWords)
	}
	for i := range d.Acts {
		a := &d.Acts[i]
		a.Reason, a.Result = maskMobiles(a.Reason), maskMobiles(a.Result)
	}
	for i := range d.Attempts {
		a := &d.Attempts[i]
		a.VendorWords, a.Error = maskMobiles(a.VendorWords), maskMobiles(a.Error)
	}
	return d
}

// clean makes a foreign text safe for a terminal: no control characters, no
// marks that turn the direction of writing.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r):
			return -1
		case unicode.IsControl(r) || r == unicode.ReplacementChar:
			return ' '
		}
		return r
	}, text)
}
