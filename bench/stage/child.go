package stage

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"pointsledger/internal/devstack"
)

// child is a process of ours with its log.
type child struct {
	process *devstack.Process
	log     string
	// input is closed to end a server.
	input io.Closer
}

// Process is a worker or a peer that runs.
type Process struct {
	*child
	// HTTP is the address of the worker's pages, empty for a peer.
	HTTP string
}

func startChild(cmd *exec.Cmd, log string) (*child, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	defer file.Close()
	if cmd.Stdout == nil {
		cmd.Stdout = file
	}
	cmd.Stderr = file
	p, err := devstack.StartProcess(cmd)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return &child{process: p, log: log}, nil
}

// startTalking starts a server that writes one line when it is ready, and ends
// when its standard input ends.
func startTalking(cmd *exec.Cmd, log string) (*child, string, error) {
	out, outEnd, err := os.Pipe()
	if err != nil {
		return nil, "", fmt.Errorf("make pipe: %w", err)
	}
	defer out.Close()
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, "", fmt.Errorf("make pipe: %w", err)
	}
	cmd.Stdout = outEnd
	c, err := startChild(cmd, log)
	_ = outEnd.Close() // the child has its own
	if err != nil {
		return nil, "", err
	}
	c.input = input
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		c.end()
		return nil, "", fmt.Errorf("wait for %s: %w: %s", cmd.Path, err, c.LastWords())
	}
	return c, strings.TrimSpace(line), nil
}

// end closes the child's input, and waits.
func (c *child) end() {
	_ = c.input.Close()
	c.process.Stop(5*time.Second, 0, syscall.SIGKILL)
}

// PID is the process id.
func (c *child) PID() int { return c.process.PID() }

// Ended says whether the process is gone.
func (c *child) Ended() bool {
	select {
	case <-c.process.Done():
		return true
	default:
		return false
	}
}

// LastWords is the end of the process's log.
func (c *child) LastWords() string {
	text, err := os.ReadFile(c.log)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-1500):]))
}
