package dispatch

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/ledger"
	"pointsledger/ledger/gates"
	"pointsledger/ledger/knowledge"
	"pointsledger/ledger/waiting"
)

// Store is all that a dispatcher needs of the ledger ([Ledger]). Each part
// stands beside the loop that needs it.
type Store interface {
	accountStore
	claimStore
	leaseStore
	deadStore
	clockStore
	memberStore
	settleStore
	shapeStore
	slotStore
	gateStore
	probeStore
	doubtStore
	waitStore
	takeBackStore
	codeStore
	samplerStore
}

// Ledger is the Store of a worker: the book, what is known of endpoints, the gates, and
// what waits.
type Ledger struct {
	*ledger.Store
	*knowledge.Endpoints
	*gates.Gates
	*waiting.Waiting
}

// NewLedger is a Store on a pool.
func NewLedger(store *ledger.Store, pool *pgxpool.Pool) Ledger {
	return Ledger{Store: store, Endpoints: knowledge.New(pool), Gates: gates.New(pool), Waiting: waiting.New(pool, store)}
}

// accountStore knows whether an account has ever confirmed a call.
type accountStore interface {
	AccountConfirmed(ctx context.Context, account string) (bool, error)
	MarkAccountConfirmed(ctx context.Context, account string) error
}

// book is the ledger as the loops see it.
type book struct {
	account  accountStore
	claims   claimStore
	leases   leaseStore
	dead     deadStore
	clock    clockStore
	members  memberStore
	settling settleStore
	shapes   shapeStore
	gate     gateStore
	probe    probeStore
	doubts   doubtStore
	waiting  waitStore
	backs    takeBackStore
	codes    codeStore
}

func openBook(s Store, observer Observer) book {
	return book{account: s, claims: observedClaims{s, observer}, leases: s, dead: s, clock: s, members: s, settling: s,
		shapes: s, gate: s, probe: s, doubts: s, waiting: s, backs: s, codes: s}
}
