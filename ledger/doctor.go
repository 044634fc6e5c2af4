package ledger

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
}

// needed are the rights that `worker run` uses, of those that
// migrations.GrantWorker gives; replay needs more.
var needed = [...]struct{ right, on string }{
	{"SELECT", "operations"}, {"INSERT", "operations"},
	{"SELECT", "outbox"}, {"INSERT", "outbox"}, {"UPDATE", "outbox"}, {"DELETE", "outbox"},
	{"SELECT", "postings"}, {"INSERT", "postings"},
	{"SELECT", "attempts"}, {"INSERT", "attempts"},
	{"SELECT", "rejects"}, {"INSERT", "rejects"},
	{"SELECT", "mappings"}, {"INSERT", "mappings"},
	{"SELECT", "mapping_withdrawals"}, {"SELECT", "mapping_ends"}, {"INSERT", "mapping_ends"}, {"UPDATE", "mapping_ends"},
	{"SELECT", "request_shapes"}, {"INSERT", "request_shapes"}, {"INSERT", "ops_actions"},
	{"SELECT", "accounts"}, {"INSERT", "accounts"}, {"UPDATE", "accounts"},
	{"SELECT", "gates"}, {"INSERT", "gates"}, {"UPDATE", "gates"},
	{"SELECT", "endpoints"}, {"INSERT", "endpoints"}, {"UPDATE", "endpoints"}, {"DELETE", "endpoints"},
	{"SELECT", "endpoint_samples"}, {"INSERT", "endpoint_samples"}, {"UPDATE", "endpoint_samples"}, {"DELETE", "endpoint_samples"},
	{"SELECT", "endpoint_extents"}, {"INSERT", "endpoint_extents"}, {"DELETE", "endpoint_extents"},
	{"SELECT", "ledger_identity"}, {"INSERT", "ledger_identity"}, {"UPDATE", "ledger_identity"},
}

const (
	// sqlCheckupSettings reads settings only.
	sqlCheckupSettings = `
SELECT current_user, current_setting('synchronous_commit'), current_setting('fsync'), current_setting('full_page_writes')`

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
func (s *Store) Checkup(ctx context.Context) (Checkup, error) {
	var c Checkup
	if err := s.pool.QueryRow(ctx, sqlCheckupSettings).Scan(&c.Role, &c.SynchronousCommit, &c.Fsync, &c.FullPageWrites); err != nil {
		return c, fmt.Errorf("read database settings: %w", err)
	}
	rights, tables := make([]string, len(needed)), make([]string, len(needed))
	for i, n := range needed {
		rights[i], tables[i] = n.right, n.on
	}
	rows, err := s.pool.Query(ctx, sqlCheckupRights, rights, tables)
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
	if err := s.pool.QueryRow(ctx, sqlCheckupSequence).Scan(&sequence); err != nil {
		return c, fmt.Errorf("read rights: %w", err)
	}
	if !sequence {
		c.Missing = append(c.Missing, "USAGE, UPDATE on sequence operations_id_seq")
	}
	return c, nil
}
