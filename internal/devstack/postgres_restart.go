//go:build !noembed && unix

package devstack

import "context"

// Restart stops the server at once, as a crash would (SIGQUIT: no checkpoint,
// the connections are cut), and starts it on the same data and port. It
// returns when the server answers again, after its crash recovery. It is for
// tests of reliability, and must not run while another method does.
func (p *Postgres) Restart(ctx context.Context) error { return p.whileStopped(ctx, nil) }
