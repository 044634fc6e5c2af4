package rules

import (
	"strings"

	"pointsledger/ledger"
	"pointsledger/rules/cloudevent"
)

// Again maps a message that was stored with a reject once more: the bytes and
// headers as they came, by the rules in force at its broker time. on tells
// whether an account is on where the workers run, which the rules compiled here
// need not know. ignored: the type needs no record; the entry is then empty.
// It is safe for concurrent use, as Decode is.
//
// A refund or cancellation from before there was a rule for it is mapped by the
// newest rule that says what it takes back: a vendor's missing call was what it was
// rejected for.
//
// What was masked before it was stored is not what was published. An event
// whose declared fields hold such a mask stays a reject, because a re-sent one
// would have other content.
func (r *Rules) Again(m ledger.Message, on func(account string) bool) (entry ledger.Entry, ignored bool) {
	x := r.readings.Get().(*reading)
	x.again, x.explaining = true, true // on decides, below
	defer x.release()
	event, rejection := x.read(r, &m, cloudevent.ParseHeaderLines(m.Header))
	if rejection == nil && event == nil {
		return ledger.Entry{}, true
	}
	if rejection == nil {
		rejection = refuseAgain(event, on)
	}
	if rejection == nil {
		return ledger.Entry{Message: m, Event: event}, false
	}
	rejection.Reason = cloudevent.StorableReason(rejection.Reason)
	return ledger.Entry{Message: m, Rejection: rejection, Source: cloudevent.StorableAttribute(x.came.Source),
		ID: cloudevent.StorableAttribute(x.came.ID), Type: cloudevent.StorableAttribute(x.came.Type)}, false
}

// Recompute maps an event that is in the ledger once more, from its envelope and its
// declared fields in structured form. Whether an account is on, which subject the message
// had and what the ledger knows does not matter: those were asked when it was recorded.
// It has no side effects, and is safe for concurrent use. Exactly one of event and
// rejection is not nil, or both are for a type that is ignored.
func (r *Rules) Recompute(m ledger.Message) (*ledger.Event, *ledger.Rejection) {
	x := r.readings.Get().(*reading)
	defer x.release()
	x.again, x.explaining = true, true
	m.Subject = ""
	return x.read(r, &m, nil)
}

// newestReference is the newest rule of a type that refers to an earlier event; nil
// when there is none.
func (r *Rules) newestReference(typ string) *rule {
	for i := len(r.sets) - 1; i >= 0; i-- {
		if rule := r.sets[i].rules[typ]; rule != nil && rule.refers != nil {
			return rule
		}
	}
	return nil
}

// refuseAgain says why an event that the rules accept is still a reject; nil
// when it is none.
func refuseAgain(event *ledger.Event, on func(account string) bool) *ledger.Rejection {
	for i := range event.Operations {
		o := &event.Operations[i]
		if !on(o.Account) {
			return ledger.Rejectf(ledger.VendorNotConfigured,
				"%s needs %s at the account %q, which is off here (no url or no credentials), and no worker has recorded an operation there yet", event.Type, o.Kind, o.Account)
		}
	}
	if strings.Contains(event.Content, cloudevent.RedactedValue) {
		return ledger.Rejectf(ledger.BadType,
			`a password was masked before this event was stored ("***"), so these are not the published bytes: have it published again without the password`)
	}
	return nil
}
