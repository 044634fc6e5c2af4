package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestSchemaAndConfig(t *testing.T) {
	t.Parallel()
	out, errs, code := runWorker(t, nil, "", "schema", "order.paid")
	if code != 0 || !json.Valid([]byte(out)) || !strings.Contains(out, "amountFen") {
		t.Errorf("schema: exit %d, %s%s", code, out, errs)
	}
	if _, errs, code := runWorker(t, nil, "", "schema", "order.payed"); code != 2 || !strings.Contains(errs, "order.paid") {
		t.Errorf("schema of an unknown type: exit %d, %s", code, errs)
	}
	out, _, code = runWorker(t, []string{"ZHIMAI_OPEN_KEY=very-secret", "DATABASE_URL=postgres://u:very-secret@db/x"}, "", "config", "--json")
	if code != 0 || !json.Valid([]byte(out)) || strings.Contains(out, "very-secret") {
		t.Errorf("config: exit %d, %s", code, out)
	}
}
