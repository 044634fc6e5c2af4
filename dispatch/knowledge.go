package dispatch

import (
	"context"
	"time"

	"pointsledger/evidence"
	"pointsledger/ledger"
	"pointsledger/ledger/knowledge"
)

// knowledge is what the judge is told of the account's endpoint.
func (d *Dispatcher) knowledge(k knowledge.EndpointKnowledge) evidence.Knowledge {
	return evidence.KnowledgeOf(k, evidence.Beliefs{QuietAfter: d.account.QuietAfter, ClockSkew: d.account.ClockSkew, VerifyAfter: d.account.VerifyAfter})
}

// honoured tells that the vendor is taken at its word, or was seen, to apply a
// repeated key once. What was seen at this endpoint counts for what was called
// here, and as long as a key is remembered: a vendor may stop it.
func (d *Dispatcher) honoured(k knowledge.EndpointKnowledge, row *held) bool {
	return d.account.KeysHonoured || keysSeen(k, d.account.KeyMemory) && !d.knowledge(k).ElsewhereAt(row.FirstSentAt)
}

// mayGoAgain tells that a row may be sent again under its key, whatever records show.
func (d *Dispatcher) mayGoAgain(k knowledge.EndpointKnowledge, row *held) bool {
	return d.honoured(k, row) && !d.forgotten(row)
}

func keysSeen(k knowledge.EndpointKnowledge, memory time.Duration) bool {
	return !k.KeysSeenAt.IsZero() && k.Now.Sub(k.KeysSeenAt) <= memory
}

// soughtOf is a claimed row as the judge looks for it.
func soughtOf(account string, row *ledger.Claimed) evidence.Operation {
	return evidence.Operation{Account: account, MemberID: row.MemberID, Reference: row.Reference, Reason: row.Reason,
		Points: row.Points, FirstSentAt: row.FirstSentAt, QuietSince: row.QuietSince,
		EmptyBefore: row.Lack == string(evidence.LackEmptyTwice)}
}

// keepExtent keeps how far a complete list goes back, where that is clearly more
// than what is known of the endpoint: by it the short list of another member is
// judged. Samples are few; whoever reads may teach
// (TestEveryReadingTeachesHowFarRecordsGoBack).
func (d *Dispatcher) keepExtent(ctx context.Context, reading evidence.Reading, k knowledge.EndpointKnowledge) {
	oldest := reading.Oldest()
	if !reading.Complete || oldest.IsZero() || k.Now.IsZero() {
		return
	}
	depth := k.Now.Sub(oldest)
	for _, e := range k.Extents {
		if e.Records >= len(reading.Records) && e.ReadAt.Sub(e.Oldest)+k.ZoneOffset >= depth*9/10 {
			return
		}
	}
	d.note(d.book.doubts.KeepExtent(ctx, d.account.Name, d.account.Endpoint(), len(reading.Records), depth))
}
