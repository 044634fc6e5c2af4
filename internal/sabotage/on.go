//go:build sabotage

package sabotage

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// plan is what the environment asked for; it is read once and never changed.
var plan = readPlan()

type sabotagePlan struct {
	crashAt string
	after   int64
	reached atomic.Int64
	broken  string
}

func readPlan() *sabotagePlan {
	p := &sabotagePlan{after: 1, broken: os.Getenv("SABOTAGE_BREAK")}
	at, count, counted := strings.Cut(os.Getenv("SABOTAGE_CRASH"), ":")
	p.crashAt = at
	if counted {
		if n, err := strconv.ParseInt(count, 10, 64); err == nil && n > 0 {
			p.after = n
		}
	}
	return p
}

// Crash kills the process as a power cut would, when the environment asked for
// this point and it has been reached often enough.
func Crash(point string) {
	if point != plan.crashAt || plan.reached.Add(1) != plan.after {
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // the signal ends us
}

// Breaks tells whether the environment asked for this promise to be broken.
func Breaks(promise string) bool { return plan.broken == promise }
