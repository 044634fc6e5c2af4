package ledger

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// ErrRulesEnded is returned when events were to be recorded by a rule file that
// may not be used any more for events of their time: others have registered
// rules that say something else for it, or a person has withdrawn the file.
// Nothing was recorded. Trying again with the same rules cannot mend it.
var ErrRulesEnded = errors.New("these rules have ended for events of this time")

// codeRulesEnded is what points_ledger_rules_in_force (migration 20) raises.
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
