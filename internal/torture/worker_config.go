package torture

import (
	"fmt"
	"strings"
	"time"
)

// The workers' impatience: every wait is long enough to work and short enough
// that a run of hundreds of faults ends in minutes.
const (
	maxWorkers  = 3
	callTimeout = time.Second
	// workerLease must exceed the timeout and the dispatcher's allowance of 5 s.
	workerLease = 7 * time.Second
)

// workerConfig makes the workers' file from the built-in one. A setting that
// cannot be found is an error: the run would not be what it says.
func workerConfig(builtIn string, o Options) (string, error) {
	changes := [][2]string{
		{"    timeout: 10s", "    timeout: " + callTimeout.String()},
		{"connect_timeout: 3s", "connect_timeout: 1s"},
		{"lease: 30s", "lease: " + workerLease.String()},
		{"concurrency: 64", "concurrency: 32"},
		{"retry_schedule: [0.5s, 1s, 2s, 5s, 15s, 1m, 5m, 15m, 30m, 1h]", "retry_schedule: [100ms, 200ms, 500ms, 1s, 2s]"},
		{"give_up_after: 24h", "give_up_after: 1h"},
		{"probe_every: 1m", "probe_every: 2s"},
	}
	text := builtIn
	for _, change := range changes {
		if !strings.Contains(text, change[0]) {
			return "", fmt.Errorf("make the workers' configuration: the built-in one has no %q", change[0])
		}
		text = strings.ReplaceAll(text, change[0], change[1])
	}
	zhimai, kylin, found := strings.Cut(text, "- name: kylin")
	if !found {
		return "", fmt.Errorf("make the workers' configuration: the built-in one has no account kylin")
	}
	inDoubt, keys := "resend", "honoured"
	if o.Dedup == "off" {
		inDoubt, keys = "verify", "unknown"
	}
	once := [][2]string{{"keys: unknown", "keys: " + keys}, {"quiet_after: 10m", "quiet_after: 5s"}, {"clock_skew: 2m", "clock_skew: 2s"},
		{"sample_every: 1m", "sample_every: 2s"},
		// What can never be proven waits for a person in the end: a record that was
		// made while reasons were hidden stays without.
		{"give_up_after: 1h", "give_up_after: 90s"}}
	for _, given := range []string{"resend", "verify"} {
		if strings.Contains(zhimai, "in_doubt: "+given+"\n") {
			once = append(once, [2]string{"in_doubt: " + given + "\n", "in_doubt: " + inDoubt + "\n"})
		}
	}
	if len(once) != 6 {
		return "", fmt.Errorf("make the workers' configuration: the account zhimai has no in_doubt of its own")
	}
	if o.Dedup == "code" {
		once = append(once, [2]string{"already_applied: []", `already_applied: ["` + alreadyAppliedCode + `"]`})
	}
	for _, change := range once {
		if !strings.Contains(zhimai, change[0]) {
			return "", fmt.Errorf("make the workers' configuration: the account zhimai has no %q", change[0])
		}
		zhimai = strings.ReplaceAll(zhimai, change[0], change[1])
	}
	return zhimai + "- name: kylin" + kylin, nil
}

// alreadyAppliedCode is what the simulator answers under --dedup code; an
// operator learns it from the vendor and configures it.
const alreadyAppliedCode = "40901"
