package explanation

import (
	"fmt"
	"io"
	"strings"

	"pointsledger/ledger"
	"pointsledger/rules"
)

// Referral is what an event refers to, as it is shown.
type Referral struct {
	// Origin names the earlier event: order.paid SO-1.
	Origin   string `json:"origin"`
	Type     string `json:"type"`
	Consumes bool   `json:"consumes"`
	// ShareFen is null when all of the amount is meant.
	ShareFen *int64 `json:"share_fen"`
	FactKey  string `json:"fact_key"`
	KeyParts []Part `json:"key_parts"`
	// OtherFacts are the keys that it would have under other rule sets.
	OtherFacts   []string               `json:"other_fact_keys,omitempty"`
	BusinessKey  string                 `json:"business_key"`
	BusinessDate string                 `json:"business_date"`
	Texts        map[ledger.Kind]string `json:"texts"`
	// Effect says in words what follows.
	Effect []string `json:"effect"`
}

func newReferral(x *rules.Explanation) *Referral {
	r := x.Event.Refers
	out := &Referral{Origin: r.Origin, Type: x.Origin.Type, Consumes: r.Consumes, ShareFen: r.ShareFen, FactKey: r.Origins[0].String(),
		BusinessKey: r.BusinessKey, BusinessDate: r.BusinessDate, Texts: r.Texts, Effect: effectOf(r)}
	for _, part := range x.Origin.Parts {
		out.KeyParts = append(out.KeyParts, Part(part))
	}
	for _, other := range r.Origins[1:] {
		out.OtherFacts = append(out.OtherFacts, other.String())
	}
	return out
}

// effectOf says what the ledger makes of a referral. How many points that is depends
// on what it holds of the origin, so here stands the formula.
func effectOf(r *ledger.Referral) []string {
	switch {
	case r.Consumes:
		return []string{"what it froze is spent, where the account has a call for it"}
	case r.ShareFen == nil:
		return []string{"all that it granted is taken back, less what was taken back before", "what it froze is released"}
	}
	return []string{
		fmt.Sprintf("a grant of P points on A fen keeps ⌊P × (A − Σ) ÷ A⌋ after refunds of Σ fen in all, these %d fen among them; what it kept before beyond that is taken back", *r.ShareFen),
		"what it froze is released when all of A is refunded",
		"refunds of more than A in all are rejected: over_refunded",
	}
}

// print writes it below the event. line writes a value, words a text that may be
// broken. formula: no ledger was asked.
func (r *Referral) print(out io.Writer, line, words func(name, format string, args ...any), formula bool) {
	fmt.Fprintf(out, "\nRefers to %s\n", r.Origin)
	words("key parts", "%s", partsText(r.KeyParts))
	line("its fact key", "%s", r.FactKey)
	for _, other := range r.OtherFacts {
		line("", "%s, by another rule set", other)
	}
	for i, effect := range r.Effect {
		words([]string{"then", ""}[min(i, 1)], "%s", effect)
	}
	words("", "where it is not recorded yet, this event waits for it")
	if formula {
		words("", "--ledger says how much that is, by the ledger of DATABASE_URL")
	}
	line("business key", "%s", r.BusinessKey)
	line("business date", "%s", r.BusinessDate)
	for _, kind := range []ledger.Kind{ledger.PointsDeduct, ledger.UnfreezePoint, ledger.ConsumeFrozen} {
		if text, there := r.Texts[kind]; there {
			line(string(kind), "%s", strings.TrimSpace(text+" #")+"…")
		}
	}
}

func partsText(parts []Part) string {
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = fmt.Sprintf("%s=%q", p.Name, p.Value)
	}
	return strings.Join(texts, " ")
}
