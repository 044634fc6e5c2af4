package continuity_test

import (
	"strings"
	"testing"
	"time"

	"pointsledger/continuity"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/intakes"
)

// A head is raised and never lowered, each ledger has its own, whoever only looks makes
// no bucket, and the witness of a durable is left alone.
func TestSealHeads(t *testing.T) {
	t.Parallel()
	js := intakes.Dial(t, testkit.NATS(t))
	const ours, other = "5f3a9a52-0000-4000-8000-000000000001", "5f3a9a52-0000-4000-8000-000000000002"
	hash := func(digit string) string { return strings.Repeat(digit, 64) }
	at := time.Date(2026, 11, 30, 16, 0, 0, 0, time.UTC)
	wantHead := func(heads *continuity.SealHeads, ledger string, number int64, want string) {
		t.Helper()
		n, h, sealed, err := heads.ReadSeal(t.Context(), ledger)
		if err != nil || n != number || h != want || n > 0 && !sealed.Equal(at) {
			t.Fatalf("got batch %d, %s, %s, %v; want %d, %s", n, h, sealed, err, number, want)
		}
	}
	reader := continuity.NewSealHeads(js, "POINTS", true)
	wantHead(reader, ours, 0, "")
	if _, err := js.KeyValue(t.Context(), continuity.WitnessBucket("POINTS")); err == nil {
		t.Fatal("looking made a bucket")
	}
	heads := continuity.NewSealHeads(js, "POINTS", false)
	for _, raise := range []struct {
		over, number int64
		digit        string
		now          int64
		want         string
	}{{0, 1, "1", 1, "1"}, {1, 3, "3", 3, "3"}, {3, 2, "2", 3, "3"}, {3, 3, "f", 3, "3"}, {1, 4, "f", 3, "3"}, {0, 4, "f", 3, "3"}, {3, 4, "4", 4, "4"}} {
		if err := heads.RaiseSeal(t.Context(), ours, raise.over, raise.number, hash(raise.digit), at); err != nil {
			t.Fatal(err)
		}
		wantHead(heads, ours, raise.now, hash(raise.want))
	}
	wantHead(reader, ours, 4, hash("4"))
	wantHead(reader, other, 0, "")
	bucket, err := js.KeyValue(t.Context(), continuity.WitnessBucket("POINTS"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bucket.PutString(t.Context(), continuity.SealKey(other), "not ours"); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := reader.ReadSeal(t.Context(), other); err == nil || !strings.Contains(err.Error(), "was not written by this program") {
		t.Errorf("another's entry is read as %v", err)
	}
}
