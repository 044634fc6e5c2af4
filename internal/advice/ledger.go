package advice

import (
	"pointsledger/ledger/database"
)

// faults continue what the ledger says of a fault of each kind.
var faults = map[database.Fault]string{
	database.FaultStartupParameter: ": take the parameter out of DATABASE_URL, add it to the pooler's ignore_startup_parameters, or connect to Postgres directly",
	database.FaultReadOnly:         "; point DATABASE_URL at the primary, or make it writable",
	database.FaultRightMissing:     ": as the owner of the tables, worker migrate up --grant-to ROLE",
	database.FaultSchemaMissing:    ": see `worker migrate status`, and who dropped it",
	database.FaultConnectionsTaken: ": raise max_connections or the role's CONNECTION LIMIT, or set pool_max_conns in DATABASE_URL (`worker doctor` counts)",
}

func ledgerWords(err error) string {
	switch err {
	case database.ErrPooledByTransaction:
		return "DATABASE_URL leads to a pooler in transaction or statement mode, where prepared statements, settings and locks of a session do not hold: " +
			"set pool_mode = session for this database and user at the pooler (pgbouncer), or connect to Postgres directly"
	case database.ErrDatabaseURL:
		return "DATABASE_URL: " + err.Error()
	}
	if fault, ok := err.(*database.FaultError); ok && faults[fault.Kind] != "" {
		return err.Error() + faults[fault.Kind]
	}
	return ""
}
