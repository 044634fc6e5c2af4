package evidence

import (
	"time"

	"pointsledger/ledger"
	"pointsledger/ledger/knowledge"
)

// Beliefs are what the settings of an account say of its vendor; see dispatch.Account.
type Beliefs struct{ QuietAfter, ClockSkew, VerifyAfter time.Duration }

// KnowledgeOf makes of what the ledger keeps of an account's endpoint what the
// judge asks for. The worker and the commands that look at records use it, so
// that they judge alike. Records lag as long as was seen, and no less than the
// settings say: a vendor that was quick while it was sampled may have a slow day
// (TestLagIsNoLessThanTheSettingsSay).
func KnowledgeOf(k knowledge.EndpointKnowledge, b Beliefs) Knowledge {
	known := Knowledge{AloneSince: k.AloneSince, ShownSince: k.ShownSince, LastSentAt: k.LastSentAt,
		MaxLag: max(k.MaxLag, b.VerifyAfter),
		Zone:   Zone{Known: k.ZoneKnown, Offset: k.ZoneOffset}, QuietAfter: b.QuietAfter, ClockSkew: b.ClockSkew}
	switch k.References {
	case knowledge.ReferencesShown:
		known.References = ReferencesShown
	case knowledge.ReferencesHidden:
		known.References = ReferencesHidden
	}
	for _, s := range k.Samples {
		known.Samples = append(known.Samples, Sample{SentAt: s.SentAt, BeganAt: s.BeganAt, ReadAt: s.ReadAt})
	}
	for _, e := range k.Extents {
		known.Extents = append(known.Extents, Extent{Records: e.Records, Oldest: e.Oldest, ReadAt: e.ReadAt})
	}
	return known
}

// IssuedOf makes of a member's operations what the judge asks for.
func IssuedOf(operations []ledger.IssuedOperation) []Issued {
	issued := make([]Issued, len(operations))
	for i, o := range operations {
		issued[i] = Issued{Reference: o.Reference, Reason: o.Reason, Points: o.Points, SentAt: o.SentAt,
			Confirmed: o.Confirmed, ConfirmedAt: o.ConfirmedAt}
	}
	return issued
}
