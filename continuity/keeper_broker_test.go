package continuity_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"pointsledger/consumers"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/intakes"
)

// A durable that somebody has paused is named, with the line that ends it.
func TestKeeperPausedDurable(t *testing.T) {
	t.Parallel()
	in, dsn, k := newKept(t)
	in.Start(k.store, consumers.Config{})
	in.publishAll(0, 3)
	stream, err := in.JS.Stream(t.Context(), "POINTS")
	if err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(time.Hour)
	if _, err := stream.PauseConsumer(t.Context(), "points-worker", until); err != nil {
		t.Fatal(err)
	}
	k.waitWarning("the durable points-worker is paused until " + until.UTC().Format(time.RFC3339))
	k.waitWarning("nats consumer resume POINTS points-worker")
	found, err := consumers.Inspect(t.Context(), in.JS, consumers.Config{Stream: "POINTS", Durable: "points-worker", Batch: 1, BatchesInFlight: 1})
	if err != nil || found.PausedUntil.Unix() != until.Unix() {
		t.Errorf("doctor sees %v, %v", found.PausedUntil, err)
	}
	if _, err := stream.ResumeConsumer(t.Context(), "points-worker"); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 30*time.Second, "no warning any more", func() bool { return len(k.Warnings()) == 0 })
	in.publishAll(3, 6)
	in.beaten(dsn, 6)
}

// A stream with other subjects is named, and left alone.
func TestKeeperOtherSubjects(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	config := consumers.StreamConfig("POINTS")
	config.Subjects = []string{"loyalty.>"}
	if _, err := in.JS.CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	k := in.keep(testkit.Postgres(t))
	k.waitWarning("its subjects are loyalty.>: events that are published to points.events.> do not all reach it")
	k.waitSure()
}

// What a mirror gets is its origin's matter: no warning, and it is consumed; it
// was created at another time than its origin, so a ledger follows it, and what
// it knows comes as duplicates.
func TestKeeperMirror(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	origin := consumers.StreamConfig("ORIGIN")
	if _, err := in.JS.CreateStream(t.Context(), origin); err != nil {
		t.Fatal(err)
	}
	mirror := jetstream.StreamConfig{Name: "POINTS", Storage: jetstream.FileStorage, Discard: jetstream.DiscardNew, Mirror: &jetstream.StreamSource{Name: "ORIGIN"}}
	if _, err := in.JS.CreateStream(t.Context(), mirror); err != nil {
		t.Fatal(err)
	}
	dsn := testkit.Postgres(t)
	k := in.keep(dsn)
	k.waitSure()
	in.Start(k.store, consumers.Config{})
	for i := range 5 {
		in.Publish(intakes.Order(i))
	}
	testkit.Eventually(t, time.Minute, "the mirror's events to be recorded", func() bool { return countIn(t, dsn, `SELECT count(*) FROM operations`) == 5 })
	found, err := consumers.Inspect(t.Context(), in.JS, consumers.Config{Stream: "POINTS", Durable: "points-worker", Batch: 1, BatchesInFlight: 1})
	if err != nil || found.Uncovered || found.MirrorOf != "ORIGIN" {
		t.Errorf("doctor sees %+v, %v", found, err)
	}
	if w := strings.Join(k.Warnings(), "\n"); strings.Contains(w, "subjects") {
		t.Errorf("a mirror is warned of: %s", w)
	}
}

// A server without JetStream is named as that, in readiness, log and doctor, and
// not as another database.
func TestKeeperJetStreamOff(t *testing.T) {
	t.Parallel()
	broker, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	broker.Start()
	t.Cleanup(func() { broker.Shutdown(); broker.WaitForShutdown() })
	if !broker.ReadyForConnections(30 * time.Second) {
		t.Fatal("the broker does not start")
	}
	js := intakes.Dial(t, broker.ClientURL())
	in := newIntakeAt(t, js, js)
	core, logs := observer.New(zap.WarnLevel)
	in.Log = zap.New(core)
	k := in.keep(testkit.Postgres(t))
	want := "JetStream is off at " + broker.ClientURL()
	testkit.Eventually(t, 30*time.Second, "the problem to be named", func() bool { return strings.Contains(k.Problem(), want) })
	if !strings.HasPrefix(k.Problem(), "NATS: ") {
		t.Errorf("the database is blamed: %s", k.Problem())
	}
	k.stop()
	if logs.FilterMessage("another database").Len() > 0 || logs.FilterMessage("the broker cannot be asked").Len() == 0 {
		t.Errorf("logged: %v", logs.All())
	}
	if _, err := consumers.Inspect(t.Context(), js, consumers.Config{Stream: "POINTS", Durable: "d", Batch: 1, BatchesInFlight: 1}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("doctor says %v", err)
	}
}

// While the broker is away the row is still written, and the worker's pool makes
// new connections.
func TestKeeperBrokerAway(t *testing.T) {
	t.Parallel()
	broker, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true, JetStream: true, StoreDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	broker.Start()
	stop := sync.OnceFunc(func() { broker.Shutdown(); broker.WaitForShutdown() })
	t.Cleanup(stop)
	if !broker.ReadyForConnections(30 * time.Second) {
		t.Fatal("the broker does not start")
	}
	js := intakes.Dial(t, broker.ClientURL())
	in := newIntakeAt(t, js, js)
	in.MakeStream()
	dsn := testkit.Postgres(t)
	k := in.keep(dsn)
	k.waitSure()
	stop()
	beat := countIn(t, dsn, `SELECT beat FROM ledger_identity`)
	testkit.Eventually(t, time.Minute, "beats without the broker", func() bool { return countIn(t, dsn, `SELECT beat FROM ledger_identity`) >= beat+2 })
	k.pool.Reset()
	if err := k.store.Ping(t.Context()); err != nil {
		t.Errorf("a new connection: %v", err)
	}
}
