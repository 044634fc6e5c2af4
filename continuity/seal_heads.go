package continuity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/consumers"
)

// SealHeads keeps the newest batch of a ledger's seal in the bucket of the witness:
// outside the database, so that it is neither rolled back nor edited with it. It is not
// safe for concurrent use.
type SealHeads struct{ witness *witness }

// NewSealHeads keeps heads beside a stream. lookOnly makes no bucket, for whoever only
// reads.
func NewSealHeads(js jetstream.JetStream, stream string, lookOnly bool) *SealHeads {
	return &SealHeads{&witness{js: js, denied: consumers.WatchDenied(js.Conn()), stream: stream, lookOnly: lookOnly}}
}

// sealHead is an entry of the bucket.
type sealHead struct {
	LedgerID string    `json:"ledger_id"`
	Number   int64     `json:"number"`
	Hash     string    `json:"hash"`
	SealedAt time.Time `json:"sealed_at"`

	revision uint64
}

// SealKey is the key of a ledger's head in the bucket.
func SealKey(ledgerID string) string { return "seal." + ledgerID }

// ReadSeal returns the head of a ledger; number is 0 when there is none.
func (s *SealHeads) ReadSeal(ctx context.Context, ledgerID string) (number int64, hash string, sealedAt time.Time, err error) {
	head, err := s.read(ctx, ledgerID)
	return head.Number, head.Hash, head.SealedAt, err
}

func (s *SealHeads) read(ctx context.Context, ledgerID string) (head sealHead, err error) {
	err = s.witness.call(ctx, func(ctx context.Context) error {
		entry, err := s.witness.bucket.Get(ctx, SealKey(ledgerID))
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		head.revision = entry.Revision()
		if err := json.Unmarshal(entry.Value(), &head); err != nil || head.LedgerID != ledgerID || head.Number < 1 || len(head.Hash) != 64 {
			return &unreadableError{WitnessBucket(s.witness.stream), SealKey(ledgerID)}
		}
		return nil
	})
	if err != nil {
		return sealHead{}, fmt.Errorf("read the head of the seal: %w", err)
	}
	return head, nil
}

// RaiseSeal puts a head in the place of the one with the number over, 0 for none. Where
// another one is there by now, that stays: its writer has looked later.
func (s *SealHeads) RaiseSeal(ctx context.Context, ledgerID string, over, number int64, hash string, sealedAt time.Time) error {
	value, err := json.Marshal(sealHead{LedgerID: ledgerID, Number: number, Hash: hash, SealedAt: sealedAt})
	if err != nil {
		return fmt.Errorf("raise the head of the seal: %w", err)
	}
	before, err := s.read(ctx, ledgerID)
	if err != nil || before.Number != over || before.Number >= number {
		return err
	}
	err = s.witness.call(ctx, func(ctx context.Context) error {
		var err error
		if before.revision == 0 {
			_, err = s.witness.bucket.Create(ctx, SealKey(ledgerID), value)
		} else {
			_, err = s.witness.bucket.Update(ctx, SealKey(ledgerID), value, before.revision)
		}
		if errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch) || isWrongLast(err) {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("raise the head of the seal: %w", err)
	}
	return nil
}
