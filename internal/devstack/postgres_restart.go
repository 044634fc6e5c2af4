//go:build !noembed && unix

package devstack

import (
	"context"
	"fmt"
	"syscall"
)

// Restart stops the server at once, as a crash would (SIGQUIT: no checkpoint,
// the connections are cut), and starts it on the same data and port. It
// returns when the server answers again, after its crash recovery. It is for
// tests of reliability, and must not run while another method does.
func (p *Postgres) Restart(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	p.server.stop(stopPatience, syscall.SIGQUIT, syscall.SIGKILL)
	p.watch.tell("gone", 0)
	if err := p.launch(p.fsync); err != nil {
		return err
	}
	if err := p.waitUntilReady(ctx); err != nil {
		return fmt.Errorf("restart postgres: %w", err)
	}
	return nil
}
