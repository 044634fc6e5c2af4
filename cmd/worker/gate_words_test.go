package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pointsledger/dispatch"
	"pointsledger/internal/doctor"
	"pointsledger/ledger/gates"
)

// A pause is a person's word: /readyz and doctor do not quote it as the vendor's,
// and promise no probe.
func TestPauseIsNoWordOfTheVendor(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 7, 30, 0, 0, time.FixedZone("", 8*60*60))
	const who = "paused by wang: vendor maintenance"
	gate := dispatch.GateStatus{Reason: dispatch.GatePaused, Since: at, Until: at, Words: who}
	a := accountReadiness{Account: "zhimai"}
	a.closeGate(gate)
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{string(text), gateProblem(dispatch.Status{Account: "zhimai", Gate: gate}),
		doctor.GateFound(gates.Gate{Reason: gates.GatePaused, Words: who, ClosedFor: time.Minute}) + doctor.GateAdvice(gates.Gate{Reason: gates.GatePaused}, "zhimai")} {
		if !strings.Contains(shown, who) || strings.Contains(shown, "vendor says") || strings.Contains(shown, "vendor_says") || strings.Contains(shown, "probe") ||
			strings.Contains(shown, "by itself") || strings.Contains(shown, "paused paused") {
			t.Errorf("a pause is shown as %s", shown)
		}
	}
	gate.Reason, gate.Words = dispatch.GateSuspicious, "40101 签名错误"
	a = accountReadiness{Account: "zhimai"}
	a.closeGate(gate)
	if a.Words != gate.Words || a.Paused != "" || a.ProbeAt == nil || a.Since.Format(time.RFC3339) != "2026-11-19T23:30:00Z" {
		t.Errorf("%+v", a)
	}
	if shown := gateProblem(dispatch.Status{Account: "zhimai", Gate: gate}); !strings.Contains(shown, "the vendor says: 40101") || strings.Contains(shown, "+08:00") {
		t.Error(shown)
	}
	// What closed the breaker may never have reached the vendor.
	gate.Reason, gate.Words = dispatch.GateFailing, "dial tcp: connection refused"
	if shown := gateProblem(dispatch.Status{Account: "zhimai", Gate: gate}); strings.Contains(shown, "vendor says") {
		t.Error(shown)
	}
}
