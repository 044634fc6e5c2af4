package migrations_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"pointsledger/internal/testkit"
	"pointsledger/migrations"
)

func TestMain(m *testing.M) { os.Exit(testkit.Run(m)) }

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// objects lists what a schema holds, goose's own table apart.
func objects(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `
		SELECT relkind::text || ' ' || relname FROM pg_class
		 WHERE relnamespace = current_schema()::regnamespace AND relname NOT LIKE 'goose%'
		UNION ALL SELECT 'f ' || proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, "\n")
}

func TestUpDownUp(t *testing.T) {
	t.Parallel()
	ctx, dsn := t.Context(), testkit.EmptyDatabase(t)
	conn := connect(t, dsn)
	if err := migrations.Check(ctx, dsn); !errors.Is(err, migrations.ErrUnmigrated) || !strings.Contains(err.Error(), "this program needs") {
		t.Errorf("check of an empty database: got %v", err)
	}
	if err := migrations.Up(ctx, dsn); err != nil {
		t.Fatal(err)
	}
	full := objects(t, conn)
	if err := migrations.Check(ctx, dsn); err != nil {
		t.Error(err)
	}
	// One step down at a time, to nothing.
	steps, err := migrations.Status(ctx, dsn)
	if err != nil || len(steps) == 0 {
		t.Fatalf("status: %v %v", steps, err)
	}
	for range steps {
		if _, err := migrations.Down(ctx, dsn, false); err != nil {
			t.Fatal(err)
		}
	}
	if left := objects(t, conn); left != "" {
		t.Errorf("left after all downs:\n%s", left)
	}
	if err := migrations.Up(ctx, dsn); err != nil {
		t.Fatal(err)
	}
	if again := objects(t, conn); again != full {
		t.Errorf("the second up made another schema:\n%s\nwant\n%s", again, full)
	}
	if _, err := migrations.Down(ctx, dsn, true); err != nil {
		t.Fatal(err)
	}
	if left := objects(t, conn); left != "" {
		t.Errorf("left after down --all:\n%s", left)
	}
}

// Several workers may migrate at once.
func TestUpConcurrently(t *testing.T) {
	t.Parallel()
	dsn := testkit.EmptyDatabase(t)
	failed := make(chan error)
	for range 3 {
		go func() { failed <- migrations.Up(t.Context(), dsn) }()
	}
	for range 3 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}

// The worker's role can do its work and cannot change what is insert-only.
func TestGrantWorker(t *testing.T) {
	t.Parallel()
	ctx, dsn := t.Context(), testkit.Postgres(t)
	owner := connect(t, dsn)
	const role = "ledger_worker_test"
	if _, err := owner.Exec(ctx, `CREATE ROLE `+role+` LOGIN PASSWORD 'x'`); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = owner.Exec(context.Background(), `DROP OWNED BY `+role)
		_, _ = owner.Exec(context.Background(), `DROP ROLE `+role)
	})
	if err := migrations.GrantWorker(ctx, dsn, role); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, "x")
	worker := connect(t, u.String())
	if err := migrations.Check(ctx, u.String()); err != nil {
		t.Errorf("the worker's role cannot check the schema: %v", err)
	}
	for sql, allowed := range map[string]bool{
		`INSERT INTO mappings (version, text) VALUES ('v', 't')`: true,
		`DELETE FROM outbox`:                                true,
		`UPDATE outbox SET cause = NULL`:                    true,
		`SELECT count(*) FROM trial_balance`:                true,
		`UPDATE rejects SET resolution = 'x' WHERE false`:   true,
		`UPDATE rejects SET payload = '' WHERE false`:       false,
		`DELETE FROM operations WHERE false`:                false,
		`INSERT INTO ledger_identity (stream) VALUES ('S')`: true,
		`UPDATE ledger_identity SET acked_seq = 1`:          true,
		`DELETE FROM ledger_identity`:                       false,
		`UPDATE replay_plan_operations SET outcome = NULL`:  true,
		`INSERT INTO replay_plans (name, kind, made_by, filter, size) VALUES ('P-1', 'run', 'a', '', 0)`: true,
		`DELETE FROM replay_plans`: false,
		`SELECT setval('operations_id_seq', nextval('operations_id_seq'))`: true,
		`SELECT system_identifier FROM pg_control_system()`:                true,
		`SELECT pg_walfile_name(pg_current_wal_lsn())`:                     true,
		`UPDATE postings SET kind = kind WHERE false`:                      false,
		`INSERT INTO reversals SELECT * FROM reversals WHERE false`:        true,
		`SELECT count(*) FROM work_items`:                                  true,
		`DELETE FROM reversals WHERE false`:                                false,
		`INSERT INTO declarations SELECT * FROM declarations WHERE false`:  true,
		`DELETE FROM declarations WHERE false`:                             false,
		`UPDATE reconcile_items SET owner = 'lin' WHERE false`:             true,
		`UPDATE reconcile_items SET vendor_points = 0 WHERE false`:         false,
		`UPDATE reconcile_records SET points = 0 WHERE false`:              false,
		`DELETE FROM reconcile_runs WHERE false`:                           false,
		`INSERT INTO waiting SELECT * FROM waiting WHERE false`:            true,
		`UPDATE waiting SET referral = referral WHERE false`:               true,
		`DELETE FROM waiting WHERE false`:                                  true,
		`TRUNCATE attempts`:                                                false,
		`DROP TABLE outbox`:                                                false,
		`ALTER TABLE operations DISABLE TRIGGER ALL`:                       false,
	} {
		if _, err := worker.Exec(ctx, sql); (err == nil) != allowed {
			t.Errorf("%s: allowed should be %v, got %v", sql, allowed, err)
		}
	}
}

// Finance reads everything and changes nothing.
func TestFinanceRole(t *testing.T) {
	t.Parallel()
	conn := connect(t, testkit.Postgres(t))
	if _, err := conn.Exec(t.Context(), `SET ROLE points_ledger_finance`); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"operations", "outbox", "postings", "attempts", "rejects", "mappings", "ops_actions", "action_operations", "accounts",
		"ledger_identity", "replay_plans", "replay_plan_operations", "entries", "trial_balance", "operation_status", "work_items", "declarations", "declared_days"} {
		if _, err := conn.Exec(t.Context(), `SELECT * FROM `+name); err != nil {
			t.Errorf("read %s: %v", name, err)
		}
		if _, err := conn.Exec(t.Context(), `DELETE FROM `+name); err == nil {
			t.Errorf("finance deleted from %s", name)
		}
	}
}

// A database in another encoding is refused before anything is changed in it,
// with the line that makes one that is UTF8, also where it was migrated before.
func TestOnlyUTF8(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"LATIN1", "EUC_CN", "SQL_ASCII"} {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			u, err := url.Parse(testkit.EmptyDatabase(t))
			if err != nil {
				t.Fatal(err)
			}
			name := strings.TrimPrefix(u.Path, "/") + "_" + strings.ToLower(encoding)
			admin := connect(t, u.String())
			if _, err := admin.Exec(t.Context(), "CREATE DATABASE "+name+" ENCODING '"+encoding+"' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _, _ = admin.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)") })
			u.Path = "/" + name
			for what, err := range map[string]error{"up": migrations.Up(t.Context(), u.String()), "check": migrations.Check(t.Context(), u.String())} {
				if !errors.Is(err, migrations.ErrNotUTF8) || !strings.Contains(err.Error(), encoding) || !strings.Contains(err.Error(), "CREATE DATABASE "+name+"_utf8 TEMPLATE template0 ENCODING 'UTF8'") &&
					!strings.Contains(err.Error(), `CREATE DATABASE "`+name+`_utf8" TEMPLATE template0 ENCODING 'UTF8'`) {
					t.Errorf("%s: got %v", what, err)
				}
			}
			if left := objects(t, connect(t, u.String())); left != "" {
				t.Errorf("made in it:\n%s", left)
			}
		})
	}
}

// A schema that a newer program made is not "nothing to apply".
func TestUpOnANewerSchema(t *testing.T) {
	t.Parallel()
	dsn := testkit.Postgres(t)
	if _, err := connect(t, dsn).Exec(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)`); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{"up": migrations.Up(t.Context(), dsn), "check": migrations.Check(t.Context(), dsn)} {
		if !errors.Is(err, migrations.ErrUnmigrated) || !strings.Contains(err.Error(), "newer than this program") || !strings.Contains(err.Error(), "9999") {
			t.Errorf("%s: got %v", what, err)
		}
	}
}
