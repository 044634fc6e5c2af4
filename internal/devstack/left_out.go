//go:build noembed || !unix

package devstack

import (
	"context"
	"os/exec"
	"syscall"
	"time"
)

// Postgres exists in this build only so that callers compile.
type Postgres struct{}

// StartPostgres returns ErrLeftOut.
func StartPostgres(context.Context, PostgresConfig) (*Postgres, error) { return nil, ErrLeftOut }

// DSN returns the empty string.
func (p *Postgres) DSN(string) string { return "" }

// CreateDatabase returns ErrLeftOut.
func (p *Postgres) CreateDatabase(context.Context, string) (string, error) { return "", ErrLeftOut }

// PID returns 0.
func (p *Postgres) PID() int { return 0 }

// Done returns nil: a channel that is never closed.
func (p *Postgres) Done() <-chan struct{} { return nil }

// Restart returns ErrLeftOut.
func (p *Postgres) Restart(context.Context) error { return ErrLeftOut }

// Snapshot returns ErrLeftOut.
func (p *Postgres) Snapshot(context.Context, string) error { return ErrLeftOut }

// RollBack returns ErrLeftOut.
func (p *Postgres) RollBack(context.Context, string) error { return ErrLeftOut }

// Stop does nothing.
func (p *Postgres) Stop() error { return nil }

// NATS exists in this build only so that callers compile.
type NATS struct{}

// StartNATS returns ErrLeftOut.
func StartNATS(NATSConfig) (*NATS, error) { return nil, ErrLeftOut }

// URL returns the empty string.
func (n *NATS) URL() string { return "" }

// Stop does nothing.
func (n *NATS) Stop() error { return nil }

// Process exists in this build only so that callers compile.
type Process struct{}

// StartProcess returns ErrLeftOut.
func StartProcess(*exec.Cmd) (*Process, error) { return nil, ErrLeftOut }

// PID returns 0.
func (p *Process) PID() int { return 0 }

// Done returns nil: a channel that is never closed.
func (p *Process) Done() <-chan struct{} { return nil }

// Err returns nil.
func (p *Process) Err() error { return nil }

// Signal does nothing.
func (p *Process) Signal(syscall.Signal) {}

// Stop does nothing.
func (p *Process) Stop(time.Duration, ...syscall.Signal) {}
