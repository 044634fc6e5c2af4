package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/desk"
	"pointsledger/ledger"
)

// Several workers at once, without a model: the invariants hold whenever
// somebody looks, no claim takes a row that another worker holds, and in the
// end every change that was reported is in the tables, once.
func TestStoreHoldsInvariantsUnderConcurrency(t *testing.T) {
	t.Parallel()
	const workers, actionsEach, orders = 4, 200, 250
	f := newFixture(t)
	a := &arena{Store: f.Store, fixture: f, part: newPart(1), last: map[ledger.OperationID]ledger.LeaseToken{},
		released: map[lease]bool{}, ended: map[lease]bool{}, verifying: map[ledger.OperationID]bool{}}
	for i := range orders {
		m := machine{fixture: f, part: a.part}
		a.entries = append(a.entries, m.newOrder(fmt.Sprintf("SO-%d", i+1), []string{"grant", "grant by code", "both"}[i%3]))
	}
	ctx, finish := context.WithCancel(t.Context())
	watched := make(chan struct{})
	observer := openObserver(f)
	go func() { defer close(watched); a.watch(ctx, t, observer) }()
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(w)))
			for range actionsEach {
				if err := a.act(t.Context(), random); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	finish()
	<-watched
	a.balance(t)
}

// lease is one claim of one row.
type lease struct {
	id    ledger.OperationID
	token ledger.LeaseToken
}

// arena is what the workers of a concurrent run share.
type arena struct {
	*ledger.Store
	*fixture
	part
	entries []ledger.Entry

	mu    sync.Mutex
	token ledger.LeaseToken
	holds []*ledger.Claimed
	// last is the last claim of each row; released are the claims whose end has
	// begun: only they may be followed by another. Both are written before the
	// store is asked to end a claim, and after it has answered a claim.
	last     map[ledger.OperationID]ledger.LeaseToken
	released map[lease]bool
	// ended are claims whose lease is surely over.
	ended map[lease]bool
	// verifying are rows whose doubt a verification may have ended.
	verifying map[ledger.OperationID]bool
	// What the store has reported.
	accepted, posted, voided, attempts, acts int
	deadlocks                                []string
}

// retry runs an action again when Postgres chose it to break a deadlock, as
// the dispatcher does. Which ones is logged: each costs a second.
func (a *arena) retry(action string, f func() error) error {
	for {
		err := f()
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "40P01" {
			return err
		}
		a.count(func() { a.deadlocks = append(a.deadlocks, action) })
	}
}

func (a *arena) count(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
}

// some are a few of the claims ever made, mostly the latest.
func (a *arena) some(random *rand.Rand, most int) (holds []*ledger.Claimed) {
	a.mu.Lock()
	defer a.mu.Unlock()
	from := 0
	if random.IntN(4) > 0 {
		from = max(0, len(a.holds)-100)
	}
	for range 1 + random.IntN(most) {
		if len(a.holds) > 0 {
			h := *a.holds[from+random.IntN(len(a.holds)-from)]
			same := func(o *ledger.Claimed) bool { return o.ID == h.ID && o.Token == h.Token }
			if !slices.ContainsFunc(holds, same) {
				holds = append(holds, &h)
			}
		}
	}
	return holds
}

// act does one random thing.
func (a *arena) act(ctx context.Context, random *rand.Rand) error {
	account := a.accounts[random.IntN(len(a.accounts))]
	switch n := random.IntN(100); {
	case n < 10:
		return a.recordSome(ctx, random)
	case n < 35:
		return a.claimSome(ctx, account, 1+random.IntN(40))
	case n < 50:
		return a.settleSome(ctx, random)
	case n < 60:
		return a.confirmSome(ctx, random)
	case n < 65:
		return a.renewSome(ctx, random)
	case n < 70:
		return a.resolveOne(ctx, random)
	case n < 74:
		return a.verifyOne(ctx, random)
	case n < 82:
		return a.loseLeases(ctx, random)
	case n < 88:
		return a.retry("rescue", func() error {
			taken, err := a.RescueAll(ctx, account, modelAttempts, 0)
			a.count(func() { a.attempts += taken })
			return err
		})
	case n < 91:
		return a.retry("park forgotten", func() error {
			_, err := a.ParkForgotten(ctx, account, keyMemory, false)
			return err
		})
	case n < 93:
		_, err := a.pool.Exec(ctx, `UPDATE outbox SET first_sent_at = first_sent_at - interval '61 minutes'
			WHERE operation_id IN (SELECT operation_id FROM outbox WHERE in_doubt ORDER BY random() LIMIT 2 FOR UPDATE SKIP LOCKED)`)
		return err
	case n < 97:
		return a.reopenAll(ctx, account)
	}
	return a.voidOne(ctx)
}

func (a *arena) recordSome(ctx context.Context, random *rand.Rand) error {
	var batch []ledger.Entry
	for range 1 + random.IntN(20) {
		batch = append(batch, a.entries[random.IntN(len(a.entries))])
	}
	var leases []ledger.RecordLease
	for _, account := range a.accounts {
		if random.IntN(3) == 0 {
			a.count(func() {
				a.token++
				leases = append(leases, ledger.RecordLease{Account: account, Token: a.token, Lease: time.Hour})
			})
		}
	}
	store := a.Store
	if random.IntN(2) == 0 { // as a large batch is written
		store = store.CopyAlways()
	}
	verdicts, leased, err := store.RecordLeased(ctx, batch, leases)
	a.count(func() {
		for i := range leased {
			r := &leased[i]
			if before, claimed := a.last[r.ID]; claimed {
				err = errors.Join(err, fmt.Errorf("one holder for each row: %d was recorded under %d, and claimed under %d before", r.ID, r.Token, before))
			}
			a.last[r.ID] = r.Token
			a.holds = append(a.holds, r)
		}
		for i, v := range verdicts {
			if v.Kind == ledger.Accepted {
				a.accepted += len(batch[i].Event.Operations)
			}
		}
	})
	return err
}

func (a *arena) claimSome(ctx context.Context, account string, limit int) error {
	var token ledger.LeaseToken
	a.count(func() { a.token++; token = a.token })
	rows, err := a.Claim(ctx, ledger.Claim{Account: account, Token: token, Limit: limit, Lease: time.Hour, KeyMemory: keyMemory,
		Newest: token%4 == 0})
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range rows {
		r := &rows[i]
		if before, claimed := a.last[r.ID]; claimed && !a.released[lease{r.ID, before}] {
			return fmt.Errorf("one holder for each row: %d was claimed under %d while %d held it", r.ID, token, before)
		}
		if r.InDoubt && r.SentFor >= keyMemory {
			return fmt.Errorf("invariant 7: operation %d was claimed in doubt, %s after its first send", r.ID, r.SentFor)
		}
		a.last[r.ID] = token
		a.holds = append(a.holds, r)
	}
	return nil
}

// release notes that the ends of these claims begin now.
func (a *arena) release(holds []*ledger.Claimed) {
	a.count(func() {
		for _, h := range holds {
			a.released[lease{h.ID, h.Token}] = true
		}
	})
}

func (a *arena) settleSome(ctx context.Context, random *rand.Rand) error {
	var changes []ledger.Change
	var rightful []*ledger.Claimed
	others := a.some(random, 1)
	for _, h := range a.some(random, 30) {
		if slices.ContainsFunc(changes, func(c ledger.Change) bool { return c.ID == h.ID }) {
			continue
		}
		token := h.Token
		if random.IntN(8) == 0 && others[0].ID != h.ID {
			token = others[0].Token
			// It may still be this row's: one claim takes many rows.
			if holder := a.holder(h.ID); holder == token {
				continue
			}
		} else {
			rightful = append(rightful, h)
		}
		answers := answersTo(h)
		changes = append(changes, answers[random.IntN(len(answers))].change(h, token, random.IntN(8) == 0))
	}
	a.release(rightful)
	var dead []bool
	a.count(func() {
		for _, c := range changes {
			l := lease{c.ID, c.Token}
			dead = append(dead, !a.released[l] || a.ended[l])
		}
	})
	return a.retry("settle", func() error {
		changed, err := a.Settle(ctx, changes)
		a.count(func() {
			for _, id := range changed {
				i := slices.IndexFunc(changes, func(c ledger.Change) bool { return c.ID == id })
				if dead[i] {
					err = errors.Join(err, fmt.Errorf("invariant 5: operation %d changed without its live lease", id))
				}
				if changes[i].Attempt != nil {
					a.attempts++
				}
			}
		})
		return err
	})
}

func (a *arena) holder(id ledger.OperationID) ledger.LeaseToken {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last[id]
}

func (a *arena) confirmSome(ctx context.Context, random *rand.Rand) error {
	var heard []ledger.Confirmation
	for _, h := range a.some(random, 5) {
		if h.MemberID != "" {
			heard = append(heard, ledger.Confirmation{ID: h.ID, Evidence: ledger.Answered, MemberID: h.MemberID})
		}
	}
	return a.retry("confirm", func() error {
		done, err := a.Confirm(ctx, heard)
		a.count(func() { a.posted += done.Posted; a.attempts += len(done.AfterVoid) })
		return err
	})
}

func (a *arena) renewSome(ctx context.Context, random *rand.Rand) error {
	var ids []ledger.OperationID
	var tokens []ledger.LeaseToken
	for _, h := range a.some(random, 60) {
		ids, tokens = append(ids, h.ID), append(tokens, h.Token)
	}
	return a.retry("renew", func() error {
		_, err := a.Renew(ctx, ids, tokens, time.Hour)
		return err
	})
}

func (a *arena) resolveOne(ctx context.Context, random *rand.Rand) error {
	for _, h := range a.some(random, 3) {
		if h.MemberID != "" {
			continue
		}
		member := fmt.Sprint(70 + random.IntN(9))
		ok, err := a.Resolve(ctx, h.ID, h.Token, member)
		if err != nil {
			return err
		}
		if ok {
			a.remember(h, func(c *ledger.Claimed) { c.MemberID = member })
		}
	}
	return nil
}

// remember changes what the holder of a claim knows of it.
func (a *arena) remember(h *ledger.Claimed, change func(*ledger.Claimed)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, kept := range a.holds {
		if kept.ID == h.ID && kept.Token == h.Token {
			change(kept)
		}
	}
}

func (a *arena) verifyOne(ctx context.Context, random *rand.Rand) error {
	for _, h := range a.some(random, 3) {
		if !h.InDoubt || h.MemberID == "" {
			continue
		}
		a.count(func() { a.verifying[h.ID] = true })
		ok, err := a.ClearDoubt(ctx, h.ID, h.Token)
		if err != nil {
			return err
		}
		if ok {
			a.remember(h, func(c *ledger.Claimed) { c.InDoubt, c.NeverSent = false, true })
		}
	}
	return nil
}

// loseLeases ends leases a minute ago, so that they are over also for a
// statement that began before this one.
func (a *arena) loseLeases(ctx context.Context, random *rand.Rand) error {
	holds := a.some(random, 15)
	a.release(holds)
	for _, h := range holds {
		if _, err := a.pool.Exec(ctx, `UPDATE outbox SET lease_until = now() - interval '1 minute'
			WHERE operation_id = $1 AND lease_token = $2`, h.ID, h.Token); err != nil {
			return err
		}
		a.count(func() { a.ended[lease{h.ID, h.Token}] = true })
	}
	return nil
}

func (a *arena) reopenAll(ctx context.Context, account string) error {
	return a.retry("reopen", func() error {
		r := reopening{filter: desk.OpenFilter{Account: account}, actor: a.actor, reason: "property test",
			memories: []desk.KeyMemory{{Account: account, Memory: keyMemory}}}
		result, err := replay(ctx, a.Desk, r)
		a.count(func() { a.acts += result.acts })
		return err
	})
}

func (a *arena) voidOne(ctx context.Context) error {
	return a.retry("void", func() error {
		tag, err := a.pool.Exec(ctx, `
			WITH one AS (SELECT operation_id FROM outbox WHERE state = 'parked' LIMIT 1 FOR UPDATE SKIP LOCKED),
			     gone AS (DELETE FROM outbox x USING one WHERE x.operation_id = one.operation_id RETURNING x.operation_id, x.attempts)
			INSERT INTO postings (operation_id, kind, evidence, attempts) SELECT operation_id, 'voided', 'manual', attempts FROM gone`)
		a.count(func() { a.voided += int(tag.RowsAffected()) })
		return err
	})
}

// watch looks at the ledger all the time.
func (a *arena) watch(ctx context.Context, t *testing.T, observer *pgxpool.Pool) {
	before := &snapshot{}
	for last := false; ; last = ctx.Err() != nil {
		now, err := a.read(t.Context(), observer)
		if err != nil {
			t.Error(err)
			return
		}
		a.mu.Lock()
		broken := slices.Concat(now.violations(), drift(before, now, func(id ledger.OperationID) bool { return a.verifying[id] }))
		a.mu.Unlock()
		if before = now; len(broken) > 0 {
			t.Error(broken)
			return
		}
		if last {
			return
		}
	}
}

// balance compares what the store has reported with what it holds.
func (a *arena) balance(t *testing.T) {
	now, err := a.read(t.Context(), a.pool)
	if err != nil {
		t.Fatal(err)
	}
	broken, err := totals(t.Context(), a.pool)
	if err != nil || len(broken) > 0 {
		t.Error(broken, err)
	}
	posted := 0
	for _, p := range now.Postings {
		if p.Kind == "posted" {
			posted++
		}
	}
	want(t, "operations", len(now.Operations), a.accepted)
	want(t, "posted", posted, a.posted)
	want(t, "voided", len(now.Postings)-posted, a.voided)
	want(t, "attempts", len(now.Attempts), a.attempts)
	want(t, "ops_actions", one[int](a.fixture, `SELECT count(*) FROM ops_actions`), a.acts)
	t.Logf("claims %d, posted %d, voided %d, open %d, attempts %d, reopenings %d, deadlocks %v",
		len(a.holds), a.posted, a.voided, len(now.Outbox), a.attempts, a.acts, a.deadlocks)
	if a.posted == 0 || a.voided == 0 || a.attempts == 0 || a.acts == 0 {
		t.Error("the run has not reached everything: it proves less than it says")
	}
}
