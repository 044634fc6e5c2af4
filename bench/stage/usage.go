package stage

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ticks is Linux's unit of CPU time in /proc, the same on all its platforms
// that Go knows: a hundredth of a second.
const ticks = 100

// CPU is seconds of CPU time, user and system.
type CPU struct{ Worker, Postgres, NATS, Sink float64 }

// Minus is what was used since an earlier reading.
func (c CPU) Minus(earlier CPU) CPU {
	return CPU{c.Worker - earlier.Worker, c.Postgres - earlier.Postgres, c.NATS - earlier.NATS, c.Sink - earlier.Sink}
}

// Judged is what the targets count: all but the sink.
func (c CPU) Judged() float64 { return c.Worker + c.Postgres + c.NATS }

// CPU reads what all parts have used so far.
func (s *Stage) CPU(processes []*Process) (CPU, error) {
	var c CPU
	for _, p := range processes {
		used, err := processCPU(p.PID())
		if err != nil {
			return c, err
		}
		c.Worker += used.own
	}
	for pid, into := range map[int]*float64{s.nats.PID(): &c.NATS, s.sinkd.PID(): &c.Sink} {
		used, err := processCPU(pid)
		if err != nil {
			return c, err
		}
		*into = used.own
	}
	var err error
	c.Postgres, err = treeCPU(s.postgres.PID())
	return c, err
}

// used is what /proc says of a process.
type used struct {
	parent int
	// own is the process's, children that of those that it has waited for.
	own, children float64
}

// processCPU reads /proc/<pid>/stat; its second field, the name, may hold
// spaces and brackets.
func processCPU(pid int) (used, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return used{}, fmt.Errorf("read CPU time: %w", err)
	}
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	if len(fields) < 15 {
		return used{}, fmt.Errorf("read CPU time of %d: too few fields", pid)
	}
	n := make([]float64, 15)
	for _, i := range []int{1, 11, 12, 13, 14} {
		if n[i], err = strconv.ParseFloat(fields[i], 64); err != nil {
			return used{}, fmt.Errorf("read CPU time of %d: %w", pid, err)
		}
	}
	return used{parent: int(n[1]), own: (n[11] + n[12]) / ticks, children: (n[13] + n[14]) / ticks}, nil
}

// treeCPU is that of a process, of all children that have ended, and of those
// that live: a Postgres server and its backends. A child that ends between two
// readings is counted with its parent a moment later.
func treeCPU(root int) (float64, error) {
	sum, err := processCPU(root)
	if err != nil {
		return 0, err
	}
	total := sum.own + sum.children
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, fmt.Errorf("list processes: %w", err)
	}
	for _, folder := range folders {
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			continue
		}
		if u, err := processCPU(pid); err == nil && u.parent == root { // an error is a process that has gone
			total += u.own
		}
	}
	return total, nil
}

// Memory is the resident memory of a process in MiB: now, and at its peak.
func (c *child) Memory() (now, peak float64, err error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.PID()))
	if err != nil {
		return 0, 0, fmt.Errorf("read memory: %w", err)
	}
	for line := range strings.Lines(string(raw)) {
		name, value, _ := strings.Cut(line, ":")
		into := map[string]*float64{"VmRSS": &now, "VmHWM": &peak}[name]
		if into == nil {
			continue
		}
		kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
		if err != nil {
			return 0, 0, fmt.Errorf("read memory: %w", err)
		}
		*into = kib / 1024
	}
	return now, peak, nil
}
