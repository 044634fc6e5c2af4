package ledger

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// RaceError is returned by RecordBeside when another transaction recorded one of
// the keys or facts meanwhile. Nothing was written; a further try sees what this
// one lost to. It reads as the database's error.
type RaceError struct{ Err error }

func (e *RaceError) Error() string { return e.Err.Error() }
func (e *RaceError) Unwrap() error { return e.Err }

// RefusedError is returned by RecordBeside when the database refuses the batch
// for its content. Nothing was written. Of several entries at least one is bad,
// and the caller splits them; of one, Rejection says why it is refused, after an
// event that nothing is wrong with was accepted.
type RefusedError struct {
	Rejection *Rejection
	Err       error
}

func (e *RefusedError) Error() string { return e.Err.Error() }
func (e *RefusedError) Unwrap() error { return e.Err }

// ErrRulesEnded is returned when events were to be recorded by a rule file that
// may not be used any more for events of their time: others have registered
// rules that say something else for it, or a person has withdrawn the file.
// Nothing was recorded. Trying again with the same rules cannot mend it.
var ErrRulesEnded = errors.New("these rules have ended for events of this time")

// SetAsideError is returned by Confirm and Settle when some rows of a batch were set
// aside: they are parked, in doubt where the vendor may have applied them. All
// others are settled; trying again changes nothing.
type SetAsideError struct{ Rows []SetAside }

func (e *SetAsideError) Error() string {
	return fmt.Sprintf("%d results could not be written, their rows are parked (%s); operation %d: %s",
		len(e.Rows), CauseSettlingRefused, e.Rows[0].ID, e.Rows[0].Words)
}

// codeRulesEnded is what points_ledger_rules_in_force (migration 20, for rejects) and
// points_ledger_operations_stand (migration 28) raise.
const codeRulesEnded = "PLR01"

// rulesEnded makes ErrRulesEnded of the database's refusal, and leaves other
// errors, nil too, as they are.
func rulesEnded(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == codeRulesEnded {
		return fmt.Errorf("%w: %w", ErrRulesEnded, err)
	}
	return err
}
