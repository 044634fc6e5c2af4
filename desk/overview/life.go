package overview

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/ledger"
)

// NamedReject is a reject whose payload names an order; masked.
type NamedReject struct {
	ID         ledger.RejectID   `json:"id"`
	EventType  string            `json:"event_type"`
	Code       ledger.RejectCode `json:"reason_code"`
	Reason     string            `json:"reason"`
	BrokerTime time.Time         `json:"broker_time"`
	// ResolvedAt is nil while it is open.
	ResolvedAt *time.Time `json:"resolved_at"`
	Resolution string     `json:"resolution"`
}

func namedRejects(rejects []ledger.Reject) []NamedReject {
	named := make([]NamedReject, len(rejects))
	for i, r := range rejects {
		named[i] = NamedReject{ID: r.ID, EventType: privacy.Mobiles(r.Type), Code: r.Code, Reason: privacy.Mobiles(r.Reason),
			BrokerTime: r.Message.BrokerTime, ResolvedAt: r.ResolvedAt, Resolution: privacy.Mobiles(r.Resolution)}
	}
	return named
}

// Happened is something that names an order, and when it came.
type Happened struct {
	At    time.Time
	Words string
}

// Life is all that names the order, in order of time: what gives and what takes back,
// what waits, and what could not be accepted. None when there is no more than one
// operation.
func (f *Found) Life() (all []Happened) {
	for i := range f.Operations {
		o := &f.Operations[i]
		if o.FoundBy != desk.ByBusinessKey {
			continue
		}
		words := fmt.Sprintf("%s: %s %s at %s: %s (operation %d)", o.EventType, wording.Verb(o.Kind), wording.Plural(o.Points, "point"), o.Account, o.stands(), o.ID)
		if o.TakesFrom != nil {
			words += o.takes()
		}
		all = append(all, Happened{o.BrokerTime, words})
	}
	if len(f.Waiting)+len(f.Rejects) == 0 && len(all) < 2 {
		return nil
	}
	for _, w := range f.Waiting {
		all = append(all, Happened{w.EventTime, fmt.Sprintf("%s: waits for %s, since %s; it is recorded by itself when that comes", w.EventType, privacy.Mobiles(w.Origin), wording.Moment(w.Since))})
	}
	for _, r := range f.Rejects {
		words := fmt.Sprintf("%s: not accepted, %s (reject %d)", cmp.Or(r.EventType, "an event"), r.Code, r.ID)
		if r.ResolvedAt != nil {
			words += "; decided: " + r.Resolution
		}
		all = append(all, Happened{r.BrokerTime, words})
	}
	slices.SortStableFunc(all, func(a, b Happened) int { return a.At.Compare(b.At) })
	return all
}

// stands is how an operation stands, in a word or two.
func (o *Operation) stands() string {
	switch {
	case o.Posting != nil && o.Posting.Correction != nil:
		return "voided but applied"
	case o.Posting != nil:
		return fmt.Sprintf("%s, %s", o.Posting.Kind, o.Posting.Evidence)
	case o.Open == nil:
		return "nothing to send"
	case o.Open.Cause == ledger.CauseNoVendorCall:
		return "to be done by a person"
	case o.Open.Cause != "":
		return fmt.Sprintf("%s, %s", o.Open.State, o.Open.Cause)
	case o.Open.WaitsFor != 0:
		return fmt.Sprintf("waits for operation %d", o.Open.WaitsFor)
	}
	return string(o.Open.State)
}

// takes says from what it takes, and what is kept.
func (o *Operation) takes() string {
	from := o.TakesFrom
	if from.KeptAfter == from.KeptBefore {
		return ""
	}
	return fmt.Sprintf(", of operation %d, which keeps %s of %s", from.Operation, wording.Count(from.KeptAfter), wording.Count(from.KeptBefore))
}

// ReversalFacts say what it takes back from, and what takes back from it.
func (o *Operation) ReversalFacts() (f wording.Facts) {
	if from := o.TakesFrom; from != nil {
		share := "all of it"
		if from.AmountFen != nil {
			share = wording.Count(*from.AmountFen) + " fen of it"
		}
		if o.Kind == ledger.ConsumeFrozen {
			share = "its frozen points are spent"
		}
		f.Add("is about", fmt.Sprintf("operation %d (%s, %s, %s): %s; kept of its points: %s before, %s after", from.Operation, from.Kind, from.BizID, from.State, share,
			wording.Count(from.KeptBefore), wording.Count(from.KeptAfter)))
	}
	for _, by := range o.TakenBack {
		if by.Kind == ledger.ConsumeFrozen {
			what := "the order is complete: nothing of it was frozen"
			if o.Kind == ledger.FreezePoint {
				what = "its frozen points are spent"
			}
			f.Add("ended", fmt.Sprintf("%s, by operation %d (%s)", what, by.Operation, by.State))
			continue
		}
		how := ""
		if by.Netted {
			how = ", before anything was sent"
		}
		f.Add("taken back", fmt.Sprintf("%s points by operation %d (%s, %s)%s; kept: %s", wording.Count(by.KeptBefore-by.KeptAfter), by.Operation, by.Kind, by.State, how, wording.Count(by.KeptAfter)))
	}
	return f
}
