package continuity

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// Guard stands at the door of a worker's connection pool: every new connection
// is compared with the database that the worker has made sure of. A server that
// took over is reached by new connections only, so nothing is read from or
// written to it before somebody has looked. A pooler that changes servers
// behind an open connection is noticed by the next look at the identity, some
// seconds later. Safe for concurrent use.
type Guard struct {
	mu   sync.Mutex
	seen *Identity
	// admittedAt is when it was seen last; doubted since then, new connections
	// wait for the next look.
	admittedAt time.Time
	doubted    bool
	poke       chan struct{}
}

// admittedFor is how long an admission is good for new connections: longer than
// two slow looks. A worker that has not looked for longer (it was stopped, or
// cut off) looks first: others may have used the ledger meanwhile, and the
// database may have been rolled back to a state that is newer than the one it
// saw.
const admittedFor = 45 * time.Second

// NewGuard returns a guard that admits nothing until Admit.
func NewGuard() *Guard { return &Guard{poke: make(chan struct{}, 1)} }

// Admit lets connections to this database in.
func (g *Guard) Admit(seen Identity) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen, g.admittedAt, g.doubted = &seen, time.Now(), false
}

// Doubt lets no new connection in until the next Admit; those that are open go
// on, as they lead to the server that was seen.
func (g *Guard) Doubt() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.doubted = true
}

// Fresh tells that new connections to what was seen are let in.
func (g *Guard) Fresh() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.seen != nil && !g.doubted && time.Since(g.admittedAt) < admittedFor
}

// Shut lets no new connection in. The pool's owner resets the pool, so that it
// gives up the old ones too.
func (g *Guard) Shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen = nil
}

// Seen is the identity that was admitted; ok is false while the guard is shut.
func (g *Guard) Seen() (seen Identity, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.seen == nil {
		return Identity{}, false
	}
	return *g.seen, true
}

// Suspicion receives when a connection was refused.
func (g *Guard) Suspicion() <-chan struct{} { return g.poke }

// sameDatabase tells whether a database that remembers the given identity is
// the one that was seen, in no older a state.
func sameDatabase(seen, remembered Identity, now Database) bool {
	return remembered.LedgerID == seen.LedgerID && remembered.Beat >= seen.Beat &&
		sameCluster(remembered.Database, now)
}

// sameCluster compares what can be read of both.
func sameCluster(a, b Database) bool {
	same := func(x, y int64) bool { return x == y || x == 0 || y == 0 }
	return same(a.SystemIdentifier, b.SystemIdentifier) && same(a.Timeline, b.Timeline)
}

// Check compares a new connection, and is ErrAnotherDatabase for one that may
// not be used.
func (g *Guard) Check(ctx context.Context, conn *pgx.Conn) error {
	err := g.compare(ctx, conn)
	if errors.Is(err, ErrAnotherDatabase) {
		select {
		case g.poke <- struct{}{}:
		default: // somebody is told already
		}
	}
	return err
}

func (g *Guard) compare(ctx context.Context, conn *pgx.Conn) error {
	seen, open := g.Seen()
	if !open || !g.Fresh() {
		return ErrAnotherDatabase
	}
	now, err := readDatabase(ctx, conn)
	if err != nil {
		return fmt.Errorf("compare database: %w", err)
	}
	remembered, found, err := readIdentity(ctx, conn)
	if err != nil {
		return fmt.Errorf("compare database: %w", err)
	}
	if !found || !sameDatabase(seen, remembered, now) {
		return ErrAnotherDatabase
	}
	return nil
}
