package periods_test

import (
	"testing"

	"pointsledger/internal/testkit"
)

// Every statement fits the migrated schema.
func TestStatementsPrepare(t *testing.T) {
	t.Parallel()
	testkit.StatementsPrepare(t, "sqlPeriods", "sqlTotals", "sqlOpenThrough", "sqlSetZone", "sqlRejectsThrough", "sqlPeriodOf", "sqlWriters", "sqlStillWriting", "sqlStanding", "sqlClosed", "sqlZone")
}
