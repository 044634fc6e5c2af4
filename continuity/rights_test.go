package continuity_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/consumers"
	"pointsledger/continuity"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/intakes"
)

// brokerFor starts a broker whose user "worker" has the given rights alone, and
// returns the URLs of a user who may do all, and of that one.
func brokerFor(t *testing.T, rights []continuity.Right) (all, worker string) {
	t.Helper()
	allow := &server.Permissions{Publish: &server.SubjectPermission{}, Subscribe: &server.SubjectPermission{}}
	for _, r := range rights {
		of := allow.Subscribe
		if r.Publish {
			of = allow.Publish
		}
		of.Allow = append(of.Allow, r.Subject)
	}
	for _, p := range []*server.SubjectPermission{allow.Publish, allow.Subscribe} {
		if len(p.Allow) == 0 {
			p.Deny = []string{">"}
		}
	}
	dir := t.TempDir()
	broker, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true, JetStream: true, StoreDir: dir,
		Users: []*server.User{{Username: "all", Password: "x"}, {Username: "worker", Password: "x", Permissions: allow}}})
	if err != nil {
		t.Fatal(err)
	}
	broker.Start()
	t.Cleanup(func() { broker.Shutdown(); broker.WaitForShutdown() })
	if !broker.ReadyForConnections(30 * time.Second) {
		t.Fatal("the broker does not start")
	}
	of := func(user string) string {
		u := must(url.Parse(broker.ClientURL()))
		u.User = url.UserPassword(user, "x")
		return u.String()
	}
	return of("all"), of("worker")
}

// With the listed rights and no others a worker makes what is absent, records,
// keeps the witness and the head of the seal, and mends a database that was rolled back.
func TestRightsSuffice(t *testing.T) {
	t.Parallel()
	all, worker := brokerFor(t, continuity.Rights("POINTS", "points-worker"))
	in := newIntakeAt(t, intakes.Dial(t, all), intakes.Dial(t, worker))
	right := testkit.Postgres(t)
	k := in.keep(right)
	k.waitSure()
	stop := in.Start(k.store, brief)
	testkit.Eventually(t, 30*time.Second, "the worker to make the stream", func() bool {
		_, err := in.JS.Stream(t.Context(), "POINTS")
		return err == nil
	})
	in.publishAll(0, 10)
	in.Publish("not json")
	in.beaten(right, 11)
	snapshot := k.backUp()
	in.publishAll(10, 20)
	in.beaten(right, 21)
	if _, ok := in.witness(); !ok {
		t.Error("there is no witness")
	}
	const ledgerID = "5f3a9a52-0000-4000-8000-000000000001"
	heads := continuity.NewSealHeads(in.Worker, "POINTS", false)
	for n := range int64(2) {
		if err := heads.RaiseSeal(t.Context(), ledgerID, n, n+1, strings.Repeat("a", 64), time.Now()); err != nil {
			t.Error(err)
		}
	}
	if n, _, _, err := heads.ReadSeal(t.Context(), ledgerID); err != nil || n != 2 {
		t.Errorf("the head of the seal outside: batch %d, %v", n, err)
	}
	said := k.Warnings()
	stop()
	k.stop()
	swap(t, right, snapshot)
	k = in.keep(right)
	k.waitSure()
	if n := countIn(t, right, `SELECT count(*) FROM outbox WHERE in_doubt`); n != 20 {
		t.Errorf("%d rows are in doubt after the rollback, want 20", n)
	}
	for _, text := range append(said, k.Warnings()...) {
		if strings.Contains(text, "may not") {
			t.Errorf("a right is missing in the list: %s", text)
		}
	}
	lag, err := consumers.ReadLag(t.Context(), in.Worker, "POINTS", "points-worker")
	if err != nil || lag.Pending > 0 {
		t.Errorf("lag: %+v %v", lag, err)
	}
}

// runOnceSure runs a runner when its keeper is sure, until the test ends.
func runOnceSure(t *testing.T, k *kept, runner *consumers.Runner) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		select {
		case <-k.Sure():
			done <- runner.Run(ctx, ctx)
		case <-ctx.Done():
			done <- nil
		}
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("runner: %v", err)
		}
	})
}

// Each missing right is named where somebody looks; without the witness's the
// worker works.
func TestRightsMissing(t *testing.T) {
	t.Parallel()
	const stream, durable = "POINTS", "points-worker"
	for name, c := range map[string]struct {
		// without lists what is taken away: the subjects that begin so.
		without string
		// works: events are recorded all the same.
		works bool
		// bucket: somebody else has made the witness's bucket.
		bucket bool
	}{
		"answers":             {without: "_INBOX."},
		"finding the stream":  {without: "$JS.API.STREAM.INFO." + stream},
		"finding the durable": {without: "$JS.API.CONSUMER.INFO."},
		"making the durable":  {without: "$JS.API.CONSUMER.CREATE."},
		"fetching":            {without: "$JS.API.CONSUMER.MSG.NEXT."},
		"acknowledging":       {without: "$JS.ACK."},
		"finding the witness": {without: "$JS.API.STREAM.INFO.KV_", works: true},
		"making its bucket":   {without: "$JS.API.STREAM.CREATE.KV_", works: true},
		"reading the witness": {without: "$JS.API.DIRECT.GET.KV_", works: true, bucket: true},
		"writing the witness": {without: "$KV.", works: true, bucket: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rights := slices.DeleteFunc(continuity.Rights(stream, durable), func(r continuity.Right) bool { return strings.HasPrefix(r.Subject, c.without) })
			all, worker := brokerFor(t, rights)
			in := newIntakeAt(t, intakes.Dial(t, all), intakes.Dial(t, worker))
			in.MakeStream()
			if c.bucket {
				if _, err := in.JS.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: continuity.WitnessBucket(stream)}); err != nil {
					t.Fatal(err)
				}
			}
			dsn := testkit.Postgres(t)
			k := in.keep(dsn)
			runner := in.NewRunner(k.store, consumers.Config{AckWait: 3 * time.Second, BatchTime: time.Second})
			runOnceSure(t, k, runner)
			published := false
			testkit.Eventually(t, time.Minute, "the missing right to be named", func() bool {
				if !published && k.Problem() == "" {
					published = true // before, it would be a stream with a history
					in.Publish(intakes.Order(0))
				}
				said := strings.Join(append(k.Warnings(), k.Problem(), fmt.Sprint(runner.Trouble())), "\n")
				return strings.Contains(said, "the NATS user may not") && strings.Contains(said, c.without)
			})
			if !c.works {
				return
			}
			testkit.Eventually(t, time.Minute, "the event to be recorded", func() bool { return countIn(t, dsn, `SELECT count(*) FROM operations`) == 1 })
			if p := k.Problem(); p != "" {
				t.Errorf("the worker does not work without the witness: %s", p)
			}
		})
	}
}

// The page that people read lists what the code asks for.
func TestRightsAreInTheRunbook(t *testing.T) {
	t.Parallel()
	page := string(must(os.ReadFile("../docs/runbook.md")))
	for _, r := range continuity.Rights("POINTS", "points-worker") {
		if !strings.Contains(page, `"`+r.Subject+`"`) {
			t.Errorf("docs/runbook.md does not list %s (%s)", r.Subject, r.For)
		}
	}
}
