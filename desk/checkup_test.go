package desk_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"pointsledger/desk"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
	"pointsledger/migrations"
)

// A checkup names exactly the rights that a role lacks, and what the session's
// settings are.
func TestCheckup(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dsn := testkit.Postgres(t)
	owner, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	role := fmt.Sprintf("doctor_%d", owner.PgConn().PID())
	t.Cleanup(func() {
		_, _ = owner.Exec(context.Background(), `DROP OWNED BY `+role)
		_, _ = owner.Exec(context.Background(), `DROP ROLE `+role)
		_ = owner.Close(context.Background())
	})
	exec := func(sql string) {
		t.Helper()
		if _, err := owner.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	look := func(settings map[string]string) desk.Checkup {
		t.Helper()
		config, err := pgx.ParseConfig(dsn)
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("host=%s port=%d dbname=%s user=%s password=%s", config.Host, config.Port, config.Database, config.User, config.Password)
		for name, value := range settings {
			text += " " + name + "=" + value
		}
		pool, err := database.OpenWorkerPool(ctx, text, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		if settings == nil { // as the role, in the same session
			if _, err := pool.Exec(ctx, `SET ROLE `+role); err != nil {
				t.Fatal(err)
			}
		}
		found, err := desk.New(pool, ledger.New(pool)).Checkup(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	exec(`CREATE ROLE ` + role)
	if found := look(nil); len(found.Missing) != desk.NeededRights+1 || found.Role != role {
		t.Errorf("a role without rights: %+v", found)
	}
	if err := migrations.GrantWorker(ctx, dsn, role); err != nil {
		t.Fatal(err)
	}
	if found := look(nil); len(found.Missing) != 0 || found.SynchronousCommit != "on" {
		t.Errorf("the worker's role: %+v", found)
	}
	exec(`REVOKE INSERT ON operations FROM ` + role)
	exec(`REVOKE DELETE ON outbox FROM ` + role)
	exec(`REVOKE INSERT ON reversals, declarations FROM ` + role)
	exec(`REVOKE DELETE ON waiting FROM ` + role)
	exec(`REVOKE UPDATE ON SEQUENCE operations_id_seq FROM ` + role)
	want := []string{"INSERT on operations", "DELETE on outbox", "INSERT on reversals", "INSERT on declarations", "DELETE on waiting", "USAGE, UPDATE on sequence operations_id_seq"}
	if found := look(nil); !slices.Equal(found.Missing, want) {
		t.Errorf("missing %q, want %q", found.Missing, want)
	}
	exec(`DROP TABLE gates`)
	if found := look(map[string]string{"synchronous_commit": "off"}); found.SynchronousCommit != "off" ||
		!slices.Equal(found.Missing, []string{"SELECT on gates", "INSERT on gates", "UPDATE on gates"}) {
		t.Errorf("the owner without a table, committing asynchronously: %+v", found)
	}
}
