package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/consumers"
	"pointsledger/continuity"
	"pointsledger/desk"
	"pointsledger/desk/wording"
	"pointsledger/internal/advice"
	"pointsledger/internal/broker"
	"pointsledger/ledger"
	"pointsledger/ledger/database"
	"pointsledger/migrations"
)

// openLedger is a ledger that is there and migrated.
type openLedger struct {
	pool  *pgxpool.Pool
	store *ledger.Store
}

func (d *Examination) checkPostgres(ctx context.Context) {
	const check = "Postgres"
	url := d.config.DatabaseURL
	if url == "" {
		d.wrong(check, "DATABASE_URL is not set", "set it, such as postgres://ledger@db/points; `worker run --embedded` brings its own")
		return
	}
	pool, err := database.OpenWorkerPool(ctx, url.Reveal(), 2)
	if err != nil {
		d.wrong(check, advice.Words(err), "correct DATABASE_URL")
		return
	}
	store := ledger.New(pool)
	if err := within(ctx, store.Ping); err != nil {
		pool.Close()
		d.wrong(check, fmt.Sprintf("cannot be reached at %s: %s", url, advice.Words(err)), howToReach(err))
		return
	}
	d.ok(check, fmt.Sprintf("answers at %s", url))
	err = within(ctx, func(ctx context.Context) error { return migrations.Check(ctx, url.Reveal()) })
	if err != nil {
		pool.Close()
		do := "see that the role may read goose_db_version"
		if errors.Is(err, migrations.ErrUnmigrated) {
			do = "as the message says; nothing else in the database can be checked before"
		}
		d.wrong("Postgres schema", advice.Words(err), do)
		return
	}
	d.ok("Postgres schema", "is the one of this program")
	d.ledger = &openLedger{pool, store}
	d.checkRights(ctx)
	d.checkIdentity(ctx)
	d.checkRules(ctx)
}

func (d *Examination) checkRights(ctx context.Context) {
	const rights, durability = "Postgres rights", "Postgres durability"
	var found desk.Checkup
	err := within(ctx, func(ctx context.Context) (err error) {
		found, err = desk.New(d.ledger.pool, d.ledger.store).Checkup(ctx)
		return err
	})
	switch {
	case err != nil:
		d.wrong(rights, advice.Words(err), "see the message")
		return
	case len(found.Missing) > 0:
		d.wrong(rights, fmt.Sprintf("role %s has not: %s", found.Role, strings.Join(found.Missing, ", ")),
			fmt.Sprintf("as the owner of the tables: worker migrate up --grant-to %s", found.Role))
	default:
		d.ok(rights, fmt.Sprintf("role %s has what the worker needs", found.Role))
	}
	d.checkWrites(found)
	d.checkConnections(found)
	switch {
	case found.SynchronousCommit == "off":
		d.wrong(durability, "synchronous_commit is off for the worker's sessions: acknowledged events can be lost in a crash",
			"take it out of DATABASE_URL; without it the worker sets on")
	case found.Fsync == "off" || found.FullPageWrites == "off":
		d.note(durability, fmt.Sprintf("fsync is %s, full_page_writes is %s: a power cut can lose or damage the ledger", found.Fsync, found.FullPageWrites),
			"set both to on, unless this is a test")
	default:
		d.ok(durability, "synchronous_commit "+found.SynchronousCommit+", fsync on")
	}
}

// howToReach says what to do about a Postgres that a session cannot be had of.
func howToReach(err error) string {
	var fault *database.FaultError
	if errors.Is(err, database.ErrPooledByTransaction) || errors.Is(err, database.ErrNotUTF8) || errors.As(err, &fault) {
		return "as the message says"
	}
	return "start it, or correct DATABASE_URL"
}

// checkWrites looks at what lets every event fail though all rights are there.
func (d *Examination) checkWrites(found desk.Checkup) {
	const check = "Postgres writes"
	switch {
	case found.ReadOnly:
		d.wrong(check, "the database is read-only: no event can be recorded",
			"see default_transaction_read_only of the role, the database and the server, or point DATABASE_URL at the primary")
	case len(found.SequencesBehind) > 0:
		d.wrong(check, "new rows would get ids that exist: no event is recorded until that is mended", strings.Join(found.SequencesBehind, "; "))
	default:
		d.ok(check, "are possible, and new ids are free")
	}
}

// checkConnections compares what a worker opens with what the server gives.
func (d *Examination) checkConnections(found desk.Checkup) {
	const check = "Postgres connections"
	needed := d.worker.Connections
	use := needed
	if given, ok := database.GivenMaxConns(d.config.DatabaseURL.Reveal()); ok && given < needed {
		use = given
		d.note(check, advice.FewConnections(given, needed), "raise it or take it out of DATABASE_URL, unless a limit asks for it")
	}
	use += d.worker.KeeperConnections
	left := found.Connections - found.ConnectionsTaken
	if use > left {
		d.wrong(check, fmt.Sprintf("a worker opens up to %d, %s allows %d, and others have %d of them", use, found.ConnectionsBy, found.Connections, found.ConnectionsTaken),
			fmt.Sprintf("raise it, or set pool_max_conns=%d in DATABASE_URL", max(2, left-d.worker.KeeperConnections)))
		return
	}
	d.ok(check, fmt.Sprintf("a worker opens up to %d, %s leaves %d", use, found.ConnectionsBy, left))
}

func (d *Examination) checkIdentity(ctx context.Context) {
	const check = "Postgres identity"
	now, before, used, err := d.readIdentity(ctx)
	switch {
	case errors.Is(err, continuity.ErrStandby):
		d.wrong(check, advice.Words(err), "point DATABASE_URL at the primary")
	case err != nil:
		d.wrong(check, advice.Words(err), "see the message")
	case now.Hidden != "":
		d.note(check, "a failover may go unnoticed: the worker may not read "+now.Hidden, "run the GRANT as an administrator")
	case !used:
		d.ok(check, fmt.Sprintf("timeline %d; this ledger has never been used", now.Timeline))
	case before.Database.Timeline != 0 && before.Database.Timeline != now.Timeline:
		d.note(check, fmt.Sprintf("its timeline was %d and is %d: a standby took over, or a backup was recovered", before.Database.Timeline, now.Timeline),
			"nothing: a worker reads the stream again by itself")
	default:
		d.ok(check, fmt.Sprintf("timeline %d can be read: a failover will be noticed", now.Timeline))
	}
}

func (d *Examination) checkNATS(ctx context.Context) {
	const check = "NATS"
	n := d.config.NATS
	conn, err := broker.Dial(d.config, "points-ledger")
	if err != nil {
		d.wrong(check, advice.Words(err), "start it, or correct NATS_URL and NATS_CREDS")
		return
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		d.wrong(check, advice.Words(err), "see the message")
		return
	}
	d.ok(check, fmt.Sprintf("answers at %s, version %s", n.URL, conn.ConnectedServerVersion()))
	var found consumers.Intake
	err = within(ctx, func(ctx context.Context) (err error) {
		found, err = consumers.Inspect(ctx, js, consumers.Config{Stream: n.Stream, Durable: n.Durable, Batch: n.Batch,
			BatchesInFlight: n.BatchesInFlight, AckWait: n.AckWait, Called: d.worker.Called})
		return err
	})
	if !found.StreamFound {
		if err != nil {
			d.wrong("NATS stream", advice.Words(err), "as the message says; docs/runbook.md lists the rights of the worker's NATS user")
			return
		}
		d.note("NATS stream", n.Stream+" does not exist", "nothing: the worker makes it when it starts; or set NATS_STREAM")
		return
	}
	d.checkStreamSettings(found)
	d.checkDurable(found, err)
	d.checkStreamIsTheLedgers(ctx, found)
	d.checkWitness(ctx, js)
}

// checkStreamIsTheLedgers says when the stream is not the one that the ledger
// remembers.
func (d *Examination) checkStreamIsTheLedgers(ctx context.Context, stream consumers.Intake) {
	if d.ledger == nil {
		return
	}
	_, remembered, used, err := d.readIdentity(ctx)
	if err != nil || !used || remembered.Stream != d.config.NATS.Stream || remembered.StreamCreated.IsZero() ||
		remembered.StreamCreated.Equal(stream.Created.Truncate(time.Microsecond)) {
		return // the line about the identity has said what cannot be read
	}
	d.note("NATS stream", fmt.Sprintf("%s was made anew: it was created %s, and the ledger remembers one created %s", d.config.NATS.Stream,
		stream.Created.UTC().Format(time.RFC3339), remembered.StreamCreated.UTC().Format(time.RFC3339)),
		"nothing if that was meant: a worker follows it; else correct NATS_URL or NATS_STREAM")
}

// checkWitness compares the ledger with what was seen of it outside the database.
// The witness is read first: a row that is lower then is not just behind.
func (d *Examination) checkWitness(ctx context.Context, js jetstream.JetStream) {
	const check = "NATS witness"
	var seen continuity.Witnessed
	err := within(ctx, func(ctx context.Context) (err error) {
		seen, err = continuity.InspectWitness(ctx, js, d.config.NATS.Stream, d.config.NATS.Durable)
		return err
	})
	switch {
	case err != nil:
		d.note(check, advice.Words(err), "allow it, or make the bucket as docs/runbook.md says; the worker works without")
		return
	case !seen.Found:
		d.note(check, fmt.Sprintf("bucket %s has no entry %s yet", seen.Bucket, seen.Key), "nothing: the worker makes it when it starts")
		return
	case d.ledger == nil:
		d.ok(check, fmt.Sprintf("bucket %s has seen the ledger's counter at %d", seen.Bucket, seen.Beat))
		return
	}
	now, remembered, used, err := d.readIdentity(ctx)
	if err != nil {
		return // the line about the identity has said it
	}
	what, stops := seen.Against(remembered, used, now)
	switch {
	case stops:
		d.wrong(check, what+": workers refuse this database", "point DATABASE_URL to the one that the ledger is in; /readyz of a worker names the other ways out")
	case what != "":
		d.note(check, what, "nothing: a worker puts in doubt what is open, and reads the stream again by itself")
	default:
		d.ok(check, fmt.Sprintf("bucket %s has seen the ledger's counter at %d: a database that is rolled back will be noticed", seen.Bucket, seen.Beat))
	}
}

func (d *Examination) readIdentity(ctx context.Context) (now continuity.Database, remembered continuity.Identity, used bool, err error) {
	err = within(ctx, func(ctx context.Context) error {
		session, err := continuity.OpenSession(ctx, d.ledger.pool)
		if err != nil {
			return err
		}
		defer session.Close()
		if now, err = session.Now(ctx); err != nil {
			return err
		}
		remembered, used, err = session.Remembered(ctx)
		return err
	})
	return now, remembered, used, err
}

func (d *Examination) checkStreamSettings(found consumers.Intake) {
	const check = "NATS stream"
	name := d.config.NATS.Stream
	for _, weak := range found.StreamWeak {
		d.note(check, name+": "+weak, "nats stream edit "+name+", or a new stream where it cannot be edited; the worker never changes it")
	}
	if found.Uncovered {
		d.wrong(check, fmt.Sprintf("%s has the subjects %s: events at %s> do not all reach it", name, strings.Join(found.Subjects, " "), consumers.SubjectPrefix),
			"add "+consumers.SubjectPrefix+"> to its subjects, or correct NATS_STREAM")
	}
	if found.MirrorOf != "" {
		d.ok(check, fmt.Sprintf("%s is a mirror of %s: publishers publish to that one, and what they publish arrives here", name, found.MirrorOf))
	}
	if len(found.StreamWeak) == 0 && !found.Uncovered {
		d.ok(check, fmt.Sprintf("%s holds %s messages; no setting is weaker than ours", name, wording.Count(int64(found.Messages))))
	}
}

func (d *Examination) checkDurable(found consumers.Intake, err error) {
	const check = "NATS durable"
	name := d.config.NATS.Durable
	switch {
	case errors.Is(err, consumers.ErrUnusableConsumer):
		d.wrong(check, advice.Words(err), "as the message says")
		return
	case err != nil:
		d.wrong(check, advice.Words(err), "as the message says; docs/runbook.md lists the rights of the worker's NATS user")
		return
	case !found.DurableFound:
		d.note(check, name+" does not exist", "nothing: the worker makes it when it starts; or set NATS_DURABLE")
		return
	}
	for _, weak := range found.DurableWeak {
		d.note(check, name+": "+weak, "edit the consumer; the worker never changes it")
	}
	if !found.PausedUntil.IsZero() {
		d.wrong(check, fmt.Sprintf("%s is paused until %s: the broker hands out no event", name, found.PausedUntil.UTC().Format(time.RFC3339)),
			fmt.Sprintf("if that is not meant: nats consumer resume %s %s", d.config.NATS.Stream, name))
	}
	if len(found.DurableWeak) == 0 && found.PausedUntil.IsZero() {
		d.ok(check, fmt.Sprintf("%s: %s messages wait, %s are not acknowledged yet", name, wording.Count(int64(found.Waiting)), wording.Count(found.Unacked)))
	}
}
