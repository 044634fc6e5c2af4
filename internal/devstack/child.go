//go:build !noembed && unix

package devstack

import (
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// child is a process that was started from a thread which lives as long as the
// process does. On Linux the parent death signal is tied to the forking thread,
// not to the process: forked from an ordinary goroutine, the child would get
// its signal whenever the Go runtime retires that thread.
type child struct {
	pid  int
	done chan struct{}
	// err is how the process ended; read it only after done is closed.
	err error
}

// startChild starts cmd in a session of its own, so that Ctrl-C in a terminal
// reaches this process alone. When this process dies, the child gets deathSignal
// on Linux; elsewhere the watcher has to end it. A nil user means the user of
// this process.
func startChild(cmd *exec.Cmd, user *syscall.Credential, deathSignal syscall.Signal) (*child, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: user}
	setDeathSignal(cmd.SysProcAttr, deathSignal)
	// A grandchild that still holds the log pipe must not keep Wait from ending.
	cmd.WaitDelay = 2 * time.Second

	c := &child{done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			c.pid = cmd.Process.Pid
		}
		started <- err
		if err != nil {
			return
		}
		c.err = cmd.Wait()
		close(c.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return c, nil
}

// signal sends sig unless the process has already been waited for.
func (c *child) signal(sig syscall.Signal) {
	select {
	case <-c.done:
	default:
		// An error means that the process has just ended.
		_ = syscall.Kill(c.pid, sig)
	}
}

// stop sends the signals in turn, each with the time to obey, and waits for
// the end. The last one should be SIGKILL.
func (c *child) stop(patience time.Duration, signals ...syscall.Signal) {
	for _, sig := range signals {
		c.signal(sig)
		timer := time.NewTimer(patience)
		select {
		case <-c.done:
			timer.Stop()
			return
		case <-timer.C:
		}
	}
	<-c.done
}
