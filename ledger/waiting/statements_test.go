package waiting_test

import (
	"testing"

	"pointsledger/internal/testkit"
)

// Every statement fits the migrated schema.
func TestStatementsPrepare(t *testing.T) {
	t.Parallel()
	testkit.StatementsPrepare(t, "sqlReleaseTakeBacks", "sqlTakeWaiting", "sqlTakeCode")
}
