//go:build !noembed && unix

package devstack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// Snapshot copies the cluster's files into a folder that must not exist, as a
// snapshot of its disk would have them: the server stops at once (SIGQUIT: no
// checkpoint) and is started again. It is for tests of reliability, and must not
// run while another method does.
func (p *Postgres) Snapshot(ctx context.Context, folder string) error {
	return p.whileStopped(ctx, func(ctx context.Context) error {
		if err := copyFolder(ctx, p.folder.data(), folder); err != nil {
			return fmt.Errorf("take snapshot: %w", err)
		}
		return nil
	})
}

// RollBack puts the files of a Snapshot in the place of the cluster's: what was
// committed since is gone, and nothing in the cluster says so. The snapshot
// stays as it is.
func (p *Postgres) RollBack(ctx context.Context, folder string) error {
	return p.whileStopped(ctx, func(ctx context.Context) error {
		if err := os.RemoveAll(p.folder.data()); err != nil {
			return fmt.Errorf("roll back: %w", err)
		}
		if err := copyFolder(ctx, folder, p.folder.data()); err != nil {
			return fmt.Errorf("roll back: %w", err)
		}
		return nil
	})
}

// whileStopped runs f between a stop without a checkpoint and a start.
func (p *Postgres) whileStopped(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	p.server.stop(stopPatience, syscall.SIGQUIT, syscall.SIGKILL)
	p.watch.tell("gone", 0)
	if f != nil {
		if err := f(ctx); err != nil {
			return err
		}
	}
	if err := p.launch(p.fsync); err != nil {
		return err
	}
	if err := p.waitUntilReady(ctx); err != nil {
		return fmt.Errorf("restart postgres: %w", err)
	}
	return nil
}

// copyFolder copies a folder with owners and modes; the server refuses files
// that are not its own.
func copyFolder(ctx context.Context, from, to string) error {
	if out, err := exec.CommandContext(ctx, "cp", "-a", "--", from, to).CombinedOutput(); err != nil {
		return fmt.Errorf("copy %s: %w: %s", from, err, out)
	}
	return nil
}
