package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/zap"

	"pointsledger/ledger/database"
)

// Whoever reads the log hears what to do, though the packages that log do not
// know it; fields of a logger and of a line alike.
func TestLoggedErrorsHaveAdvice(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := newLogger(&out, "info")
	err := fmt.Errorf("claim outbox batch: %w", &database.FaultError{Err: errors.New("theirs"), Kind: database.FaultRightMissing, Do: "the role lost a right"})
	fields := []zap.Field{zap.Int("rows", 3), zap.Error(err), zap.NamedError("problem", err)}
	log.Info("as it was written", fields...)
	log.With(zap.Error(err)).Info("of the logger")
	log.Debug("not at this level", zap.Error(err))
	log.Warn("not known", zap.Error(errors.New("away")))
	const said = `"claim outbox batch: theirs: the role lost a right: as the owner of the tables, worker migrate up --grant-to ROLE"`
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []string{`"rows":3,"error":` + said + `,"problem":` + said + `}`, `"error":` + said + `}`, `"error":"away"}`} {
		if len(lines) != 3 || !strings.HasSuffix(lines[i], want) {
			t.Fatalf("want line %d of 3 to end with %s, got\n%s", i+1, want, &out)
		}
	}
	if fields[1].Interface != error(err) {
		t.Error("the caller's field was changed")
	}
}
