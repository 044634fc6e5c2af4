package main

import (
	"strings"
	"testing"
)

// A declared day is shown as what it is: no operation, and what it will be held against.
func TestExplainDeclaredDay(t *testing.T) {
	t.Parallel()
	event := `{"specversion":"1.0","id":"d1","source":"shop-sh","type":"day.declared","time":"2026-11-20T12:00:00+08:00","data":{"day":"2026-11-19","orders":3,"amountFen":29900,"shopCode":"SH-01"}}`
	out, errs, code := runWorker(t, nil, event, "explain", "-")
	for _, want := range []string{"day.declared from shop-sh, id d1", "No operation: the event declares a day", "shop-sh, shop SH-01", "2026-11-19", "29900 fen", "the newest of a day counts"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("exit %d, no %q in: %s\n%s", code, want, errs, out)
		}
	}
	out, errs, code = runWorker(t, nil, event, "explain", "--json", "-")
	if code != 0 || !strings.Contains(out, `"day": "2026-11-19"`) && !strings.Contains(out, `"day":"2026-11-19"`) || !strings.Contains(out, `"declares"`) {
		t.Errorf("exit %d: %s\n%s", code, errs, out)
	}
	out, errs, code = runWorker(t, nil, strings.Replace(event, "29900", "299.00", 1), "explain", "-")
	if code == 0 || !strings.Contains(out+errs, "data.amountFen: want an integer in fen, got 299.00") {
		t.Errorf("exit %d: %s\n%s", code, errs, out)
	}
	if out, _, code := runWorker(t, nil, "", "schema", "day.declared"); code != 0 || !strings.Contains(out, `"amountFen"`) {
		t.Errorf("schema: exit %d\n%s", code, out)
	}
}
