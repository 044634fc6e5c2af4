package stage

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
)

const (
	// loadRows is what one statement of a load writes.
	loadRows = 250_000
	// loaders is the statements at once.
	loaders = 2
)

// LoadFinished adds n finished operations with their postings to a worker's
// database that holds at least one of each: that one is copied, with keys,
// members, texts and times of their own. Keys, indexes and foreign keys are
// dropped for the load and made again from their own definitions. Afterwards
// nothing has been vacuumed or analysed, and autovacuum leaves both tables
// alone until Vacuum.
func (s *Stage) LoadFinished(ctx context.Context, d *Database, n int, progress func(rows int)) (err error) {
	// The load would checkpoint all the time; the runs have the default again.
	if err := s.walSize(ctx, `ALTER SYSTEM SET max_wal_size = '8GB'`); err != nil {
		return err
	}
	var base int64
	if err := d.Pool.QueryRow(ctx, `SELECT max(id) FROM operations`).Scan(&base); err != nil {
		return fmt.Errorf("load: find a row to copy: %w", err)
	}
	drop, add, err := definitions(ctx, d.Pool)
	if err != nil {
		return err
	}
	if err := execute(ctx, d.Pool, append(drop,
		`ALTER TABLE operations SET (autovacuum_enabled = off)`, `ALTER TABLE postings SET (autovacuum_enabled = off)`)); err != nil {
		return err
	}
	for _, table := range []string{"operations", "postings"} {
		sql, err := copySQL(ctx, d.Pool, table)
		if err != nil {
			return err
		}
		if err := load(ctx, d, sql, base, n, progress); err != nil {
			return fmt.Errorf("load %s: %w", table, err)
		}
	}
	if err := execute(ctx, d.Pool, append([]string{`SET maintenance_work_mem = '1GB'`}, add...)); err != nil {
		return err
	}
	if _, err := d.Pool.Exec(ctx, `SELECT setval(pg_get_serial_sequence('operations', 'id'), $1)`, base+int64(n)); err != nil {
		return fmt.Errorf("load: move the sequence: %w", err)
	}
	d.Pool.Reset() // the connections have settings of their own
	return s.walSize(ctx, `ALTER SYSTEM RESET max_wal_size`)
}

// walSize changes the setting for the whole server.
func (s *Stage) walSize(ctx context.Context, sql string) error {
	for _, one := range []string{sql, `SELECT pg_reload_conf()`, `CHECKPOINT`} {
		if _, err := s.admin.Exec(ctx, one); err != nil {
			return fmt.Errorf("load: %s: %w", one, err)
		}
	}
	return nil
}

// execute runs statements one after another on one connection.
func execute(ctx context.Context, pool *pgxpool.Pool, statements []string) error {
	return pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		for _, sql := range statements {
			if _, err := conn.Exec(ctx, sql); err != nil {
				return fmt.Errorf("load: %s: %w", sql, err)
			}
		}
		return nil
	})
}

// definitions lists the statements that drop, and those that make again, all
// keys and indexes of the two tables and the foreign keys to them.
func definitions(ctx context.Context, pool *pgxpool.Pool) (drop, add []string, err error) {
	for _, sql := range []string{
		// Foreign keys first: they need the keys that they point to.
		`SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
		        format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
		   FROM pg_constraint
		  WHERE contype = 'f' AND (conrelid IN ('operations'::regclass, 'postings'::regclass) OR confrelid IN ('operations'::regclass, 'postings'::regclass))`,
		`SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
		        format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
		   FROM pg_constraint
		  WHERE contype IN ('p', 'u') AND conrelid IN ('operations'::regclass, 'postings'::regclass)`,
		`SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
		   FROM pg_index
		  WHERE indrelid IN ('operations'::regclass, 'postings'::regclass)
		    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))`,
	} {
		rows, err := pool.Query(ctx, sql)
		if err != nil {
			return nil, nil, fmt.Errorf("load: list definitions: %w", err)
		}
		var dropOne, addOne string
		var again []string
		if _, err := pgx.ForEachRow(rows, []any{&dropOne, &addOne}, func() error {
			drop, again = append(drop, dropOne), append(again, addOne)
			return nil
		}); err != nil {
			return nil, nil, fmt.Errorf("load: list definitions: %w", err)
		}
		add = append(again, add...)
	}
	return drop, add, nil
}

// changed are the columns in which the copies differ from the row that they
// are made of. g counts from 1, $1 is the id before the first copy, $4 the
// number of all copies. They are a week's events, the last one of today; each
// member has three.
var changed = map[string]string{
	"id":            `$1 + g`,
	"operation_id":  `$1 + g`,
	"biz_id":        `'po' || substr(md5(g::text), 1, 26)`,
	"business_key":  `'old-' || g`,
	"member_id":     `(800000000000 + g / 3)::text`,
	"reference":     `upper(substr(md5('r' || g), 1, 13))`,
	"reason":        `'订单old-' || g || '消费积分 #' || upper(substr(md5('r' || g), 1, 13))`,
	"event_id":      `'old-' || g`,
	"stream_seq":    `g`,
	"business_date": `current_date - (7 * ($4 - g) / $4)::integer`,
	"event_time":    `now() - interval '7 days' * (($4 - g)::float8 / $4)`,
	"broker_time":   `now() - interval '7 days' * (($4 - g)::float8 / $4)`,
	"recorded_at":   `now() - interval '7 days' * (($4 - g)::float8 / $4)`,
	"posted_at":     `now() - interval '7 days' * (($4 - g)::float8 / $4)`,
}

// copySQL makes the statement that copies one row of a table many times. The
// columns are read from the database, so that a new one is copied as it is.
func copySQL(ctx context.Context, pool *pgxpool.Pool, table string) (string, error) {
	rows, err := pool.Query(ctx, `SELECT attname::text FROM pg_attribute
		WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum`, table)
	if err != nil {
		return "", fmt.Errorf("load: read columns: %w", err)
	}
	columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return "", fmt.Errorf("load: read columns: %w", err)
	}
	values := make([]string, len(columns))
	for i, column := range columns {
		values[i] = changed[column]
		if values[i] == "" {
			values[i] = "t." + pgx.Identifier{column}.Sanitize()
		}
		columns[i] = pgx.Identifier{column}.Sanitize()
	}
	return "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") OVERRIDING SYSTEM VALUE SELECT " + strings.Join(values, ", ") +
		" FROM (SELECT * FROM " + table + " LIMIT 1) AS t, generate_series($2::bigint, $3::bigint) AS g WHERE $1::bigint >= 0 AND $4::bigint > 0", nil
}

// load runs the copying statement in pieces, some at once.
func load(ctx context.Context, d *Database, sql string, base int64, n int, progress func(rows int)) error {
	var mu sync.Mutex
	loaded := 0
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(loaders)
	for from := 1; from <= n; from += loadRows {
		group.Go(func() error {
			to := min(from+loadRows-1, n)
			err := pgx.BeginFunc(ctx, d.Pool, func(tx pgx.Tx) error {
				// No triggers, no look-up of foreign keys: the rows fit by their making.
				if _, err := tx.Exec(ctx, `SET LOCAL session_replication_role = replica`); err != nil {
					return fmt.Errorf("switch triggers off: %w", err)
				}
				_, err := tx.Exec(ctx, sql, base, from, to, n)
				return err
			})
			mu.Lock()
			defer mu.Unlock()
			loaded += to - from + 1
			if err == nil && loaded%(8*loadRows) == 0 {
				progress(loaded)
			}
			return err
		})
	}
	return group.Wait()
}

// Vacuum vacuums and analyses a worker's tables, and gives them back to
// autovacuum.
func Vacuum(ctx context.Context, d *Database) error {
	return execute(ctx, d.Pool, []string{
		`VACUUM (ANALYZE) operations`, `VACUUM (ANALYZE) postings`, `VACUUM (ANALYZE) outbox`,
		`ALTER TABLE operations RESET (autovacuum_enabled)`, `ALTER TABLE postings RESET (autovacuum_enabled)`,
	})
}
