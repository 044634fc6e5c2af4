package explanation

import (
	"context"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/desk/foresight"
	"pointsledger/desk/wording"
	"pointsledger/internal/config"
	"pointsledger/ledger"
)

// Foreseen is what a ledger would make of the event now.
type Foreseen struct {
	// Verdict is accepted, duplicate or rejected.
	Verdict string `json:"verdict"`
	// Waits: what the event is about is not recorded.
	Waits bool   `json:"waits_for_origin"`
	Takes []Take `json:"takes,omitempty"`

	// rejected is why not, for a person.
	rejected string
	// origin names what the event is about; empty is nothing.
	origin string
}

// Take is an operation that the event would make.
type Take struct {
	Account string        `json:"account"`
	Kind    ledger.Kind   `json:"kind"`
	Points  ledger.Points `json:"points"`
	BizID   ledger.BizID  `json:"biz_id"`
	// From is the operation that it takes from.
	From       Origin        `json:"from"`
	KeptBefore ledger.Points `json:"kept_before"`
	KeptAfter  ledger.Points `json:"kept_after"`
	// Fate is what becomes of it, once From has ended where it waits for that.
	Fate  foresight.Fate `json:"fate"`
	Waits bool           `json:"waits"`
	Then  string         `json:"then"`
}

// Origin is an operation that something is taken from.
type Origin struct {
	ID     ledger.OperationID `json:"id"`
	Kind   ledger.Kind        `json:"kind"`
	Points ledger.Points      `json:"points"`
	State  string             `json:"state"`
	Cause  ledger.Cause       `json:"cause,omitempty"`
	// AmountFen is null where it has none; RefundedFen is what is refunded of it with
	// this event.
	AmountFen   *int64 `json:"amount_fen"`
	RefundedFen int64  `json:"refunded_fen"`
}

// Foresee looks what would become of the event in the ledger of a pool, which has two
// connections at least. Of what the rules ignore or reject there is nothing to see.
func (e *Explanation) Foresee(ctx context.Context, pool *pgxpool.Pool, cfg *config.Config) error {
	if e.event == nil {
		return nil
	}
	seen, err := foresight.Look(ctx, pool, ledger.New(pool), e.message, e.event)
	if err != nil {
		return err
	}
	out := &Foreseen{Verdict: "accepted", Waits: seen.Waits}
	e.Ledger = out
	switch v := seen.Verdict; v.Kind {
	case ledger.Duplicate:
		out.Verdict = "duplicate"
	case ledger.Rejected:
		out.Verdict, out.rejected = "rejected", fmt.Sprintf("%s: %s", v.Rejection.Code, v.Rejection.Reason)
		e.Rejected, e.Code, e.Reason = true, v.Rejection.Code, v.Rejection.Reason
	}
	if e.event.Refers != nil {
		out.origin = e.event.Refers.Origin
	}
	for i := range seen.Takes {
		t := &seen.Takes[i]
		account, _ := cfg.Account(t.Operation.Account) // one that is not configured here takes no calls
		fate := t.Fate(account.Calls)
		out.Takes = append(out.Takes, Take{Account: t.Operation.Account, Kind: t.Operation.Kind, Points: t.Operation.Points, BizID: t.Operation.BizID,
			From:       Origin{ID: t.Origin, Kind: t.OriginKind, Points: t.OriginPoints, State: t.State, Cause: t.Cause, AmountFen: t.OriginFen, RefundedFen: t.RefundedFen},
			KeptBefore: t.KeptBefore, KeptAfter: t.KeptAfter, Fate: fate, Waits: t.Waits(), Then: t.Words(account.Calls)})
	}
	return nil
}

// words say what would become of the event.
func (l *Foreseen) words() string {
	switch {
	case l.rejected != "":
		return "rejected: " + l.rejected
	case l.Verdict == "duplicate" && l.Waits:
		return "a duplicate: it was published before, and waits for " + l.origin
	case l.Verdict == "duplicate":
		return "a duplicate: it is recorded, and nothing would be added"
	case l.Waits:
		return "accepted, and waits: " + l.origin + " is not recorded"
	}
	return "accepted: it is new"
}

// print writes it below the event. line writes a value, words a text that may be
// broken.
func (l *Foreseen) print(out io.Writer, line, words func(name, format string, args ...any)) {
	fmt.Fprintln(out, "\nIn the ledger, if it was recorded now")
	words("the event", "%s", l.words())
	for i := range l.Takes {
		t := &l.Takes[i]
		fmt.Fprintf(out, "\nTake %d of %d: %s at %s\n", i+1, len(l.Takes), t.Kind, t.Account)
		line("points", "%d", t.Points)
		words("from", "the %s of %s, operation %d: %s", t.From.Kind, wording.Plural(t.From.Points, "point"), t.From.ID, t.From.words())
		if t.From.AmountFen != nil && t.Kind != ledger.ConsumeFrozen {
			line("refunded", "%d of %d fen, with this event", t.From.RefundedFen, *t.From.AmountFen)
		}
		line("kept", "%d points before, %d after", t.KeptBefore, t.KeptAfter)
		words("then", "%s", t.Then)
		line("biz_id", "%s", t.BizID)
	}
}

// words say how it stands.
func (o *Origin) words() string {
	if o.Cause == "" {
		return o.State
	}
	return fmt.Sprintf("%s, %s (%s)", o.State, wording.Cause(o.Cause, ledger.Parked), o.Cause)
}
