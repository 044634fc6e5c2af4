package overview

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"pointsledger/desk/wording"
	"pointsledger/ledger"
)

// Standing says how it stands at a time, and what holds it back.
func (o *Operation) Standing(now time.Time) (f wording.Facts) {
	f.Add("state", o.State(now))
	if o.WaitsFor != "" {
		f.Add("waits for", o.WaitsFor)
	}
	if x := o.Open; x != nil && x.InDoubt {
		f.Add("in doubt", "yes: the vendor may have applied it, and there is no proof; first sent "+wording.Moment(*x.FirstSentAt))
	}
	if e := o.OverBudget; e != nil {
		f.Add("over budget", fmt.Sprintf("when it was recorded: of the %s points that a day may grant, by %s, %s were granted on %s; it was parked then",
			wording.Count(e.Limit), wording.BudgetKey(e.Bound), wording.Count(e.Spent), e.Day))
	}
	return f
}

// EventFacts are what is known of the event, and by which rules it was taken.
func (o *Operation) EventFacts() (f wording.Facts) {
	f.Add("event", fmt.Sprintf("%s, id %s, from %s", o.EventType, o.EventID, o.EventSource))
	f.Add("time", fmt.Sprintf("%s; at the broker %s", wording.Moment(o.EventTime), wording.Moment(o.BrokerTime)))
	f.Add("message", fmt.Sprintf("%s, stream sequence %d", o.EventSubject, o.StreamSeq))
	f.Add("order", o.BusinessKey)
	f.Add("business date", o.BusinessDate)
	if o.ShopCode != "" {
		f.Add("shop", o.ShopCode)
	}
	if o.AmountFen != nil {
		f.Add("amount", wording.Count(*o.AmountFen)+" fen")
	}
	f.Add("content", o.Content)
	rules := "version " + o.MappingVersion
	if o.MappingFirstUsed != nil {
		rules += ", first used " + wording.Moment(*o.MappingFirstUsed)
	}
	f.Add("rules", rules)
	f.Add("recorded", wording.Moment(o.RecordedAt))
	return f
}

// CallWords names the call.
func (o *Operation) CallWords() string {
	if o.Open != nil && o.Open.Cause == ledger.CauseNoVendorCall {
		return "none: a person does it at account " + o.Account
	}
	if o.Posting != nil && slices.Contains([]ledger.Evidence{ledger.Netted, ledger.NothingToTakeBack, ledger.NoCallNeeded}, o.Posting.Evidence) {
		return "none: nothing was sent to account " + o.Account
	}
	return string(o.Kind) + " at account " + o.Account
}

// CallFacts are what the call carries. It is the same for every attempt.
func (o *Operation) CallFacts() (f wording.Facts) {
	member := o.MemberID
	switch {
	case o.MemberID == "":
		member = "not known yet: scanned code " + o.MemberCode
	case o.MemberCode != "":
		member += ", from scanned code " + o.MemberCode
	}
	f.Add("member", member)
	f.Add("points", wording.Count(o.Points))
	if o.SourceType != 0 {
		f.Add("codes", fmt.Sprintf("sourceType %d, pointsChannel %d", o.SourceType, o.PointsChannel))
	}
	f.Add("reason", o.Reason)
	f.Add("dedup key", string(o.BizID))
	f.Add("reference", o.Reference)
	return f
}

// EndFacts say how it ended; none while it has not.
func (o *Operation) EndFacts() (f wording.Facts) {
	p := o.Posting
	if p == nil {
		return nil
	}
	f.Add(string(p.Kind), wording.Moment(p.PostedAt)+": "+wording.Evidence(p.Evidence))
	if said := wording.Answer(p.HTTPStatus, p.VendorCode, p.VendorWords); said != "" {
		f.Add(wordsFrom(p.Evidence), said)
	}
	if p.MemberID != "" {
		f.Add("member", p.MemberID)
	}
	if c := p.Correction; c != nil {
		f.Add("but applied", wording.Moment(c.CorrectedAt)+": "+wording.Evidence(c.Evidence)+", to member "+c.MemberID)
		if said := wording.Answer(c.HTTPStatus, c.VendorCode, c.VendorWords); said != "" {
			f.Add(wordsFrom(c.Evidence), said)
		}
	}
	return f
}

// RequestFacts are the call as it would be sent now, the body without blanks; none
// when there is none to make.
func (o *Operation) RequestFacts() (f wording.Facts) {
	r := o.Request
	if r == nil {
		return nil
	}
	f.Add("request now", r.Method+" "+r.URL)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if name != "Content-Type" {
			f.Add("", name+": "+strings.Join(r.Header[name], ", "))
		}
	}
	if len(r.Body) == 0 {
		return f
	}
	var body bytes.Buffer
	var form string
	switch {
	case json.Unmarshal(r.Body, &form) == nil: // a body that is no JSON stands there as a text
		body.WriteString(form)
	case json.Compact(&body, r.Body) != nil:
		body.Write(r.Body)
	}
	f.Add("", body.String())
	return f
}
