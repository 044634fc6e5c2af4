// Package migrations holds the ledger's schema and applies it: numbered SQL
// files, embedded, run by goose under a session lock, so that several workers
// may start at once. A file is never edited once it has landed.
package migrations

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib" // goose needs a database/sql driver
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed *.sql
var files embed.FS

// Step is one migration, applied or not.
type Step struct {
	Version int64
	File    string
	// AppliedAt is zero when the step is pending.
	AppliedAt time.Time
}

// Up applies every pending migration.
func Up(ctx context.Context, databaseURL string) error {
	_, err := Apply(ctx, databaseURL)
	return err
}

// Apply is Up; it names the files that it applied itself. A schema that is newer
// than this program is an error that wraps ErrUnmigrated.
func Apply(ctx context.Context, databaseURL string) (applied []string, err error) {
	err = with(ctx, databaseURL, func(p *goose.Provider) error {
		if current, err := p.GetDBVersion(ctx); err != nil {
			return err
		} else if newest, err := newestVersion(); err != nil || current > newest {
			return errors.Join(err, &UnmigratedError{At: current, Needs: newest})
		}
		results, err := p.Up(ctx)
		applied = paths(results)
		return err
	})
	return applied, err
}

// Down takes the newest applied migration back, or, with all, every one, and
// names the files. It destroys the data of the tables it drops. With nothing to
// take back it does nothing.
func Down(ctx context.Context, databaseURL string, all bool) (back []string, err error) {
	err = with(ctx, databaseURL, func(p *goose.Provider) error {
		if all {
			results, err := p.DownTo(ctx, 0)
			back = paths(results)
			return err
		}
		result, err := p.Down(ctx)
		if errors.Is(err, goose.ErrNoNextVersion) {
			return nil
		}
		if err == nil {
			back = []string{result.Source.Path}
		}
		return err
	})
	return back, err
}

func paths(results []*goose.MigrationResult) []string {
	var files []string
	for _, r := range results {
		files = append(files, r.Source.Path)
	}
	return files
}

// Status lists the migrations in order.
func Status(ctx context.Context, databaseURL string) ([]Step, error) {
	var steps []Step
	err := with(ctx, databaseURL, func(p *goose.Provider) error {
		all, err := p.Status(ctx)
		for _, s := range all {
			steps = append(steps, Step{Version: s.Source.Version, File: s.Source.Path, AppliedAt: s.AppliedAt})
		}
		return err
	})
	return steps, err
}

// sqlVersionTable and sqlVersion read goose's own table without making it.
const (
	sqlVersionTable = `SELECT to_regclass('goose_db_version') IS NOT NULL`
	sqlVersion      = `SELECT COALESCE(max(version_id), 0) FROM goose_db_version WHERE is_applied`
)

// Check returns nil when the schema is exactly this program's, and an error
// that wraps ErrUnmigrated and says what to do when it is not. It changes
// nothing and needs no right but to read.
func Check(ctx context.Context, databaseURL string) error {
	target, err := newestVersion()
	if err != nil {
		return err
	}
	conn, err := connect(ctx, databaseURL)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var begun bool
	var current int64
	if err := conn.QueryRow(ctx, sqlVersionTable).Scan(&begun); err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if begun {
		if err := conn.QueryRow(ctx, sqlVersion).Scan(&current); err != nil {
			return fmt.Errorf("read schema version: %w", err)
		}
	}
	switch {
	case current < target:
		return &UnmigratedError{At: current, Needs: target}
	case current > target:
		return &UnmigratedError{At: current, Needs: target}
	}
	return nil
}

// Newest is the version that this program's schema has.
func Newest() (int64, error) { return newestVersion() }

// connect opens one session, in UTF8, of a database that is UTF8.
func connect(ctx context.Context, databaseURL string) (*pgx.Conn, error) {
	config, err := inUTF8(databaseURL)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to database: %w", err)
	}
	if err := checkEncoding(ctx, conn); err != nil {
		_ = conn.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	return conn, nil
}

// inUTF8 asks for sessions in UTF8, whatever the role's or the database's
// default, and leaves out what the URL says to a pool, which a server would
// refuse.
func inUTF8(databaseURL string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		return nil, fmt.Errorf("connect to database: %w", err)
	}
	maps.DeleteFunc(config.RuntimeParams, func(name, _ string) bool { return strings.HasPrefix(name, "pool_") })
	config.RuntimeParams["client_encoding"] = "UTF8"
	return config, nil
}

// checkEncoding looks at what the server said when the session began.
func checkEncoding(_ context.Context, conn *pgx.Conn) error {
	encoding := conn.PgConn().ParameterStatus("server_encoding")
	if encoding == "UTF8" {
		return nil
	}
	name := conn.Config().Database
	return &NotUTF8Error{Database: name, Encoding: encoding,
		Create: "CREATE DATABASE " + pgx.Identifier{name + "_utf8"}.Sanitize() + " TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"}
}

// newestVersion is the number of the last file.
func newestVersion() (newest int64, err error) {
	names, err := files.ReadDir(".")
	if err != nil {
		return 0, fmt.Errorf("read migrations: %w", err)
	}
	for _, name := range names {
		version, err := goose.NumericComponent(name.Name())
		if err != nil {
			return 0, fmt.Errorf("read migrations: %w", err)
		}
		newest = max(newest, version)
	}
	return newest, nil
}

// FinanceRole is the role that can read everything and change nothing.
const FinanceRole = "points_ledger_finance"

// sqlHasRole asks for a role of the cluster, and names the one that asks.
const sqlHasRole = `SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = $1), current_user`

// HasRole tells whether the database's cluster has a role, and who asked.
func HasRole(ctx context.Context, databaseURL, role string) (has bool, asker string, err error) {
	conn, err := connect(ctx, databaseURL)
	if err != nil {
		return false, "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := conn.QueryRow(ctx, sqlHasRole, role).Scan(&has, &asker); err != nil {
		return false, "", fmt.Errorf("look for role %s: %w", role, err)
	}
	return has, asker, nil
}

// GrantWorker gives an existing role exactly what the worker and replay need,
// so that the running service cannot change what is insert-only even if its
// triggers were dropped. It is for databases where the migrating role and the
// running role differ.
func GrantWorker(ctx context.Context, databaseURL, role string) error {
	conn, err := connect(ctx, databaseURL)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var schema string
	if err := conn.QueryRow(ctx, `SELECT current_schema()`).Scan(&schema); err != nil {
		return fmt.Errorf("read current schema: %w", err)
	}
	to := pgx.Identifier{role}.Sanitize()
	for _, grant := range []string{
		`GRANT USAGE ON SCHEMA ` + pgx.Identifier{schema}.Sanitize() + ` TO ` + to,
		`GRANT SELECT ON operation_kinds, operations, outbox, postings, corrections, attempts, rejects, mappings, mapping_withdrawals, mapping_ends, request_shapes, ops_actions,
			action_operations, accounts, gates, replay_plans, replay_plan_operations, entries, trial_balance, operation_status, work_items, goose_db_version TO ` + to,
		`GRANT INSERT ON operations, outbox, postings, corrections, attempts, rejects, mappings, mapping_withdrawals, mapping_ends, request_shapes,
			ops_actions, action_operations, accounts, gates TO ` + to,
		`GRANT UPDATE ON mapping_ends TO ` + to,
		// Counters of old days are deleted.
		`GRANT SELECT, INSERT, UPDATE, DELETE ON budget_counters TO ` + to,
		`GRANT SELECT, INSERT ON budget_excesses TO ` + to,
		`GRANT UPDATE, DELETE ON outbox TO ` + to,
		// What waits for its sale leaves with its operations.
		`GRANT SELECT, INSERT ON reversals, declarations TO ` + to,
		`GRANT SELECT, INSERT, UPDATE, DELETE ON waiting TO ` + to,
		`GRANT INSERT, UPDATE ON replay_plans, replay_plan_operations TO ` + to,
		// After a failover the ids that lost commits gave out are left out.
		`GRANT SELECT, INSERT, UPDATE ON ledger_identity TO ` + to,
		`GRANT USAGE, UPDATE ON SEQUENCE operations_id_seq TO ` + to,
		// To see that they are behind their tables.
		`GRANT USAGE ON SEQUENCE attempts_id_seq, rejects_id_seq TO ` + to,
		`GRANT UPDATE ON gates, accounts TO ` + to,
		`GRANT SELECT, INSERT, UPDATE ON call_slots TO ` + to,
		// The seal is added to; who covers what verify names has looked at what it reads.
		`GRANT SELECT, INSERT ON seal_batches, seal_lists, seal_covers TO ` + to,
		`GRANT SELECT ON period_acts, periods, late_entries TO ` + to,
		// What was learned by sampling is pruned, and a person may have it forgotten.
		`GRANT SELECT, INSERT, UPDATE, DELETE ON endpoints, endpoint_samples, endpoint_extents TO ` + to,
		// Whoever compares by the vendor's calls takes turns at its rate, which finance may not.
		// What it has found it does not change: of an item only what people say of it.
		`GRANT SELECT, INSERT ON reconcile_runs, reconcile_members, reconcile_records, reconcile_matches, reconcile_items TO ` + to,
		`GRANT UPDATE ON reconcile_runs, reconcile_members TO ` + to,
		`GRANT UPDATE (owner, note, explained_by, explained_at, explained_why) ON reconcile_items TO ` + to,
		`GRANT DELETE ON reconcile_members, reconcile_records, reconcile_matches, reconcile_items TO ` + to,
		`GRANT SELECT, INSERT ON reconcile_remarks TO ` + to,
		`GRANT SELECT ON reconcile_run_status TO ` + to,
		`GRANT UPDATE (resolved_at, resolved_by, resolution) ON rejects TO ` + to,
	} {
		if _, err := conn.Exec(ctx, grant); err != nil {
			return fmt.Errorf("grant to role %s: %w", role, err)
		}
	}
	// Everybody may call these unless an administrator revoked it; only one can
	// then grant it again. Without them the worker warns that a failover may go
	// unnoticed.
	for _, function := range []string{"pg_control_system()", "pg_walfile_name(pg_lsn)", "pg_current_wal_lsn()"} {
		_, err := conn.Exec(ctx, `GRANT EXECUTE ON FUNCTION `+function+` TO `+to)
		const insufficientPrivilege = "42501"
		var refused *pgconn.PgError
		if err != nil && !(errors.As(err, &refused) && refused.Code == insufficientPrivilege) {
			return fmt.Errorf("grant to role %s: %w", role, err)
		}
	}
	return nil
}

// with runs f on a provider of its own connection pool and closes both.
func with(ctx context.Context, databaseURL string, f func(*goose.Provider) error) error {
	config, err := inUTF8(databaseURL)
	if err != nil {
		return err
	}
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(checkEncoding))
	defer db.Close()
	if err := db.PingContext(ctx); err != nil {
		return fmt.Errorf("connect to database: %w", err)
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return fmt.Errorf("make migration lock: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if err := f(p); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}
