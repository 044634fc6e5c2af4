package desk

import (
	"context"
	"fmt"
)

// Checkup is what a worker's connection finds of its rights and of how durable
// a commit is.
type Checkup struct {
	// Role is the role that is connected.
	Role string
	// Missing lists the rights that the worker needs and has not, as
	// "INSERT on operations"; empty is well.
	Missing []string
	// SynchronousCommit, Fsync and FullPageWrites are the session's settings as
	// Postgres shows them. Anything but "off" survives a crash.
	SynchronousCommit, Fsync, FullPageWrites string
	// ReadOnly: new transactions cannot write.
	ReadOnly bool
	// SequencesBehind are what to do about sequences that give out ids that
	// exist; nothing is well.
	SequencesBehind []string
	// Connections are how many the server gives this role in this database, the
	// reserved ones left out, and ConnectionsBy is what sets the limit;
	// ConnectionsTaken counts those of others that count against it.
	Connections, ConnectionsTaken int
	ConnectionsBy                 string
}

// needed are the rights that `worker run` uses, of those that
// migrations.GrantWorker gives; replay needs more.
var needed = [...]struct{ right, on string }{
	{"SELECT", "operations"}, {"INSERT", "operations"},
	{"SELECT", "outbox"}, {"INSERT", "outbox"}, {"UPDATE", "outbox"}, {"DELETE", "outbox"},
	{"SELECT", "postings"}, {"INSERT", "postings"},
	{"SELECT", "corrections"}, {"INSERT", "corrections"},
	{"SELECT", "attempts"}, {"INSERT", "attempts"},
	{"SELECT", "rejects"}, {"INSERT", "rejects"},
	{"SELECT", "mappings"}, {"INSERT", "mappings"},
	{"SELECT", "mapping_withdrawals"}, {"SELECT", "mapping_ends"}, {"INSERT", "mapping_ends"}, {"UPDATE", "mapping_ends"},
	{"SELECT", "budget_counters"}, {"INSERT", "budget_counters"}, {"UPDATE", "budget_counters"}, {"DELETE", "budget_counters"},
	{"INSERT", "budget_excesses"},
	{"SELECT", "request_shapes"}, {"INSERT", "request_shapes"}, {"INSERT", "ops_actions"},
	{"SELECT", "accounts"}, {"INSERT", "accounts"}, {"UPDATE", "accounts"},
	{"SELECT", "gates"}, {"INSERT", "gates"}, {"UPDATE", "gates"},
	{"SELECT", "endpoints"}, {"INSERT", "endpoints"}, {"UPDATE", "endpoints"}, {"DELETE", "endpoints"},
	{"SELECT", "endpoint_samples"}, {"INSERT", "endpoint_samples"}, {"UPDATE", "endpoint_samples"}, {"DELETE", "endpoint_samples"},
	{"SELECT", "endpoint_extents"}, {"INSERT", "endpoint_extents"}, {"DELETE", "endpoint_extents"},
	{"SELECT", "reversals"}, {"INSERT", "reversals"}, {"SELECT", "ops_actions"}, {"SELECT", "declarations"}, {"INSERT", "declarations"},
	{"SELECT", "waiting"}, {"INSERT", "waiting"}, {"UPDATE", "waiting"}, {"DELETE", "waiting"},
	{"SELECT", "call_slots"}, {"INSERT", "call_slots"}, {"UPDATE", "call_slots"},
	{"SELECT", "seal_batches"}, {"INSERT", "seal_batches"}, {"SELECT", "seal_lists"}, {"INSERT", "seal_lists"},
	{"SELECT", "ledger_identity"}, {"INSERT", "ledger_identity"}, {"UPDATE", "ledger_identity"},
}

const (
	// sqlCheckupSettings reads settings only.
	sqlCheckupSettings = `
SELECT current_user, current_setting('synchronous_commit'), current_setting('fsync'), current_setting('full_page_writes'),
       current_setting('transaction_read_only')::boolean`

	// sqlCheckupConnections finds the tightest of the limits on connections, with
	// how many sessions count against it. The workers' own do too; theirs are left
	// out. One row always.
	sqlCheckupConnections = `
SELECT l.most, l.name, (SELECT count(*) FROM pg_stat_activity a
         WHERE a.usesysid IS NOT NULL AND COALESCE(a.application_name, '') NOT LIKE 'points-ledger worker%'
           AND (l.role IS NULL OR a.usename = l.role) AND (l.database IS NULL OR a.datname = l.database))
  FROM (SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS most,
               'max_connections' AS name, NULL::name AS role, NULL::name AS database
        UNION ALL
        SELECT rolconnlimit, 'the CONNECTION LIMIT of role ' || rolname, rolname, NULL FROM pg_roles WHERE rolname = current_user AND rolconnlimit >= 0
        UNION ALL
        SELECT datconnlimit, 'the CONNECTION LIMIT of database ' || datname, NULL, datname FROM pg_database
         WHERE datname = current_database() AND datconnlimit >= 0) AS l
 ORDER BY l.most LIMIT 1`

	// sqlCheckupRights names the table rights that are missing, in the order
	// asked for; a table that is not there is missing too. No rows is well.
	sqlCheckupRights = `
SELECT need.right_name || ' on ' || need.on_table
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS need (right_name, on_table, place)
 WHERE NOT COALESCE(has_table_privilege(to_regclass(need.on_table)::oid, need.right_name), false)
 ORDER BY need.place`

	// sqlCheckupSequence: a worker takes new ids and, after a failover, skips some.
	sqlCheckupSequence = `
SELECT COALESCE(has_sequence_privilege(to_regclass('operations_id_seq')::oid, 'USAGE')
            AND has_sequence_privilege(to_regclass('operations_id_seq')::oid, 'UPDATE'), false)`
)

// Checkup looks at rights and settings and changes nothing.
func (d *Desk) Checkup(ctx context.Context) (Checkup, error) {
	var c Checkup
	if err := d.pool.QueryRow(ctx, sqlCheckupSettings).Scan(&c.Role, &c.SynchronousCommit, &c.Fsync, &c.FullPageWrites, &c.ReadOnly); err != nil {
		return c, fmt.Errorf("read database settings: %w", err)
	}
	if err := d.pool.QueryRow(ctx, sqlCheckupConnections).Scan(&c.Connections, &c.ConnectionsBy, &c.ConnectionsTaken); err != nil {
		return c, fmt.Errorf("read connection limits: %w", err)
	}
	rights, tables := make([]string, len(needed)), make([]string, len(needed))
	for i, n := range needed {
		rights[i], tables[i] = n.right, n.on
	}
	rows, err := d.pool.Query(ctx, sqlCheckupRights, rights, tables)
	if err != nil {
		return c, fmt.Errorf("read rights: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var missing string
		if err := rows.Scan(&missing); err != nil {
			return c, fmt.Errorf("read rights: %w", err)
		}
		c.Missing = append(c.Missing, missing)
	}
	if err := rows.Err(); err != nil {
		return c, fmt.Errorf("read rights: %w", err)
	}
	var sequence bool
	if err := d.pool.QueryRow(ctx, sqlCheckupSequence).Scan(&sequence); err != nil {
		return c, fmt.Errorf("read rights: %w", err)
	}
	if !sequence {
		c.Missing = append(c.Missing, "USAGE, UPDATE on sequence operations_id_seq")
	}
	if len(c.Missing) > 0 {
		return c, nil // the tables may not be readable
	}
	c.SequencesBehind, err = d.book.SequencesBehind(ctx)
	return c, err
}
