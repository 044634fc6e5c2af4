package main

import (
	"context"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"pointsledger/desk/foresight"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
	"pointsledger/ledger/rulefiles"
	"pointsledger/migrations"
)

// explainedLedger is what a ledger would make of the event now.
type explainedLedger struct {
	// Verdict is accepted, duplicate or rejected.
	Verdict string `json:"verdict"`
	// Waits: what the event is about is not recorded.
	Waits bool            `json:"waits_for_origin"`
	Takes []explainedTake `json:"takes,omitempty"`

	// rejected is why not, for a person.
	rejected string
	// origin names what the event is about; empty is nothing.
	origin string
}

// explainedTake is an operation that the event would make.
type explainedTake struct {
	Account string        `json:"account"`
	Kind    ledger.Kind   `json:"kind"`
	Points  ledger.Points `json:"points"`
	BizID   ledger.BizID  `json:"biz_id"`
	// From is the operation that it takes from.
	From       explainedOrigin `json:"from"`
	KeptBefore ledger.Points   `json:"kept_before"`
	KeptAfter  ledger.Points   `json:"kept_after"`
	// Fate is what becomes of it, once From has ended where it waits for that.
	Fate  foresight.Fate `json:"fate"`
	Waits bool           `json:"waits"`
	Then  string         `json:"then"`
}

// explainedOrigin is an operation that something is taken from.
type explainedOrigin struct {
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

// openLedger opens the ledger of the configuration to look into, and says by which
// rules its workers act. It makes no table and registers nothing.
func openLedger(ctx context.Context, cfg *config.Config) (*pgxpool.Pool, *config.Config, error) {
	if cfg.DatabaseURL == "" {
		return nil, nil, command.Usagef("--ledger: DATABASE_URL is not set: want the ledger's Postgres")
	}
	if err := migrations.Check(ctx, cfg.DatabaseURL.Reveal()); err != nil {
		return nil, nil, err
	}
	pool, err := database.OpenWorkerPool(ctx, cfg.DatabaseURL.Reveal(), 2) // a look, and what it asks beside
	if err != nil {
		return nil, nil, err
	}
	of, err := rulesOfLedger(ctx, rulefiles.New(pool), cfg, zap.NewNop())
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return pool, of, nil
}

// foresee looks what would become of the event in a ledger.
func (e *explained) foresee(ctx context.Context, pool *pgxpool.Pool, cfg *config.Config, m ledger.Message, event *ledger.Event) error {
	seen, err := foresight.Look(ctx, pool, ledger.New(pool), m, event)
	if err != nil {
		return err
	}
	out := &explainedLedger{Verdict: "accepted", Waits: seen.Waits}
	e.Ledger = out
	switch v := seen.Verdict; v.Kind {
	case ledger.Duplicate:
		out.Verdict = "duplicate"
	case ledger.Rejected:
		out.Verdict, out.rejected = "rejected", fmt.Sprintf("%s: %s", v.Rejection.Code, v.Rejection.Reason)
		e.Rejected, e.Code, e.Reason = true, v.Rejection.Code, v.Rejection.Reason
	}
	if event.Refers != nil {
		out.origin = event.Refers.Origin
	}
	for i := range seen.Takes {
		t := &seen.Takes[i]
		account, _ := cfg.Account(t.Operation.Account) // one that is not configured here takes no calls
		fate := t.Fate(account.Calls)
		out.Takes = append(out.Takes, explainedTake{Account: t.Operation.Account, Kind: t.Operation.Kind, Points: t.Operation.Points, BizID: t.Operation.BizID,
			From:       explainedOrigin{ID: t.Origin, Kind: t.OriginKind, Points: t.OriginPoints, State: t.State, Cause: t.Cause, AmountFen: t.OriginFen, RefundedFen: t.RefundedFen},
			KeptBefore: t.KeptBefore, KeptAfter: t.KeptAfter, Fate: fate, Waits: t.Waits(), Then: t.Words(account.Calls)})
	}
	return nil
}

// words say what would become of the event.
func (l *explainedLedger) words() string {
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
func (l *explainedLedger) print(out io.Writer, line, words func(name, format string, args ...any)) {
	fmt.Fprintln(out, "\nIn the ledger, if it was recorded now")
	words("the event", "%s", l.words())
	for i := range l.Takes {
		t := &l.Takes[i]
		fmt.Fprintf(out, "\nTake %d of %d: %s at %s\n", i+1, len(l.Takes), t.Kind, t.Account)
		line("points", "%d", t.Points)
		words("from", "the %s of %s, operation %d: %s", t.From.Kind, wording.Plural(t.From.Points, "point"), t.From.ID, t.From.words())
		if t.From.AmountFen != nil {
			line("refunded", "%d of %d fen, with this event", t.From.RefundedFen, *t.From.AmountFen)
		}
		line("kept", "%d points before, %d after", t.KeptBefore, t.KeptAfter)
		words("then", "%s", t.Then)
		line("biz_id", "%s", t.BizID)
	}
}

// words say how it stands.
func (o *explainedOrigin) words() string {
	if o.Cause == "" {
		return o.State
	}
	return fmt.Sprintf("%s, %s (%s)", o.State, wording.Cause(o.Cause, ledger.Parked), o.Cause)
}
