package ledger_test

import (
	"testing"

	"pointsledger/ledger"
)

// An act is kept as it is given; without an actor or a reason it is not.
func TestRecordAct(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, bad := range []ledger.Act{{Actor: " ", Name: "doctor", Reason: "why"}, {Actor: "lin", Name: "doctor"}} {
		if id, err := f.RecordAct(t.Context(), bad); err == nil || id != 0 {
			t.Errorf("%+v: act %d, %v", bad, id, err)
		}
	}
	id, err := f.RecordAct(t.Context(), ledger.Act{Actor: "lin\x00", Name: "doctor", Filter: "account=zhimai", Reason: "why", SetSize: 2, Result: "begun"})
	if err != nil {
		t.Fatal(err)
	}
	want(t, "records", one[int](f, `SELECT count(*) FROM ops_actions`), 1)
	want(t, "the record", one[int](f, `SELECT count(*) FROM ops_actions WHERE id = $1 AND action = 'doctor' AND actor LIKE 'lin%'
		AND filter = 'account=zhimai' AND reason = 'why' AND set_size = 2 AND result = 'begun'`, id), 1)
}
