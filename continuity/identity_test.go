package continuity_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/continuity"
	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
	"pointsledger/migrations"
)

// session opens a look at the identity.
func (f *fixture) session() *continuity.Session {
	f.t.Helper()
	s, err := continuity.OpenSession(f.t.Context(), f.pool)
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

// remember writes the identity and returns what is then remembered.
func (f *fixture) remember(id continuity.Identity) continuity.Identity {
	f.t.Helper()
	s := f.session()
	defer s.Close()
	var err error
	if id.Database, err = s.Now(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	if err := s.Remember(f.t.Context(), id); err != nil {
		f.t.Fatal(err)
	}
	remembered, ok, err := s.Remembered(f.t.Context())
	if err != nil || !ok {
		f.t.Fatalf("remembered: %v %v", ok, err)
	}
	return remembered
}

func TestIdentityIsRemembered(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := f.session()
	defer s.Close()
	if _, ok, err := s.Remembered(t.Context()); ok || err != nil {
		t.Fatalf("a new ledger remembers something: %v %v", ok, err)
	}
	empty, err := s.Empty(t.Context())
	if err != nil || !empty {
		t.Fatalf("a new ledger is empty: %v %v", empty, err)
	}
	id := f.remember(continuity.Identity{Stream: "POINTS", StreamCreated: orders.Epoch, AckedSeq: 7})
	if id.LedgerID == "" || id.Database.SystemIdentifier == 0 || id.Database.Timeline != 1 || id.LastSeq != 0 || !id.LastBrokerTime.IsZero() {
		t.Errorf("remembered %+v", id)
	}
	f.record(f.event("SO-1"), f.event("SO-2"))
	want(t, "empty with operations", must(s.Empty(t.Context())), false)
	// acked never goes back while it is the same stream.
	for _, acked := range []uint64{9, 3} {
		want(t, "beat", f.beats(s, id, orders.Epoch, acked), true)
	}
	now, _, err := s.Remembered(t.Context())
	if err != nil || now.AckedSeq != 9 || now.LastSeq == 0 || now.LastBrokerTime.IsZero() || now.BeatAt.Before(id.BeatAt) || now.LedgerID != id.LedgerID {
		t.Errorf("after two beats: %+v %v", now, err)
	}
	older, foreign := now, now
	older.Beat = now.Beat + 1
	foreign.LedgerID = "00000000-0000-0000-0000-000000000000"
	want(t, "beat of a ledger that was seen in a newer state", f.beats(s, older, orders.Epoch, 10), false)
	want(t, "beat of another ledger", f.beats(s, foreign, orders.Epoch, 10), false)
	want(t, "beat of another stream", f.beats(s, now, orders.Epoch.Add(time.Second), 10), false)
}

// beats tells whether a beat was written, and sees that it raised the counter.
func (f *fixture) beats(s *continuity.Session, seen continuity.Identity, created time.Time, acked uint64) bool {
	f.t.Helper()
	before, _, err := s.Remembered(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	beat, ok, err := s.Beat(f.t.Context(), seen, created, acked)
	if err != nil {
		f.t.Fatal(err)
	}
	if ok && beat != before.Beat+1 {
		f.t.Errorf("the counter went from %d to %d", before.Beat, beat)
	}
	return ok
}

// The counter only rises: with each write of the row, above a witness's when the
// ledger was mended, and by one each for workers that beat at once.
func TestIdentityCounterRises(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	want(t, "first", f.remember(continuity.Identity{Stream: "POINTS"}).Beat, 1)
	id := f.remember(continuity.Identity{Stream: "POINTS", Durable: "d", Beat: 40})
	want(t, "above the witness's", id.Beat, 41)
	want(t, "durable", id.Durable, "d")
	want(t, "never lowered", f.remember(continuity.Identity{Stream: "POINTS", Beat: 7}).Beat, 42)
	const workers, beats = 3, 20
	given := make(chan int64, workers*beats)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			s, err := continuity.OpenSession(t.Context(), f.pool)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			for range beats {
				beat, ok, err := s.Beat(t.Context(), id, time.Time{}, 0)
				if err != nil || !ok {
					t.Errorf("beat: %v %v", ok, err)
				}
				given <- beat
			}
		})
	}
	group.Wait()
	close(given)
	seen := map[int64]bool{}
	for beat := range given {
		if seen[beat] {
			t.Errorf("two workers have the counter %d", beat)
		}
		seen[beat] = true
	}
	s := f.session()
	defer s.Close()
	want(t, "after all", must(s.Raise(t.Context(), id.LedgerID, 0)), 42+workers*beats+1)
	want(t, "raised", must(s.Raise(t.Context(), id.LedgerID, 500)), 501)
	if _, err := s.Raise(t.Context(), "00000000-0000-0000-0000-000000000000", 1); !errors.Is(err, continuity.ErrAnotherDatabase) {
		t.Errorf("another ledger: %v", err)
	}
}

// The guard lets in what was seen, and nothing else.
func TestGuard(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	guard := continuity.NewGuard()
	pool, err := database.OpenGuardedPool(t.Context(), f.pool.Config().ConnString(), 2, guard)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	store := ledger.New(pool)
	refused := func(what string) {
		t.Helper()
		pool.Reset()
		if err := store.Ping(t.Context()); !errors.Is(err, continuity.ErrAnotherDatabase) {
			t.Errorf("%s: got %v, want ErrAnotherDatabase", what, err)
		}
		select {
		case <-guard.Suspicion():
		default:
			t.Errorf("%s: nobody was told", what)
		}
	}
	refused("before anything was seen")
	id := f.remember(continuity.Identity{Stream: "POINTS"})
	guard.Admit(id)
	if err := store.Ping(t.Context()); err != nil {
		t.Errorf("the database that was seen: %v", err)
	}
	guard.Doubt()
	if err := store.Ping(t.Context()); err != nil {
		t.Errorf("a connection that is open goes on: %v", err)
	}
	refused("after a look that failed")
	guard.Admit(id)
	if err := store.Ping(t.Context()); err != nil {
		t.Errorf("after the next look: %v", err)
	}
	guard.Shut()
	refused("after the guard was shut")
	for what, change := range map[string]func(*continuity.Identity){
		"another ledger":    func(i *continuity.Identity) { i.LedgerID = "x" },
		"an older state":    func(i *continuity.Identity) { i.Beat++ },
		"the state as seen": func(*continuity.Identity) {},
	} {
		seen := id
		change(&seen)
		guard.Admit(seen)
		if seen == id {
			pool.Reset()
			if err := store.Ping(t.Context()); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			continue
		}
		refused(what)
	}
	guard.Admit(id)
	f.exec(`UPDATE ledger_identity SET timeline = timeline + 1`)
	refused("another timeline")
	f.exec(`UPDATE ledger_identity SET timeline = timeline - 1, system_identifier = system_identifier + 1`)
	refused("another cluster")
	f.exec(`UPDATE ledger_identity SET timeline = NULL, system_identifier = NULL`)
	pool.Reset()
	if err := store.Ping(t.Context()); err != nil {
		t.Errorf("what cannot be read is not compared: %v", err)
	}
}

// A role that may not ask is told which grant helps, and works all the same.
func TestIdentityIsHidden(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const role = "ledger_identity_test"
	f.exec(`CREATE ROLE ` + role + ` LOGIN PASSWORD 'x'`)
	t.Cleanup(func() { f.exec(`DROP OWNED BY ` + role); f.exec(`DROP ROLE ` + role) })
	if err := migrations.GrantWorker(t.Context(), f.pool.Config().ConnString(), role); err != nil {
		t.Fatal(err)
	}
	// The functions belong to this database's catalogue alone.
	f.exec(`REVOKE EXECUTE ON FUNCTION pg_control_system(), pg_walfile_name(pg_lsn) FROM PUBLIC, ` + role)
	u := must(url.Parse(f.pool.Config().ConnString()))
	u.User = url.UserPassword(role, "x")
	pool := must(pgxpool.New(t.Context(), u.String()))
	t.Cleanup(pool.Close)
	s := must(continuity.OpenSession(t.Context(), pool))
	defer s.Close()
	now, err := s.Now(t.Context())
	if err != nil || now.SystemIdentifier != 0 || now.Timeline != 0 || !strings.Contains(now.Hidden, "pg_control_system()") || !strings.Contains(now.Hidden, "pg_walfile_name(pg_lsn)") {
		t.Errorf("got %+v, %v", now, err)
	}
	if err := s.Remember(t.Context(), continuity.Identity{Database: now, Stream: "POINTS"}); err != nil {
		t.Error(err)
	}
	if _, err := continuity.DoubtOpen(t.Context(), pool, continuity.Doubt{SentSince: time.Now()}); err != nil {
		t.Errorf("the worker's role cannot mend the ledger: %v", err)
	}
}

// Every open row of a database that lost commits is in doubt, no older than it
// can be, and left alone for a while; ids begin far above.
func TestDoubtOpen(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.event("never"), f.event("sent"), f.event("parked"), f.event("sending"), f.event("doubt"), f.event("held"), f.event("due"))
	set := func(order, columns string) {
		f.exec(`UPDATE outbox SET `+columns+` WHERE operation_id = (SELECT id FROM operations WHERE business_key = $1)`, order)
	}
	set("sent", `first_sent_at = now() - interval '5 h'`)
	set("parked", `state = 'parked', cause = 'refused'`)
	set("sending", `state = 'sending', lease_token = 1, lease_until = now() - interval '1 s', first_sent_at = now() - interval '1 min'`)
	set("doubt", `in_doubt = true, first_sent_at = now() - interval '9 h'`)
	set("held", `held_until = now() + interval '2 h', next_attempt_at = now() + interval '2 h'`)
	set("due", `held_until = now() + interval '1 min'`)
	highest := one[int64](f, `SELECT max(id) FROM operations`)
	since := one[time.Time](f, `SELECT now() + interval '1 min'`)
	want(t, "rows", must(continuity.DoubtOpen(t.Context(), f.pool, continuity.Doubt{SentSince: since, Rest: time.Hour})), 6)
	row := func(order string) string {
		return one[string](f, `SELECT concat_ws(' ', x.state, x.cause, x.in_doubt, round(extract(epoch FROM x.first_sent_at - now()) / 3600),
			x.next_attempt_at > now() + interval '59 min', x.lease_until > now() + interval '59 min')
			FROM outbox x JOIN operations o ON o.id = x.operation_id WHERE o.business_key = $1`, order)
	}
	want(t, "never sent", row("never"), "pending database_changed t 0 t")
	want(t, "sent without effect", row("sent"), "pending database_changed t 0 t")
	want(t, "parked", row("parked"), "parked refused t 0 t")
	want(t, "sending", row("sending"), "sending t 0 t t")
	want(t, "in doubt before", row("doubt"), "pending database_changed t -9 t")
	want(t, "held and not due", row("held"), "pending f t")
	want(t, "held, and due by a clock that was ahead", row("due"), "pending database_changed t 0 t")
	want(t, "first_sent_at of a row that was never sent", one[time.Time](f, `SELECT x.first_sent_at FROM outbox x JOIN operations o ON o.id = x.operation_id WHERE o.business_key = 'never'`).Equal(since), true)
	want(t, "claimed", len(f.claim(1, 10)), 0)
	must(continuity.DoubtOpen(t.Context(), f.pool, continuity.Doubt{SentSince: since, Parked: true}))
	want(t, "left to people", row("never"), "parked database_changed t 0 t")
	f.record(f.refund("later", "RF"))
	must(continuity.DoubtOpen(t.Context(), f.pool, continuity.Doubt{SentSince: since}))
	want(t, "what waits for its order may be done", one[bool](f, `SELECT (referral ->> 'MayBeDone')::boolean FROM waiting`), true)
	f.record(f.event("next"))
	if next := one[int64](f, `SELECT max(id) FROM operations`); next < highest+2_000_000_000 {
		t.Errorf("the next operation has id %d after %d: a lost commit may have given it out", next, highest)
	}
}

// One worker at a time decides.
func TestIdentityLock(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first, second := f.session(), f.session()
	defer first.Close()
	defer second.Close()
	entered := make(chan struct{})
	err := first.Locked(t.Context(), func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if err := second.Locked(ctx, func() error { close(entered); return nil }); err == nil {
			t.Error("two workers hold the lock")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-entered:
		t.Error("the second worker decided while the first did")
	default:
	}
}

// A disk that is rolled back twice to the same state gives out no id twice: a
// worker may still hold confirmations for what it sent in between.
func TestNoIDComesTwiceAfterRollBacks(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.event("SO-0"))
	state := one[int64](f, `SELECT last_value FROM operations_id_seq`)
	var last int64
	for round, orders := range [][]string{{"SO-1", "SO-2", "SO-3"}, {"SO-4"}, {"SO-5"}} {
		f.exec(fmt.Sprintf(`SELECT setval('operations_id_seq', %d)`, state))
		must(continuity.DoubtOpen(t.Context(), f.pool, continuity.Doubt{SentSince: time.Now()}))
		for _, order := range orders {
			f.record(f.event(order))
			id := one[int64](f, `SELECT id FROM operations WHERE business_key = $1`, order)
			if id <= last {
				t.Errorf("roll back %d: %s got the id %d, and %d was given out before", round+1, order, id, last)
			}
			last = id
		}
	}
}
