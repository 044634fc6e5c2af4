package dispatch_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"pointsledger/dispatch"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/vendorapi/sim"
)

// spoilingStore lets the confirmation of one member name nobody: the ledger
// cannot write such a posting.
type spoilingStore struct {
	dispatch.Store
	spoil atomic.Bool
}

func (s *spoilingStore) Confirm(ctx context.Context, heard []ledger.Confirmation) (ledger.Confirmed, error) {
	if s.spoil.Load() {
		for i := range heard {
			if strings.HasSuffix(heard[i].MemberID, "0003") {
				heard[i].MemberID = ""
			}
		}
	}
	return s.Store.Confirm(ctx, heard)
}

// A row that is posted and open at once, however it came about, costs its
// account nothing: the operations after it are posted, and it is not sent again.
func TestPostedAndOpenHoldsUpNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{})
	b.accept(1, nil)
	b.start(b.account())
	testkit.Eventually(t, 30*time.Second, "the first to be posted", func() bool { return b.open() == 0 })
	tx, err := b.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	for _, sql := range []string{`SET LOCAL session_replication_role = replica`, `INSERT INTO outbox (operation_id, target) SELECT id, target FROM operations`} {
		if _, err := tx.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.accept(50, nil)
	testkit.Eventually(t, time.Minute, "all to be posted", func() bool { return b.count(`SELECT count(*) FROM postings`) == 51 && b.open() == 0 })
	b.agree(51)
}

// A confirmation that cannot be written, heard alone, waits until another is
// written: then it is its own fault, and its row is parked in doubt. Until then
// the ledger may be at fault, and says so.
func TestSettlingOfOneRowRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{})
	store := &spoilingStore{Store: dispatch.NewLedger(b.store, b.pool)}
	store.spoil.Store(true)
	d, err := dispatch.New(store, b.account(), zap.NewNop(), &counts{})
	if err != nil {
		t.Fatal(err)
	}
	b.run(d)
	b.accept(2, nil)
	testkit.Eventually(t, 30*time.Second, "the first two", func() bool { return b.open() == 0 })
	b.accept(1, nil) // member …0003
	testkit.Eventually(t, 30*time.Second, "the refusal to be told", func() bool {
		return strings.Contains(fmt.Sprint(d.Status().StoreTrouble), "postings_posted_has_member")
	})
	if n := d.Status().SetAside; n != 0 {
		t.Errorf("set aside %d before anything else was written", n)
	}
	b.accept(5, nil)
	testkit.Eventually(t, 30*time.Second, "the others to be posted", func() bool { return b.count(`SELECT count(*) FROM postings`) == 7 })
	testkit.Eventually(t, 30*time.Second, "it to be set aside", func() bool {
		return b.count(`SELECT count(*) FROM outbox WHERE state = 'parked' AND in_doubt AND cause = 'settling_refused'`) == 1
	})
	testkit.Eventually(t, 30*time.Second, "the trouble to be over", func() bool { s := d.Status(); return s.StoreTrouble == nil && s.SetAside == 1 })
	for _, e := range b.sim.Book() {
		if e.Applied != 1 || e.Received != 1 {
			t.Errorf("%s: received %d, applied %d", e.Key, e.Received, e.Applied)
		}
	}
}
