package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/evidence"
	"pointsledger/internal/accounts"
	"pointsledger/internal/config"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

// settleLook is what speaks for and against a settlement before it is made.
type settleLook struct {
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

// against says what speaks against the settlement, empty when nothing does. What
// could not be read speaks neither way.
func (l *settleLook) against() string {
	var parts []string
	if l.Refused != "" {
		parts = append(parts, "the vendor refused it: "+l.Refused)
	}
	if l.Records != "shown" && l.Records != unread {
		parts = append(parts, "the member's records do not show it: "+l.Words)
	}
	return strings.Join(parts, "; and ")
}

func (l *settleLook) print(out io.Writer) {
	if l.Refused != "" {
		printLine(out, "vendor said", "refused: "+l.Refused)
	}
	if l.Frozen {
		printLine(out, "frozen", "the vendor says that the member's account is frozen")
	}
	printLine(out, "records", l.Words)
}

// lookBeforeSettling reads the vendor's last answer to the points call, and the
// member's records where they can be read from here. It changes nothing.
func (s *session) lookBeforeSettling(ctx context.Context, d *ledger.OperationDetail) (look settleLook, err error) {
	look.Refused = lastRefusal(d)
	look.Records = unread
	v, configured := s.config.Vendor(d.Account)
	switch {
	case configured && v.Kind != config.KindZhimai:
		look.Words = "not read: the account has no call that reads"
		return look, nil
	case !configured || !v.On():
		look.Words = "not read: the account is not set up here (its url and credentials); what they show is not known"
		return look, nil
	}
	client, err := accounts.Zhimai(v)
	if err != nil {
		return look, fmt.Errorf("vendor account %s: %w", v.Name, err)
	}
	defer client.Close()
	bounded, cancel := context.WithTimeout(ctx, memberTimeout)
	defer cancel()
	reading, known, reply := s.readProbed(bounded, &probedVendor{client, v}, d.MemberID)
	if reply.Outcome != vendorapi.Applied {
		look.Words = "not read: " + privacy.VendorWords(replyWords(reply))
		return look, ctx.Err()
	}
	look.Frozen = memberFrozen(bounded, client, d.MemberID)
	operations, err := s.store.IssuedTo(ctx, d.Account, d.MemberID)
	if err != nil {
		return look, err
	}
	op := evidence.Operation{Account: d.Account, MemberID: d.MemberID, Reference: d.Reference, Reason: d.Reason, Points: d.Points, QuietSince: quietSince(d)}
	if d.Open.FirstSentAt != nil {
		op.FirstSentAt = *d.Open.FirstSentAt
	}
	look.judged(evidence.Judge(op, reading, evidence.IssuedOf(operations), known))
	return look, nil
}

// judged puts a verdict into words.
func (l *settleLook) judged(j evidence.Judgement) {
	switch j.Verdict {
	case evidence.Shown:
		l.Records, l.Words = "shown", "a record shows it, with our reference and its points"
	case evidence.ShownOtherPoints:
		l.Records, l.Words = "shown_with_other_points", "a record shows our reference with other points"
	case evidence.PerhapsShown:
		l.Records, l.Words = "perhaps_shown", "a record of these points may be it, without our reference"
	case evidence.Absent:
		l.Records, l.Words = "absent", "it is not there, and the same reading would have shown it"
	default:
		l.Records, l.Words = "not_known", "it is not there, which proves nothing"
		if j.Lack != "" {
			l.Words += " (" + j.Lack.Words() + ")"
		}
	}
}

// lastRefusal is the vendor's answer to the last points call, when that was a
// refusal; words of other calls do not count.
func lastRefusal(d *ledger.OperationDetail) string {
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
func quietSince(d *ledger.OperationDetail) time.Time {
	if n := len(d.Attempts); n > 0 {
		return d.Attempts[n-1].At
	}
	return time.Now()
}
