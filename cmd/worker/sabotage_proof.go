//go:build sabotage

package main

import (
	"context"
	"strings"
	"time"

	"pointsledger/dispatch"
	"pointsledger/evidence"
	"pointsledger/internal/sabotage"
	"pointsledger/ledger"
	"pointsledger/ledger/knowledge"
	"pointsledger/vendorapi"
)

// credulousStore knows of every endpoint that it shows references, that its
// records are current and that they reach back: what is not in them is absent.
type credulousStore struct{ dispatch.Store }

func (s credulousStore) Knowledge(ctx context.Context, account, endpoint string) (knowledge.EndpointKnowledge, error) {
	k, err := s.Store.Knowledge(ctx, account, endpoint)
	if err != nil {
		return k, err
	}
	const long = 100 * 365 * 24 * time.Hour
	k.References, k.ShownSince, k.MaxLag = knowledge.ReferencesShown, k.Now.Add(long), 0
	k.Samples = []knowledge.EndpointSample{{SentAt: k.Now.Add(long), BeganAt: k.Now, ReadAt: k.Now}}
	k.Extents = []knowledge.EndpointExtent{{Records: 1_000_000_000, Oldest: k.Now.Add(-long), ReadAt: k.Now}}
	return k, nil
}

// promptStore knows of no lag: a sampler that reads as hastily as the judge takes
// records that it does not recognise for late ones, and then nothing is ever proven.
type promptStore struct{ dispatch.Store }

func (s promptStore) Knowledge(ctx context.Context, account, endpoint string) (knowledge.EndpointKnowledge, error) {
	k, err := s.Store.Knowledge(ctx, account, endpoint)
	k.MaxLag = 0
	return k, err
}

// reader is a vendor that has records, with all that it can do beside.
type reader interface {
	vendorapi.Sender
	vendorapi.Resolver
	vendorapi.RecordReader
	vendorapi.BalanceReader
	vendorapi.Endpointed
}

// hastyReader is a vendor whose records are read by the first reference in
// their text: it puts that one at the end.
type hastyReader struct{ reader }

func (v hastyReader) ReadRecords(ctx context.Context, member string) (evidence.Reading, vendorapi.Reply) {
	reading, reply := v.reader.ReadRecords(ctx, member)
	for i, r := range reading.Records {
		for rest := r.Text; ; {
			_, after, found := strings.Cut(rest, "#")
			if !found {
				break
			}
			if rest = after; len(after) >= ledger.ReferenceChars && ledger.ValidReference(after[:ledger.ReferenceChars]) {
				reading.Records[i].Text = "#" + after[:ledger.ReferenceChars]
				break
			}
		}
	}
	return reading, reply
}

// credulous wraps the store or the vendor when doubt is to be judged by less
// than a proof.
func credulous(s dispatch.Store) dispatch.Store {
	if sabotage.Breaks(sabotage.AbsenceWithoutControl) {
		return credulousStore{s}
	}
	if sabotage.Breaks(sabotage.FirstReferenceWins) {
		return promptStore{s}
	}
	return s
}

func hasty(a dispatch.Account) dispatch.Account {
	if r, ok := a.Vendor.(reader); ok && sabotage.Breaks(sabotage.FirstReferenceWins) {
		a.Vendor = hastyReader{r}
	}
	return a
}
