package desk_test

import (
	"fmt"
	"testing"
)

// A replay above a hundred operations goes in the bulk lane, and takes none out of
// it; a smaller one goes with what happens now.
func TestLargeReplaysAreBulk(t *testing.T) {
	t.Parallel()
	for operations, want := range map[int]int{100: 1, 101: 101} {
		t.Run(fmt.Sprint(operations), func(t *testing.T) {
			t.Parallel()
			f, s := replayFixture(t)
			for i := range operations {
				f.record(f.event(fmt.Sprintf("SO-%d", i)))
			}
			f.exec(`UPDATE outbox SET state = 'parked', cause = 'attempts_exhausted'`)
			f.exec(`UPDATE outbox SET bulk = true WHERE operation_id = (SELECT min(operation_id) FROM outbox)`)
			f.carryOut(s, f.plan(s))
			if n := one[int](f, `SELECT count(*) FROM outbox WHERE state = 'pending' AND bulk`); n != want {
				t.Errorf("%d of %d rows are in the bulk lane, want %d", n, operations, want)
			}
		})
	}
}
