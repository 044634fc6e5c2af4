//go:build !noembed && unix

package devstack

import (
	"os/exec"
	"syscall"
	"time"
)

// Process is a program that was started as our child, in a session of its own.
// On Linux the kernel kills it when this process dies.
type Process struct{ child *child }

// StartProcess starts cmd, which must not have been started.
func StartProcess(cmd *exec.Cmd) (*Process, error) {
	c, err := startChild(cmd, nil, syscall.SIGKILL)
	if err != nil {
		return nil, err
	}
	return &Process{c}, nil
}

// PID is its process id.
func (p *Process) PID() int { return p.child.pid }

// Done is closed when it has ended.
func (p *Process) Done() <-chan struct{} { return p.child.done }

// Err is how it ended, nil for exit code 0; call it only after Done.
func (p *Process) Err() error { return p.child.err }

// Signal sends a signal unless it has ended.
func (p *Process) Signal(sig syscall.Signal) { p.child.signal(sig) }

// Stop sends the signals in turn, each with the time to obey, and waits for
// the end. The last one should be SIGKILL.
func (p *Process) Stop(patience time.Duration, signals ...syscall.Signal) {
	p.child.stop(patience, signals...)
}
