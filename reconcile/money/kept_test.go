package money

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/internal/testkit"
)

// A login whose transactions see one moment by default waits for another journal, and sees it.
func TestKeepingSeesWhatItWaitedFor(t *testing.T) {
	t.Parallel()
	w := play(t, testkit.Pool(t), 3, 10)
	config, err := pgxpool.ParseConfig(w.pool.Config().ConnString())
	if err != nil {
		t.Fatal(err)
	}
	config.ConnConfig.RuntimeParams["default_transaction_isolation"] = "repeatable read"
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	j := New(pool)
	made, err := j.Make(t.Context(), Asked{From: firstDay, To: date(20), Account: "zhimai", Values: valuesOf(t, testValues), Format: "u8", HandOut: true},
		func(*Voucher, Standing) (bool, error) { return true, nil })
	if err != nil {
		t.Fatal(err)
	}
	tx, err := w.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), sqlLockKept); err != nil {
		t.Fatal(err)
	}
	kept := make(chan error, 1)
	go func() { kept <- j.Keep(t.Context(), made) }()
	testkit.Eventually(t, 20*time.Second, "one journal waits for the other", func() bool {
		var waits bool
		err := pool.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&waits)
		return err == nil && waits
	})
	_, err = tx.Exec(t.Context(), sqlKeepValues, "values", "2026-11-20", "zhimai")
	if err := errors.Join(err, tx.Commit(t.Context())); err != nil {
		t.Fatal(err)
	}
	if err := <-kept; !errors.Is(err, ErrKeptMeanwhile) {
		t.Errorf("both were kept: %v", err)
	}
}

// Two journals that are made at once are not both handed out; what was kept is not changed; and what a
// journal of one account used binds no other account.
func TestKeeping(t *testing.T) {
	t.Parallel()
	w := play(t, testkit.Pool(t), 3, 10)
	j, v := New(w.pool), valuesOf(t, testValues)
	dearer := valuesOf(t, strings.ReplaceAll(testValues, "7/10", "9/10"))
	hand := func(account string, v *Values) (*Journal, error) {
		return j.Make(t.Context(), Asked{From: firstDay, To: date(20), Account: account, Values: v, Format: "u8", HandOut: true}, func(*Voucher, Standing) (bool, error) { return true, nil })
	}
	first, err := hand("zhimai", v)
	if err != nil {
		t.Fatal(err)
	}
	second, err := hand("zhimai", v)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Keep(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if err := j.Keep(t.Context(), second); !errors.Is(err, ErrKeptMeanwhile) {
		t.Errorf("the same journal was kept twice: %v", err)
	}
	again, err := hand("zhimai", v)
	if err != nil || again.Unchanged != first.Vouchers || len(again.fresh) != 0 {
		t.Errorf("%v: %d of %d are unchanged, %d are fresh", err, again.Unchanged, first.Vouchers, len(again.fresh))
	}
	if _, err := hand("zhimai", dearer); !errors.Is(err, ErrValuesUsed) {
		t.Errorf("an estimate that was used was changed: %v", err)
	}
	var overlap *OverlapError
	if _, err := hand("", v); !errors.As(err, &overlap) || overlap.Account != "zhimai" {
		t.Errorf("an account's days are handed out twice: %v", err)
	}
	north, err := hand("north", dearer)
	if err == nil {
		err = j.Keep(t.Context(), north)
	}
	if err != nil {
		t.Errorf("another account has another value: %v", err)
	}
	for account, fen := range map[string]string{"zhimai": "7/10", "north": "9/10"} {
		if kept, err := j.Values(t.Context(), account); err != nil || kept.Entries[0].FenPerPoint.RatString() != fen {
			t.Errorf("%s: %v, %v", account, kept, err)
		}
	}
	for _, table := range []string{"point_values", "journal_vouchers", "redemption_days"} {
		for _, sql := range []string{"UPDATE " + table + " SET kept_by = 'me'", "DELETE FROM " + table, "TRUNCATE " + table} {
			_, err := w.pool.Exec(t.Context(), sql)
			if refused := err != nil && strings.Contains(err.Error(), "insert-only"); !refused && (table != "redemption_days" || strings.HasPrefix(sql, "TRUNCATE")) {
				t.Errorf("%s: %v", sql, err)
			}
		}
	}
	if accounts, err := j.Accounts(t.Context()); err != nil || strings.Join(accounts, " ") != "north zhimai" {
		t.Errorf("%v, %v", accounts, err)
	}
}

// A day that ends at another hour than the locked ones would take what came after the lock.
func TestZoneOfThePeriods(t *testing.T) {
	t.Parallel()
	w := play(t, testkit.Pool(t), 4, 3)
	j := New(w.pool)
	made := func(zone string) error {
		v := valuesOf(t, testValues+"zone: "+zone+"\n")
		_, err := j.Make(t.Context(), Asked{From: firstDay, To: date(3), Values: v, Format: "csv"}, func(*Voucher, Standing) (bool, error) { return true, nil })
		return err
	}
	if err := made("Asia/Tokyo"); err != nil {
		t.Errorf("nothing is locked: %v", err)
	}
	if _, err := w.pool.Exec(t.Context(), `INSERT INTO period_acts (id, act, through, at, actor, reason, zone, db_user, action_id) VALUES (0, 'lock', '2025-12-31', now(), 'x', '', 'Asia/Shanghai', '', 0)`); err != nil {
		t.Fatal(err)
	}
	if err := made("Asia/Tokyo"); !errors.Is(err, ErrOtherZone) {
		t.Errorf("another zone: %v", err)
	}
	if err := made("Asia/Shanghai"); err != nil {
		t.Errorf("that of the periods: %v", err)
	}
}

// Points that cannot be reckoned with are refused before a sum runs over.
func TestTooManyPoints(t *testing.T) {
	t.Parallel()
	s := tell(t, "values:\n"+entryText("2026-01-01", "1", "1"))
	if _, err := s.r.day("2026-01-01", []move{{day: "2026-01-01", vendor: "zhimai", of: "2026-01-01", kind: Deferred, points: MostPoints + 1}}); !errors.Is(err, ErrTooManyPoints) {
		t.Error(err)
	}
	s.want(s.day("2026-01-02", grantOf(MostPoints, 0)), "deferred 9000000000000")
	s.usedUp["2026-01-03"] = usedUp{redeemed: MostPoints}
	s.want(s.day("2026-01-03"), "redeemed 9000000000000")
	s.usedUp["2026-01-04"] = usedUp{redeemed: 1}
	if _, err := s.r.day("2026-01-04", nil); !errors.Is(err, ErrTooManyPoints) {
		t.Error(err)
	}
}
