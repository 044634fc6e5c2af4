package database

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// SQLSTATE classes and codes that this package tells apart.
const (
	classDataException      = "22"
	classIntegrityViolation = "23"
	classProgramLimit       = "54"
	codeNotNull             = "23502"
	codeUniqueViolation     = "23505"
	codeCheckViolation      = "23514"
	codeSerialization       = "40001"
	codeDeadlock            = "40P01"
	codeRaised              = "P0001"
)

// The names by which a repeated dedup key and a repeated fact are refused.
const (
	constraintOnePerKey   = "operations_one_per_key"
	constraintOnePerFact  = "operations_one_per_fact"
	constraintOneWaiting  = "waiting_pkey"
	constraintOneEnding   = "reversals_one_ending"
	constraintOneDeclared = "declarations_one_per_event"
)

// raceConstraints are those that somebody else's commit may have met first.
var raceConstraints = []string{constraintOnePerKey, constraintOnePerFact, constraintOneWaiting, constraintOneEnding, constraintOneDeclared}

// IsRace tells that another transaction recorded one of our keys or facts
// after we had looked, or that Postgres asks for the transaction to be run again.
func IsRace(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	return pg.Code == codeUniqueViolation && slices.Contains(raceConstraints, pg.ConstraintName) ||
		pg.Code == codeSerialization || pg.Code == codeDeadlock
}

// contentCodes are the data exceptions that a value of an event can raise. What
// is not here is never the publisher's: 2200H, say, is a sequence at its end.
var contentCodes = []string{
	"22001", // string too long
	"22003", // number out of range
	"22007", // no such time
	"22008", // time out of range
	"22021", // not a character of the encoding
	"22P02", // not a text of the type
	"22P03", // not a binary form of the type
	"22P05", // a character that the encoding has not
}

// contentConstraints are the CHECKs of ours that a value of an event can break
// by way of the rules. A constraint that is not here (a primary key whose
// sequence is behind, or what somebody else added to our tables) is a fault of
// the database: nobody's event is bad.
var contentConstraints = []string{
	"operations_points_not_negative",
	"operations_source_type_range",
	"operations_points_channel_range",
	"operations_grant_has_source_and_channel",
	"operations_points_have_member",
	"operations_member_id_or_code",
}

// ContentError returns the database's error when it may have refused a value of
// the event, and nil when the trouble lies elsewhere: connection, space, rights,
// a schema that is not ours (TestSystemFaultsRejectNothing). Whether it was the
// value is settled by a sound event, see isSoundAccepted: a database that is at
// fault may use the same words.
func ContentError(err error) *pgconn.PgError {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || len(pg.Code) != 5 || strings.Contains(pg.Where, "function ") {
		return nil // said by a trigger's function: ours never speak of content
	}
	content := false
	switch pg.Code[:2] {
	case classDataException:
		content = slices.Contains(contentCodes, pg.Code)
	case classProgramLimit: // an index entry that is too large
		content = true
	case classIntegrityViolation:
		content = pg.Code == codeCheckViolation && slices.Contains(contentConstraints, pg.ConstraintName)
	}
	if !content {
		return nil
	}
	return pg
}

// MayBeOneRow tells whether a settling statement may have been refused for one
// of its rows: then it is split. Whether that row is bad or the database is at
// fault is known when the others have been tried.
func MayBeOneRow(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || len(pg.Code) != 5 || IsRace(err) || sequenceOf(pg) != nil {
		return false
	}
	class := pg.Code[:2]
	return class == classDataException || class == classIntegrityViolation || class == classProgramLimit || pg.Code == codeRaised
}

// faults says of SQLSTATEs that stand for a database at fault what the matter
// is, and what to do about it where that is not the matter of its Kind. What is
// not here speaks for itself.
var faults = map[string]struct {
	kind Fault
	do   string
}{
	"08P01": {FaultStartupParameter, "a pooler refuses what the connection asks for"},
	"25006": {FaultReadOnly, "the database is read-only: a standby, default_transaction_read_only, or a full disk's guard"},
	"26000": {do: "prepared statements vanish: a pooler in transaction mode stands between; set pool_mode = session there, or connect directly"},
	"42P05": {do: "prepared statements are another client's: a pooler in transaction mode stands between; set pool_mode = session there, or connect directly"},
	"42501": {FaultRightMissing, "the role lost a right"},
	"42P01": {FaultSchemaMissing, "a table or a partition is missing"},
	"42703": {FaultSchemaMissing, "a column is missing"},
	"42883": {FaultSchemaMissing, "a function is missing"},
	"53100": {do: "the database's disk is full: give it room; nothing is lost, the worker goes on by itself"},
	"53200": {do: "the database is out of memory"},
	"53300": {FaultConnectionsTaken, "all its connections are taken"},
	"55P03": {do: "lock_timeout ended the statement: somebody holds a lock, or the role's lock_timeout is too short"},
	"57014": {do: "the statement was cancelled: the role's or the database's statement_timeout is too short, or somebody holds a lock"},
	"2200H": {do: "a sequence is at its end"},
}

// Explain adds to an error of the database what to do about it. Other errors
// stay as they are.
func Explain(err error) error {
	var pg *pgconn.PgError
	var known *FaultError
	if !errors.As(err, &pg) || errors.As(err, &known) || IsRace(err) {
		return err
	}
	fault := faults[pg.Code]
	do := fault.do
	switch {
	case do != "":
	case pg.Code == codeNotNull:
		do = fmt.Sprintf("column %s of %s is not filled by this program: somebody added it, or made it required; give it a default, or drop it",
			pg.ColumnName, pg.TableName)
	case sequenceOf(pg) != nil:
		do = sequenceOf(pg).advice()
	case pg.Code == codeUniqueViolation, pg.Code == codeCheckViolation:
		do = fmt.Sprintf("%s of %s refuses it, and it does not stand for what an event may say: if somebody added it, drop it", pg.ConstraintName, pg.TableName)
	case pg.Code == codeRaised:
		do = "a trigger or a rule that is not this program's refuses it"
	default:
		return err
	}
	return &FaultError{Err: err, Do: do, Kind: fault.kind}
}
