package doctor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"pointsledger/evidence"
	"pointsledger/internal/accounts"
	"pointsledger/internal/advice"
	"pointsledger/internal/config"
	"pointsledger/ledger"
	"pointsledger/ledger/gates"
	"pointsledger/ledger/knowledge"
	"pointsledger/vendorapi"
)

const (
	// liveLeg begins the bizId of a live check.
	liveLeg = "dr"
	// liveSource is "granted by the shop by hand", liveChannel "other"
	// (user.points-add page).
	liveSource, liveChannel = 4, 8
	livePoints              = 1
	// lookEvery is the time between two looks at the member's records.
	lookEvery = 500 * time.Millisecond
	// DefaultSettle is how long the records are watched for a second grant at
	// least; longer where the first took long to show.
	DefaultSettle = 5 * time.Second
)

// Learned is what a live check found out about an account. Empty and nil mean
// that it could not be told.
type Learned struct {
	Account   string `json:"account"`
	Member    string `json:"member"`
	BizID     string `json:"biz_id"`
	Reference string `json:"reference"`
	// First and Second are the vendor's answers to the two grants.
	First  string `json:"first_answer,omitempty"`
	Second string `json:"second_answer,omitempty"`
	// Honoured: the second grant was not applied.
	Honoured *bool `json:"biz_id_honoured,omitempty"`
	// Granted is how many points the member really got, as far as can be told.
	Granted        *int64 `json:"granted_points,omitempty"`
	Echoed         *bool  `json:"reason_echoed,omitempty"`
	VisibleAfterMS *int64 `json:"visible_after_ms,omitempty"`
	SameID         *bool  `json:"customer_id_is_user_id,omitempty"`
	// Advice is YAML for the account in WORKER_CONFIG.
	Advice []string `json:"advice,omitempty"`
}

// liveVendor is what a live check needs of a vendor.
type liveVendor interface {
	vendorapi.Sender
	vendorapi.RecordReader
	vendorapi.MemberReader
	vendorapi.Endpointed
	vendorapi.Closer
}

// trial is one live check.
type trial struct {
	*Examination
	*Learned
	account config.Account
	client  liveVendor
	grant   ledger.VendorCall
	options LiveOptions

	before        []evidence.Record
	beforeRead    bool
	beforeBalance *int64
	// after are the records that were not there before, seen last.
	after   []evidence.Record
	scanned vendorapi.Reply
}

// LiveOptions say how a live check is made.
type LiveOptions struct {
	// Member is the customerId of the member who is granted to, Operator who is
	// recorded for it.
	Member, Operator string
	// Yes is false to hear only what would be done.
	Yes bool
	// Wait is how long the record of the grant may take to show, Settle how long a
	// second grant is watched for at least.
	Wait, Settle time.Duration
	// Granting hears, before the first grant, what will be granted. nil is nobody.
	Granting func(what string)
}

// CheckLive grants points to a member twice under one key, and learns from what the
// vendor makes of that. Look comes first: without an accepted signature and a
// ledger that keeps what is learned nothing is granted.
func (d *Examination) CheckLive(ctx context.Context, v config.Account, o LiveOptions) {
	const check = "live"
	what := fmt.Sprintf("1 point twice with one bizId to member %s of account %s (sourceType %d, pointsChannel %d), then read its records",
		o.Member, v.Name, liveSource, liveChannel)
	if !o.Yes {
		d.note(check, "nothing was granted: it would grant "+what, "add --yes if that is meant; it grants up to 2 real points")
		return
	}
	if why := d.notNow(ctx, v); why != "" {
		d.note(check, "nothing was granted: "+why, "put that right, then run it again")
		return
	}
	account, err := accounts.New(v)
	if err != nil {
		d.wrong(check, advice.Words(err), "correct the configuration")
		return
	}
	client, able := account.Vendor.(liveVendor)
	if !able {
		d.wrong(check, fmt.Sprintf("account %s does not tell who a member is", v.Name), "take another account")
		return
	}
	bizID := ledger.NewBizID(liveLeg, v.Name, "doctor", rand.Text())
	reference := ledger.ReferenceOf(bizID)
	d.Live = &Learned{Account: v.Name, Member: o.Member, BizID: string(bizID), Reference: reference}
	t := &trial{Examination: d, Learned: d.Live, account: v, client: client, options: o,
		grant: ledger.VendorCall{Kind: ledger.PointsAdd, Points: livePoints, BizID: bizID, MemberID: o.Member,
			Reason: liveReason(reference, v.ReasonMaxChars), SourceType: liveSource, PointsChannel: liveChannel}}
	defer t.client.Close()
	if o.Granting != nil {
		o.Granting(fmt.Sprintf("granting %s: up to 2 real points, bizId %s", what, bizID))
	}
	t.run(ctx)
}

// notNow says why nothing may be granted; empty when it may.
func (d *Examination) notNow(ctx context.Context, v config.Account) string {
	switch {
	case !d.signed[v.Name]:
		return "it is not certain that the account's signature is accepted"
	case d.ledger == nil:
		return "the ledger, which keeps what is learned, cannot be used"
	}
	gate, err := gates.New(d.ledger.pool).ReadGate(ctx, v.Name)
	switch {
	case err != nil:
		return advice.Words(err)
	case gate.Reason != "":
		return fmt.Sprintf("the account's gate is closed (%s)", gate.Reason)
	}
	return ""
}

// liveReason is cut like every reason, without losing the reference.
func liveReason(reference string, most int) string {
	text, tail := "points-ledger doctor", " #"+reference
	return text[:max(0, min(len(text), most-len(tail)))] + tail
}

func (t *trial) run(ctx context.Context) {
	if !t.lookBefore(ctx) || !t.announce(ctx) {
		return
	}
	defer t.conclude(ctx)
	first := t.client.Send(ctx, &t.grant)
	t.First = t.secrets.Words(said(first))
	if first.Outcome != vendorapi.Applied {
		t.refusedFirst(first)
		return
	}
	t.ok("live grant", "signature accepted: the first grant is answered "+t.First)
	granted := time.Now()
	if t.watch(ctx, granted.Add(t.options.Wait), 1) >= 1 {
		ms := time.Since(granted).Milliseconds()
		t.VisibleAfterMS = &ms
	}
	t.reportRecords()

	second := t.client.Send(ctx, &t.grant)
	t.Second = t.secrets.Words(said(second))
	settle := t.options.Settle
	if t.VisibleAfterMS != nil { // else waiting did not help the first time
		settle = max(settle, min(3*time.Duration(*t.VisibleAfterMS)*time.Millisecond, t.options.Wait))
	}
	seen := t.watch(ctx, time.Now().Add(settle), 2)
	t.reportSecond(second, seen, t.balanceRise(ctx))
	t.keep(ctx)
}

// lookBefore asks who the member is and reads the records. It is false when
// nothing should be granted.
func (t *trial) lookBefore(ctx context.Context) bool {
	const check = "live customerId"
	identity, reply := t.client.MemberByID(ctx, t.Member)
	same := reply.Outcome == vendorapi.Applied && identity.ID == t.Member
	switch {
	case reply.Outcome == vendorapi.Applied && identity.Frozen:
		t.note(check, "nothing was granted: the vendor says that the member's account is frozen", "take another member")
		return false
	case same:
		t.SameID, t.beforeBalance = &same, identity.Points
		t.ok(check, "works as user_id: the identity call names the same member")
	case reply.Outcome == vendorapi.Applied:
		t.SameID = &same
		t.wrong(check, fmt.Sprintf("does not work as user_id: the identity call for user_id %s names %s", t.Member, identity.ID),
			"set in_doubt: resend for the account, its records cannot be found by customerId")
	case reply.Outcome == vendorapi.Refused:
		t.SameID = &same
		t.wrong(check, "does not work as user_id, or there is no such member: "+said(reply), "see whether the id is right; else set in_doubt: resend")
	default:
		t.note(check, "not known whether it works as user_id: "+said(reply), "run doctor again")
	}
	t.before, t.scanned = t.scan(ctx)
	t.beforeRead = t.scanned.Outcome == vendorapi.Applied
	return true
}

func (t *trial) scan(ctx context.Context) ([]evidence.Record, vendorapi.Reply) {
	reading, reply := t.client.ReadRecords(ctx, t.Member)
	if reply.Outcome == vendorapi.Applied && !reading.Complete {
		reply.Outcome, reply.Err = vendorapi.Unknown, errors.New("not all records could be read")
	}
	return slices.DeleteFunc(reading.Records, func(r evidence.Record) bool { return !r.Award }), reply
}

// refusedFirst reports a first grant that was not answered with success. It is
// not sent again.
func (t *trial) refusedFirst(first vendorapi.Reply) {
	const check = "live grant"
	switch first.Outcome {
	case vendorapi.Unknown:
		t.wrong(check, "the answer is unclear, 1 point may have been granted: "+t.First, "look at the member's records for #"+t.Reference+"; then run it again")
	case vendorapi.AlreadyApplied:
		t.wrong(check, "a bizId that was never used is answered as already applied: "+t.First, "take that code out of codes.already_applied: it loses points")
	default:
		t.wrong(check, "nothing was granted: "+t.First, "see whether the member's id is right, and what the vendor says")
	}
}

// watch reads the records until at least want of them are new, or the time has
// come; it returns how many are new, and looks once in any case.
func (t *trial) watch(ctx context.Context, until time.Time, want int) int {
	if !t.beforeRead {
		return 0
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		var now []evidence.Record
		if now, t.scanned = t.scan(ctx); t.scanned.Outcome == vendorapi.Applied {
			t.after = newRecords(t.before, now)
		}
		if len(t.after) >= want || time.Now().After(until) {
			return len(t.after)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return len(t.after)
		}
	}
}

// newRecords are the awards of our points that are in now and not in before.
func newRecords(before, now []evidence.Record) []evidence.Record {
	known := map[evidence.Record]int{}
	for _, r := range before {
		known[r]++
	}
	var added []evidence.Record
	for _, r := range now {
		if known[r] > 0 {
			known[r]--
		} else if r.Points == livePoints {
			added = append(added, r)
		}
	}
	return added
}

// reportRecords reports whether the first grant shows, and how.
func (t *trial) reportRecords() {
	const check = "live records"
	switch {
	case !t.beforeRead || t.VisibleAfterMS == nil && t.scanned.Outcome != vendorapi.Applied:
		t.wrong(check, "cannot be read: "+said(t.scanned), "set in_doubt: resend for the account, or ask the vendor: verify needs the records")
		return
	case t.VisibleAfterMS == nil:
		t.wrong(check, fmt.Sprintf("the grant does not show within %s", t.options.Wait), "--wait longer; if it never shows, set in_doubt: resend")
		return
	}
	echoed := false
	for _, r := range t.after {
		echoed = echoed || evidence.ReferenceAtEnd(r.Text) == t.Reference
	}
	t.Echoed = &echoed
	shown := fmt.Sprintf("the grant shows after %d ms (a look takes part of it)", *t.VisibleAfterMS)
	if !echoed {
		t.note(check, fmt.Sprintf("%s; the reason is not echoed, the record says %q", shown, t.after[0].Text),
			"nothing to set; a call in doubt with a record of equal points near it is left to a person")
		return
	}
	t.ok(check, shown+"; the reason is echoed with its reference")
}

// balanceRise is by how much the member's points rose, nil when the vendor does
// not tell.
func (t *trial) balanceRise(ctx context.Context) *int64 {
	if t.beforeBalance == nil {
		return nil
	}
	identity, reply := t.client.MemberByID(ctx, t.Member)
	if reply.Outcome != vendorapi.Applied || identity.Points == nil {
		return nil
	}
	rise := *identity.Points - *t.beforeBalance
	return &rise
}

// keep notes in the ledger what a confirmed grant has shown.
func (t *trial) keep(ctx context.Context) {
	finding := knowledge.LiveFinding{Honoured: t.Honoured, Echoed: t.Echoed != nil && *t.Echoed}
	err := errors.Join(t.ledger.store.MarkAccountConfirmed(ctx, t.Account),
		knowledge.New(t.ledger.pool).KeepLiveFinding(ctx, t.Account, t.client.Endpoint(), finding))
	if err != nil {
		t.wrong("live kept", advice.Words(err), "see the line about rights")
		return
	}
	text := "the ledger keeps that a call was confirmed"
	if finding.Echoed {
		text += ", that records show our reference"
	}
	if finding.Honoured != nil && *finding.Honoured {
		text += ", that a repeated bizId is honoured"
	}
	t.ok("live kept", text+", at this endpoint")
}
