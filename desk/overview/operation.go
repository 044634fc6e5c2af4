package overview

import (
	"context"
	"fmt"
	"strings"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/vendorapi"
)

// Operation is one operation as a person is shown it: masked, with what holds it
// back and what can be done about it.
type Operation struct {
	desk.OperationDetail
	// WaitsFor is what must happen before it goes on; empty when it has ended.
	WaitsFor string `json:"waiting_for"`
	// Request is the call as it would be sent now, secrets masked; nil when it
	// has ended, or its account is not in the configuration.
	Request *vendorapi.Preview `json:"request"`
	// Next is what a person can do, as a terminal words it: whoever has one fills it
	// in, from Advice.
	Next   string `json:"next"`
	Advice Advice `json:"-"`
}

// Found are the operations that a text stands for.
type Found struct {
	Operations []Operation `json:"operations"`
	// More: there are others.
	More bool `json:"more"`
	// Waiting are the events that wait about an order of this number, Rejects those whose
	// payload names it, the newest first.
	Waiting []desk.WaitingEvent `json:"waiting_events"`
	Rejects []NamedReject       `json:"rejects"`
	// At is when they were looked for.
	At time.Time `json:"-"`
}

// Configuration says what is configured of the accounts.
type Configuration interface {
	KeyMemories() []desk.KeyMemory
	// Account is zero for an account that is not configured.
	Account(name string) Settings
	// Request is the call that a worker would make for an operation now, secrets
	// and mobile numbers masked; nil when there is none to make.
	Request(d *desk.OperationDetail) *vendorapi.Preview
}

// Find finds operations by an id, a dedup key, an order number or a reference.
// The advice calls the steps by these names.
func Find(ctx context.Context, d *desk.Desk, text string, c Configuration, names wording.Names) (Found, error) {
	found, more, err := d.Find(ctx, text, c.KeyMemories())
	if err != nil {
		return Found{}, err
	}
	var naming desk.Naming
	// An order stands first. What was found by a key of its own is no order number.
	if len(found) == 0 || found[0].FoundBy == desk.ByBusinessKey {
		if naming, err = d.NamedBy(ctx, text); err != nil {
			return Found{}, err
		}
	}
	gates, err := d.ClosedGates(ctx)
	if err != nil {
		return Found{}, err
	}
	f := Found{More: more, At: time.Now(), Operations: make([]Operation, len(found)), Waiting: append([]desk.WaitingEvent{}, naming.Waiting...), Rejects: namedRejects(naming.Rejects)}
	for i := range found {
		o := &found[i]
		f.Operations[i] = Operation{WaitsFor: WaitsFor(o, gates, f.At), Request: c.Request(o), Advice: Next(o, gates, f.At, c.Account(o.Account), names),
			OperationDetail: MaskedDetail(*o)}
	}
	return f, nil
}

// SeveralWays says what a text means that means more than one thing. Empty when it
// means one.
func (f *Found) SeveralWays() string {
	if f.More {
		return "" // the numbers would be wrong
	}
	counts := map[desk.FoundBy]int{}
	var order []desk.FoundBy
	for _, d := range f.Operations {
		if counts[d.FoundBy] == 0 {
			order = append(order, d.FoundBy)
		}
		counts[d.FoundBy]++
	}
	if len(order) < 2 {
		return ""
	}
	parts := make([]string, len(order))
	for i, by := range order {
		switch n := counts[by]; {
		case i == 0:
			parts[i] = fmt.Sprintf("the %s of %s", by, wording.Plural(n, "operation"))
		case n == 1:
			parts[i] = fmt.Sprintf("the %s of another", by)
		default:
			parts[i] = fmt.Sprintf("the %s of %d others", by, n)
		}
	}
	return strings.Join(parts, ", and ")
}

// Happening is an attempt that did not post, or what a person did.
type Happening struct {
	At    time.Time
	Words string
	// Result is what came of an act that was about this operation alone; empty
	// otherwise.
	Result string
}

// History are attempts and acts, in order of time.
func (o *Operation) History() []Happening {
	var all []Happening
	acts := o.Acts
	for _, a := range o.Attempts {
		for len(acts) > 0 && acts[0].At.Before(a.At) {
			all, acts = append(all, happenedBy(acts[0])), acts[1:]
		}
		text := strings.ReplaceAll(a.Outcome, "_", " ")
		if call := wording.Call(a.Call); call != "" {
			text = call + ": " + text // its words are not about the points
		}
		if said := wording.Answer(a.HTTPStatus, a.VendorCode, a.VendorWords); said != "" {
			text += ": " + said
		}
		if a.Error != "" {
			text += "; " + wording.InOneZone(a.Error)
		}
		all = append(all, Happening{At: a.At, Words: fmt.Sprintf("%s (%s ms)", text, wording.Count(a.DurationMs))})
	}
	for _, a := range acts {
		all = append(all, happenedBy(a))
	}
	return all
}

// happenedBy is what a person did. What came of it is told where it is about this
// operation alone.
func happenedBy(a desk.ActDetail) Happening {
	h := Happening{At: a.At, Words: fmt.Sprintf("%s by %s: %q (action %d)", wording.Act(a.Name), a.Actor, a.Reason, a.ID)}
	if a.Name == desk.ActSettle || a.Name == desk.ActResolve {
		h.Result = privacy.Mobiles(a.Result)
	}
	return h
}
