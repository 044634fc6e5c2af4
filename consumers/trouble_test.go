package consumers

import (
	"context"
	"errors"
	"testing"

	"go.uber.org/zap"
)

// A fetch that works says nothing about recording, nor the other way round.
func TestTroublesAreApart(t *testing.T) {
	t.Parallel()
	r, err := NewRunner(Deps{Log: zap.NewNop()}, Config{Stream: "S", Durable: "D", Batch: 1, BatchesInFlight: 1, AckWait: 2, BatchTime: 1})
	if err != nil {
		t.Fatal(err)
	}
	step := func(t *testing.T, of *trouble, what string, err error, want string) {
		t.Helper()
		of.note(what, err)
		got := ""
		if trouble := r.Trouble(); trouble != nil {
			got = trouble.Error()
		}
		if got != want {
			t.Errorf("after %s: %v the trouble is %q, want %q", what, err, got, want)
		}
	}
	away := errors.New("away")
	step(t, &r.fetching, "fetch", nil, "")
	step(t, &r.recording, "record events", context.Canceled, "")
	step(t, &r.recording, "record events", away, "record events: away")
	step(t, &r.fetching, "fetch", nil, "record events: away")
	step(t, &r.fetching, "fetch", away, "record events: away")
	step(t, &r.recording, "record events", nil, "fetch: away")
	step(t, &r.recording, "record events", nil, "fetch: away")
	step(t, &r.fetching, "fetch", nil, "")
}
