package records

import (
	"context"
	"strings"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/evidence"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

// SettleLook is what speaks for and against a settlement before it is made.
type SettleLook struct {
	// Refused is the vendor's refusal of the points call, empty when the last
	// answer to it was none.
	Refused string `json:"vendor_refused"`
	// Records says what the member's records show of it: shown,
	// shown_with_other_points, perhaps_shown, absent, not_known, or unread.
	Records string `json:"records"`
	// Words says the same for people.
	Words string `json:"records_words"`
	// Frozen: the vendor says that the member's account is frozen.
	Frozen bool `json:"member_frozen"`
}

// unread is what stands in Records when nothing was read: there is no call that
// reads, the account is off here, or the vendor did not answer.
const unread = "unread"

// Against says what speaks against the settlement, empty when nothing does. What
// could not be read speaks neither way.
func (l *SettleLook) Against() string {
	var parts []string
	if l.Refused != "" {
		parts = append(parts, "the vendor refused it: "+l.Refused)
	}
	if l.Records != "shown" && l.Records != unread {
		parts = append(parts, "the member's records do not show it: "+l.Words)
	}
	return strings.Join(parts, "; and ")
}

// BeforeSettling reads the vendor's last answer to the points call of an operation
// that is parked, and the member's records where they can be read from here.
func (l *Lookup) BeforeSettling(ctx context.Context, d *desk.OperationDetail) (look SettleLook, err error) {
	look.Refused = lastRefusal(d)
	look.Records = unread
	if d.Open.Cause == ledger.CauseNoVendorCall {
		look.Words = "not read: what a person does in the back office bears no reference of ours"
		return look, nil
	}
	a, configured := l.account(d.Account)
	switch {
	case configured && !a.Reads:
		look.Words = "not read: the account has no call that reads"
		return look, nil
	case !configured || a.Off != "":
		look.Words = "not read: the account is not set up here (its url and credentials); what they show is not known"
		return look, nil
	}
	reader, err := l.opener.OpenReader(a.Name)
	if err != nil {
		return look, err
	}
	defer reader.Close()
	bounded, cancel := context.WithTimeout(ctx, memberTimeout)
	defer cancel()
	read, reply := l.readRecords(bounded, &a, reader, d.MemberID)
	if reply.Outcome != vendorapi.Applied {
		look.Words = "not read: " + privacy.VendorWords(replyWords(reply))
		return look, ctx.Err()
	}
	look.Frozen = read.frozen
	operations, err := l.book.IssuedTo(ctx, d.Account, d.MemberID)
	if err != nil {
		return look, err
	}
	op := evidence.Operation{Account: d.Account, MemberID: d.MemberID, Reference: d.Reference, Reason: d.Reason, Points: d.Points, QuietSince: quietSince(d)}
	if d.Open.FirstSentAt != nil {
		op.FirstSentAt = *d.Open.FirstSentAt
	}
	judged := evidence.Judge(op, read.Reading, evidence.IssuedOf(operations), read.known)
	look.Records, look.Words = recordsSay(judged.Verdict), wording.Judgement(judged)
	return look, nil
}

// lastRefusal is the vendor's answer to the last points call, when that was a
// refusal; words of other calls do not count.
func lastRefusal(d *desk.OperationDetail) string {
	for i := len(d.Attempts) - 1; i >= 0; i-- {
		a := d.Attempts[i]
		switch {
		case a.Call != ledger.CallPoints:
		case a.Outcome != vendorapi.Refused.String():
			return ""
		default:
			return privacy.Mobiles(wording.Answer(a.HTTPStatus, a.VendorCode, a.VendorWords))
		}
	}
	return ""
}

// quietSince is when its last call had surely ended: an attempt is written after
// that. Without any it is now.
func quietSince(d *desk.OperationDetail) time.Time {
	if n := len(d.Attempts); n > 0 {
		return d.Attempts[n-1].At
	}
	return time.Now()
}

// recordsSay names a verdict in a SettleLook.
func recordsSay(v evidence.Verdict) string {
	switch v {
	case evidence.Shown:
		return "shown"
	case evidence.ShownOtherPoints:
		return "shown_with_other_points"
	case evidence.PerhapsShown:
		return "perhaps_shown"
	case evidence.Absent:
		return "absent"
	}
	return "not_known"
}
