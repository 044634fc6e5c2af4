package seal_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/internal/config"
	"pointsledger/internal/testkit"
	"pointsledger/ledger"
	"pointsledger/ledger/rulefiles"
	"pointsledger/reconcile/seal"
)

// world is a ledger under the built-in rules, with a head kept outside.
type world struct {
	t       *testing.T
	pool    *pgxpool.Pool
	store   *ledger.Store
	config  *config.Config
	outside *outside
	seq     uint64
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	cfg, err := config.Load([]string{"ZHIMAI_OPEN_ID=a", "ZHIMAI_GRANT_CODE=b", "ZHIMAI_OPEN_KEY=c", "KYLIN_URL=http://127.0.0.1:1"}, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, pool: testkit.Pool(t), config: cfg, outside: &outside{}}
	w.store = ledger.New(w.pool)
	w.exec(`INSERT INTO ledger_identity (stream) VALUES ('POINTS')`)
	if err := rulefiles.New(w.pool).RegisterMapping(t.Context(), cfg.RulesVersion, string(cfg.RulesText)); err != nil {
		t.Fatal(err)
	}
	return w
}

// outside keeps heads where the database cannot reach them.
type outside struct {
	mu   sync.Mutex
	head seal.Head
	err  error
	// read is called once, after the next reading.
	read func()
}

func (o *outside) ReadSeal(context.Context, string) (int64, string, time.Time, error) {
	o.mu.Lock()
	head, err, read := o.head, o.err, o.read
	o.read = nil
	o.mu.Unlock()
	if read != nil {
		read()
	}
	return head.Number, head.Hash, head.SealedAt, err
}

func (o *outside) RaiseSeal(_ context.Context, _ string, over, number int64, hash string, at time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.head.Number == over && number > over && o.err == nil {
		o.head = seal.Head{Number: number, Hash: hash, SealedAt: at}
	}
	return o.err
}

func (w *world) exec(sql string, args ...any) int64 {
	w.t.Helper()
	tag, err := w.pool.Exec(context.Background(), sql, args...)
	if err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	return tag.RowsAffected()
}

func one[T any](w *world, sql string, args ...any) (v T) {
	w.t.Helper()
	if err := w.pool.QueryRow(context.Background(), sql, args...).Scan(&v); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// tamper does something as a superuser who knows how to get past triggers.
func (w *world) tamper(statements ...string) {
	w.t.Helper()
	conn, err := w.pool.Acquire(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Release()
	for _, sql := range slices.Concat([]string{`SET session_replication_role = replica`}, statements, []string{`RESET session_replication_role`}) {
		tag, err := conn.Exec(context.Background(), sql)
		if err != nil {
			w.t.Fatalf("%s: %v", sql, err)
		}
		if strings.HasPrefix(sql, "UPDATE") && tag.RowsAffected() == 0 {
			w.t.Fatalf("%s: changed nothing", sql)
		}
	}
}

// event records a message as the intake does, now.
func (w *world) event(typ, id, data string) {
	w.t.Helper()
	w.seq++
	now := time.Now().UTC()
	m := ledger.Message{Stream: "POINTS", StreamCreated: now.Add(-time.Hour), Seq: w.seq, Subject: "points.events." + typ, BrokerTime: now.Add(-time.Second),
		Payload: fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":"shop-sh","type":%q,"data":%s}`, id, typ, data)}
	d := w.config.Rules.Decode(m, nil)
	if d.Event == nil {
		w.t.Fatalf("%s %s: %+v", typ, id, d.Rejection)
	}
	verdicts, err := w.store.Record(w.t.Context(), []ledger.Entry{{Message: m, Event: d.Event, Source: d.Source, ID: d.ID, Type: d.Type}})
	if err != nil || verdicts[0].Kind != ledger.Accepted {
		w.t.Fatalf("%s %s: %+v, %v", typ, id, verdicts, err)
	}
}

// paid records an order; 59,300 fen give 593 points.
func (w *world) paid(order string, fen int) {
	w.t.Helper()
	w.event("order.paid", "paid-"+order, fmt.Sprintf(`{"orderId":%q,"member":{"customerId":"383933091455959041"},"channel":"pos","amountFen":%d}`, order, fen))
}

func (w *world) refunded(order, id string, fen int) {
	w.t.Helper()
	w.event("order.refunded", id, fmt.Sprintf(`{"orderId":%q,"refundId":%q,"amountFen":%d,"member":{"customerId":"383933091455959041"},"channel":"pos"}`, order, id, fen))
}

// posted ends all that is open as the vendor's answer does.
func (w *world) posted() int64 {
	w.t.Helper()
	return w.exec(`
WITH gone AS (DELETE FROM outbox WHERE waits_for IS NULL RETURNING operation_id, points)
INSERT INTO postings (operation_id, kind, evidence, member_id, attempts, points, first_sent_at)
SELECT g.operation_id, 'posted', 'answered', o.member_id, 1, g.points, now() FROM gone g JOIN operations o ON o.id = g.operation_id`)
}

func (w *world) sealer() *seal.Sealer { return seal.NewSealer(w.pool, w.outside, 0) }

// seal makes what batches there are to make.
func (w *world) seal() seal.Sealed {
	w.t.Helper()
	done, err := w.sealer().Seal(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return done
}

func (w *world) verifier() *seal.Verifier {
	return &seal.Verifier{Pool: w.pool, Outside: w.outside, Rules: config.RulesOf}
}

func (w *world) verify() seal.Result {
	w.t.Helper()
	r, err := w.verifier().Verify(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// wantSound fails the test on anything that was found.
func (w *world) wantSound(when string) {
	w.t.Helper()
	if r := w.verify(); !r.OK || len(r.Findings) > 0 {
		w.t.Fatalf("%s: found %+v", when, r.Findings)
	}
}

// wantFound wants a finding of this kind about this row, and returns the result.
func (w *world) wantFound(kind, table string, id int64) seal.Result {
	w.t.Helper()
	r := w.verify()
	if r.OK || !slices.ContainsFunc(r.Findings, func(f seal.Finding) bool { return f.Kind == kind && f.Table == table && (id == 0 || f.ID == id) }) {
		w.t.Fatalf("want %s of %s %d, got ok %v and %+v", kind, table, id, r.OK, r.Findings)
	}
	return r
}

// operation is the id of an order's first operation.
func (w *world) operation(order string) int64 {
	w.t.Helper()
	return one[int64](w, `SELECT min(id) FROM operations WHERE business_key = $1`, order)
}

// today is the business date of what is recorded now.
func today() string { return time.Now().In(time.FixedZone("", 8*3600)).Format(time.DateOnly) }
