package database_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/internal/testkit"
	"pointsledger/ledger/database"
)

type anyDatabase struct{}

func (anyDatabase) Check(context.Context, *pgx.Conn) error { return nil }

// What the worker records is committed within a minute or not at all: the seal counts on
// it. The keeper's mending is not bounded.
func TestGuardedTransactionsAreBounded(t *testing.T) {
	t.Parallel()
	dsn := testkit.Postgres(t)
	guarded, err := database.OpenGuardedPool(t.Context(), dsn, 1, anyDatabase{})
	if err != nil {
		t.Fatal(err)
	}
	defer guarded.Close()
	keeper, err := database.OpenWorkerPool(t.Context(), dsn, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer keeper.Close()
	show := func(pool *pgxpool.Pool, name string) (value string) {
		t.Helper()
		if err := pool.QueryRow(t.Context(), `SELECT COALESCE(current_setting($1, true), 'none')`, name).Scan(&value); err != nil {
			t.Fatal(err)
		}
		return value
	}
	for name, want := range map[string]string{"statement_timeout": "1min", "idle_in_transaction_session_timeout": "1min", "transaction_timeout": "1min"} {
		if got := show(guarded, name); got != want && !(name == "transaction_timeout" && got == "none") { // before Postgres 17
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if got := show(keeper, "statement_timeout"); got != "0" {
		t.Errorf("the keeper's statements are bounded to %s", got)
	}
}
