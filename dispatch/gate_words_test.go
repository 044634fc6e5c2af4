package dispatch

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pointsledger/vendorapi"
)

// A gate that calls without a clear answer closed must not say "0 操作成功": that
// is the envelope of an answer that could not be read, and reads as a success.
func TestGateSaysWhyAnAnswerWasUnclear(t *testing.T) {
	g := newGate(true, time.Minute)
	for range breakerLimit {
		call(t, g, clock, "1", vendorapi.Reply{Outcome: vendorapi.Unknown, Code: "0", Message: "操作成功",
			Err: errors.New("read points records: data is no list")})
	}
	st := g.Status()
	if st.Reason != GateFailing || !strings.HasPrefix(st.Words, "read points records: data is no list") || !strings.Contains(st.Words, "0 操作成功") {
		t.Errorf("gate %+v", st)
	}
}
