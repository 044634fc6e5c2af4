package continuity_test

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/internal/testkit/intakes"
)

// intake is one whose ledger a keeper watches.
type intake struct {
	*intakes.Intake
	t *testing.T
}

func newIntake(t *testing.T) *intake {
	t.Helper()
	return &intake{intakes.New(t), t}
}

// newIntakeAt has a connection of its own for workers.
func newIntakeAt(t *testing.T, js, worker jetstream.JetStream) *intake {
	t.Helper()
	return &intake{intakes.At(t, js, worker), t}
}
