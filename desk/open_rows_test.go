package desk_test

import (
	"testing"
	"time"
)

// What is held, or waits for another operation, is no backlog: its age raises no alert.
// What was held counts from the time that it could have gone.
func TestOldestIsOfWhatIsDue(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(f.event("SO-1"), f.event("SO-2"))
	f.exec(`ALTER TABLE operations DISABLE TRIGGER USER`)
	f.exec(`UPDATE operations SET recorded_at = now() - interval '2 hours'`)
	oldest := func(from, to time.Duration) {
		t.Helper()
		open, err := f.CountOpen(t.Context())
		if err != nil || len(open) != 1 || open[0].Rows != 2 {
			t.Fatalf("%+v, %v", open, err)
		}
		if got := open[0].Oldest; got < from || got > to {
			t.Errorf("the oldest waits for %s, want %s to %s", got, from, to)
		}
	}
	oldest(2*time.Hour, 3*time.Hour)
	f.exec(`UPDATE outbox SET waits_for = 1 WHERE operation_id = (SELECT max(operation_id) FROM outbox)`)
	f.exec(`UPDATE outbox SET held_until = now() + interval '1 hour' WHERE waits_for IS NULL`)
	oldest(0, 0)
	f.exec(`UPDATE outbox SET held_until = now() - interval '10 minutes' WHERE waits_for IS NULL`)
	oldest(10*time.Minute, time.Hour)
}
