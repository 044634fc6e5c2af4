package runs_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/evidence"
	"pointsledger/internal/testkit"
	"pointsledger/internal/testkit/orders"
	"pointsledger/ledger"
	"pointsledger/ledger/gates"
	"pointsledger/reconcile/match"
	"pointsledger/reconcile/runs"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/sim"
)

// What a refund took before its grant was sent is not expected of the vendor: what was
// posted counts, not what was recorded.
func TestNettedGrantAgrees(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Config{})
	w.post(member(1), 10)
	share := int64(3000)
	e := orders.Paid(50, "SO-N")
	amount := int64(10_000)
	e.Event.Operations[0].MemberID, e.Event.Operations[0].AmountFen = member(1), &amount
	w.record(e)
	w.record(orders.Refunded(51, "SO-N", "RF-1", &share))
	whole := orders.Paid(52, "SO-W")
	whole.Event.Operations[0].MemberID, whole.Event.Operations[0].AmountFen = member(1), &amount
	w.record(whole)
	w.record(orders.Refunded(53, "SO-W", "RF-2", nil))
	row := w.claim()
	if row.Points != 70 {
		t.Fatalf("%+v", row)
	}
	w.send(&row, nil)
	w.confirm(&row)
	if s := w.run(asked()); !s.Agrees || s.LedgerPoints != 80 || s.VendorPoints != 80 || s.MatchedByReference != 2 || s.Postings != 2 {
		t.Errorf("%+v", s)
	}
}

// What was taken back has a record below zero: with the reference of its call, or, taken by
// hand, with whatever a person wrote.
func TestTakeBacksAreRecordsBelowZero(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Config{})
	takeBack := func(seq uint64, order string) (reason string) {
		amount, share := int64(10_000), int64(2500)
		e := orders.Paid(seq, order)
		e.Event.Operations[0].MemberID, e.Event.Operations[0].AmountFen = member(1), &amount
		w.record(e)
		row := w.claim()
		w.send(&row, nil)
		w.confirm(&row)
		w.record(orders.Refunded(seq+1, order, "RF-"+order, &share))
		if err := w.pool.QueryRow(t.Context(), `SELECT reason FROM operations WHERE kind = 'points_deduct' ORDER BY id DESC LIMIT 1`).Scan(&reason); err != nil {
			t.Fatal(err)
		}
		return reason
	}
	end := func(how string) {
		w.exec(`WITH gone AS (DELETE FROM outbox RETURNING operation_id)
			INSERT INTO postings (operation_id, kind, evidence, member_id, attempts) SELECT operation_id, 'posted', $1, $2, 1 FROM gone`, how, member(1))
	}
	called := takeBack(60, "SO-C")
	w.insert(25, true, called)
	end("answered")
	takeBack(70, "SO-H")
	w.insert(25, true, "客服扣回")
	end("manual")
	s := w.run(asked())
	if !s.Agrees || s.LedgerPoints != 150 || s.VendorPoints != 150 || s.MatchedByReference != 3 || s.Proposed != 1 || s.ProposedPoints != -25 {
		t.Errorf("%+v", s)
	}
	takeBack(80, "SO-L") // taken, it is said: by hand's record or none, nobody can tell
	end("answered")
	w.only(w.run(asked()), match.Ambiguous, -50, -25)
}

// insert adds a record of the vendor's own.
func (w *world) insert(points int64, spent bool, text string) {
	w.Helper()
	if err := w.vendor.InsertRow(member(1), points, spent, text); err != nil {
		w.Fatal(err)
	}
}

// What was given up and heard to be applied is applied.
func TestCorrectedAgrees(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Config{})
	row := w.grant(member(1), 100)
	w.send(&row, nil)
	w.void(&row)
	if _, err := w.book.Confirm(t.Context(), []ledger.Confirmation{{ID: row.ID, Evidence: ledger.Answered, MemberID: row.MemberID}}); err != nil {
		t.Fatal(err)
	}
	// By its code it was somebody else than was thought.
	moved := w.grant(member(1), 30)
	w.send(&moved, func(c *ledger.VendorCall) { c.MemberID = member(2) })
	w.void(&moved)
	if _, err := w.book.Confirm(t.Context(), []ledger.Confirmation{{ID: moved.ID, Evidence: ledger.Verified, MemberID: member(2)}}); err != nil {
		t.Fatal(err)
	}
	if s := w.run(asked()); !s.Agrees || s.LedgerPoints != 130 || s.MatchedByReference != 2 || s.Members != 2 {
		t.Errorf("%+v", s)
	}
}

// What has not ended is in transit, whether its record is there or not; only a person
// moves on what is parked.
func TestInTransit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Config{})
	w.post(member(1), 10)
	seen := w.grant(member(1), 100)
	w.send(&seen, nil)
	if _, err := w.book.Settle(t.Context(), []ledger.Change{{ID: seen.ID, Token: 7, State: ledger.Parked, Cause: ledger.CauseAttemptsExhausted, Doubt: true, UseAttempt: true}}); err != nil {
		t.Fatal(err)
	}
	held := orders.Paid(90, "SO-HELD")
	held.Event.Operations[0].MemberID, held.Event.Operations[0].HeldUntil = member(1), time.Now().Add(time.Hour)
	w.record(held)
	s := w.run(asked())
	if !s.Agrees || s.InTransit != 2 || s.DifferencePoints != -100 || s.InTransitPoints != -100 || s.UnexplainedPoints != 0 {
		t.Errorf("%+v", s)
	}
	items := w.items(s.Run, match.InTransit)
	slices.SortFunc(items, func(a, b runs.ItemView) int { return int(a.OperationID - b.OperationID) })
	if len(items) != 2 || items[0].Step != match.StepSettle || items[0].VendorPoints != 100 || items[1].Step != match.StepWait || items[1].OpenPoints != 100 || !strings.Contains(items[1].Evidence, "held") {
		t.Errorf("%+v", items)
	}
	if err := w.runs.Explain(t.Context(), items[0].Item, "lin", "x"); !errors.Is(err, runs.ErrNothingToExplain) {
		t.Error(err)
	}
}

// A record that shows a reference of another account is unknown here, and one member at two
// accounts is two.
func TestTwoAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Config{})
	north, err := sim.New(sim.Config{})
	if err != nil {
		t.Fatal(err)
	}
	w.runs = runs.New(w.pool, []runs.Account{{Name: account, Reader: w.client}, {Name: "north", Reader: readerOf{north}}, {Name: "kylin"}})
	w.post(member(1), 100)
	e := orders.Paid(95, "SO-NORTH")
	op := orders.Operation("north", "SO-NORTH", 40)
	op.MemberID = member(1)
	e.Event.Operations = []ledger.Operation{op}
	w.record(e)
	rows, err := w.book.Claim(t.Context(), ledger.Claim{Account: "north", Token: 7, Limit: 10, Lease: time.Minute, KeyMemory: time.Hour})
	if err != nil || len(rows) != 1 {
		t.Fatalf("claim: %d, %v", len(rows), err)
	}
	w.confirm(&rows[0])
	a := asked()
	a.Account = ""
	s := w.run(a) // north has no records: 40 are lost there, as far as it tells
	if s.Postings != 2 || s.MatchedByReference != 1 || s.Members != 2 {
		t.Errorf("%+v", s)
	}
	w.insert(40, false, rows[0].Reason) // the call went to the wrong account
	s = w.run(asked())
	if item := w.only(s, match.OnlyAtVendor, 0, 40); !strings.Contains(item.Evidence, "of account north") {
		t.Errorf("%+v", item)
	}
}

// readerOf is a vendor of whom nothing is known and who has no records.
type readerOf struct{ *sim.Simulator }

func (readerOf) Endpoint() string { return "elsewhere" }
func (readerOf) ReadRecords(context.Context, string) (evidence.Reading, vendorapi.Reply) {
	return evidence.Reading{Complete: true}, vendorapi.Reply{Outcome: vendorapi.Applied}
}

// Records that arrive while they are read are read anew; where they do not come to rest,
// the member counts as not read, and the run does not agree.
func TestRecordsThatMove(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Config{})
	w.post(member(1), 100)
	for limit, comesToRest := range map[int]bool{2: true, 1000: false} {
		for range 120 {
			w.insert(1, false, "门店消费获得积分")
		}
		if err := w.vendor.SetRecords(sim.RecordsConfig{EchoReason: true, RowsBetweenPages: 1, RowsBetweenPagesLimit: limit}); err != nil {
			t.Fatal(err)
		}
		if s := w.run(asked()); s.Agrees != comesToRest || (s.NotCompared.MembersFailed == 0) != comesToRest || comesToRest && s.MatchedByReference != 1 {
			t.Errorf("at most %d rows: %+v", limit, s)
		}
	}
}

// A vendor that goes away stops the run, which goes on where it was.
func TestRunGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Config{})
	const members = 30
	for i := range members {
		w.post(member(i), 10)
	}
	away := &awayAfter{world: w, left: 10}
	w.runs = runs.New(w.pool, []runs.Account{{Name: account, Reader: away}})
	s, err := w.runs.Run(t.Context(), asked())
	var gone *runs.AwayError
	if !errors.As(err, &gone) || gone.Run != s.Run || s.Run == 0 {
		t.Fatalf("%v", err)
	}
	if err := w.runs.Items(t.Context(), runs.ItemsAsked{Run: s.Run}, nil); !errors.Is(err, runs.ErrNotDone) {
		t.Error(err)
	}
	away.left = 1000
	before := away.asked.Load()
	done := w.run(runs.Asked{Resume: s.Run})
	if !done.Agrees || done.MatchedByReference != members || done.Run != s.Run {
		t.Errorf("%+v", done)
	}
	if again := away.asked.Load() - before; again >= members {
		t.Errorf("%d members were read again", again)
	}
	if _, err := w.runs.Run(t.Context(), runs.Asked{Resume: s.Run}); !errors.Is(err, runs.ErrDone) {
		t.Error(err)
	}
}

// Two that go on with a run at once keep each record once.
func TestTwoGoOnAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Config{})
	w.post(member(1), 10)
	w.runs = runs.New(w.pool, []runs.Account{{Name: account, Reader: &awayAfter{world: w}}})
	s, err := w.runs.Run(t.Context(), asked())
	if err == nil {
		t.Fatal("nobody is away")
	}
	read, _ := w.client.ReadRecords(t.Context(), member(1))
	apart, err := pgxpool.New(t.Context(), w.pool.Config().ConnString())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(apart.Close)
	tx, err := apart.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	for _, r := range read.Records { // the other one, about to commit
		if _, err := tx.Exec(t.Context(), `INSERT INTO reconcile_records (run_id, account, member_id, points, text, reference, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			s.Run, account, member(1), r.Points, r.Text, evidence.ReferenceAtEnd(r.Text), r.At); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tx.Exec(t.Context(), `UPDATE reconcile_members SET state = 'read', read_at = now() WHERE run_id = $1`, s.Run); err != nil {
		t.Fatal(err)
	}
	w.runs = runs.New(w.pool, []runs.Account{{Name: account, Reader: w.client}})
	var done runs.Summary
	ended := make(chan error, 1)
	go func() {
		var err error
		done, err = w.runs.Run(t.Context(), runs.Asked{Resume: s.Run})
		ended <- err
	}()
	testkit.Eventually(t, 10*time.Second, "the second waits for the first", func() bool {
		var waits bool
		err := apart.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&waits)
		return err == nil && waits
	})
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil || !done.Agrees || done.MatchedByReference != 1 || done.Records != 1 {
		t.Errorf("%+v, %v", done, err)
	}
}

// awayAfter does not answer after some members.
type awayAfter struct {
	*world
	left  int64
	asked atomic.Int64
}

func (a *awayAfter) Endpoint() string { return a.client.Endpoint() }

func (a *awayAfter) ReadRecords(ctx context.Context, member string) (evidence.Reading, vendorapi.Reply) {
	if a.asked.Add(1) > a.left {
		return evidence.Reading{}, vendorapi.Reply{Outcome: vendorapi.Unauthorised, Message: "no"}
	}
	return a.client.ReadRecords(ctx, member)
}

// Members are read at the account's rate, in the table that all workers share, and not
// while its gate is closed.
func TestKeepsPaceAndGate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Config{})
	for i := range 4 {
		w.post(member(i), 10)
	}
	gate := gates.New(w.pool)
	if err := gate.CloseGate(t.Context(), account, gates.GateFailing, "no", time.Hour, 1); err != nil {
		t.Fatal(err)
	}
	w.runs = runs.New(w.pool, []runs.Account{{Name: account, Reader: w.client, RecordsPerSecond: 20, MembersPerSecond: 20}})
	a := asked()
	waited := atomic.Bool{}
	a.Progress = func(p runs.Progress) {
		if p.Waits != "" && !waited.Swap(true) {
			if err := gate.OpenGate(t.Context(), account); err != nil {
				t.Error(err)
			}
		}
	}
	began := time.Now()
	s := w.run(a)
	// Two calls for each member's records, of which the first may be made at once.
	if least := 7 * time.Second / 20; !waited.Load() || time.Since(began) < least || !s.Agrees {
		t.Errorf("waited %t, %v: %+v", waited.Load(), time.Since(began), s)
	}
	var calls []string
	if err := w.pool.QueryRow(t.Context(), `SELECT array_agg(call ORDER BY call) FROM call_slots WHERE target = $1`, account).Scan(&calls); err != nil || !slices.Equal(calls, []string{"member", "records"}) {
		t.Errorf("%v, %v", calls, err)
	}
}

// A file that holds nothing is no comparison; one that cannot be read leaves a run that
// counts for nothing.
func TestFileThatHoldsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Config{})
	for i := range 12 {
		w.post(member(i), 10)
	}
	a := asked()
	a.File = &runs.File{Name: "empty", ExportedAt: time.Now(), Records: func(func(runs.Record, error) bool) {}}
	if s, err := w.runs.Run(t.Context(), a); !errors.Is(err, runs.ErrEmptyFile) || s.Agrees {
		t.Errorf("an empty file: %+v, %v", s, err)
	}
	a.File.Records = func(yield func(runs.Record, error) bool) { yield(runs.Record{}, errors.New("row 3")) }
	if _, err := w.runs.Run(t.Context(), a); err == nil || !strings.Contains(err.Error(), "row 3") {
		t.Error(err)
	}
	list, err := w.runs.List(t.Context(), 1)
	if err != nil || len(list) != 1 || list[0].State != "failed" || list[0].Agrees {
		t.Errorf("%+v, %v", list, err)
	}
}

// A record with the reference of an operation that had nothing to send, or was taken back
// whole before it was sent, is one too many, and not a reference that nobody issued.
func TestRecordOfWhatWasNotToBeSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Config{})
	w.post(member(1), 10)
	nothing := orders.Paid(60, "SO-0")
	nothing.Event.Operations[0].MemberID, nothing.Event.Operations[0].Points = member(1), 0
	whole, amount := orders.Paid(61, "SO-W"), int64(10_000)
	whole.Event.Operations[0].MemberID, whole.Event.Operations[0].AmountFen = member(1), &amount
	w.record(nothing, whole)
	w.record(orders.Refunded(62, "SO-W", "RF-2", nil))
	for order, points := range map[string]int64{"SO-0": 7, "SO-W": 100} {
		w.insert(points, false, orders.Operation(account, order, 1).Reason)
	}
	s := w.run(asked())
	if s.Items[match.VoidedButApplied] != 2 || s.UnexplainedPoints != 107 || s.Unexplained != 2 {
		t.Errorf("%+v: %+v", s, w.items(s.Run, ""))
	}
}

// A column that is no member's id is refused as such, instead of a hundred thousand items.
func TestColumnThatIsNoMember(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Config{})
	row := w.post(member(1), 10)
	a := asked()
	a.File = &runs.File{Name: "other", ExportedAt: time.Now(), Records: func(yield func(runs.Record, error) bool) {
		for i := range 100_001 {
			if !yield(runs.Record{MemberID: member(2 + i), Points: 10, Text: row.Reason, At: time.Now()}, nil) {
				return
			}
		}
	}}
	if _, err := w.runs.Run(t.Context(), a); !errors.Is(err, runs.ErrOtherMembers) {
		t.Error(err)
	}
}

// A file may have days and no times: a record is then of any time of its day.
func TestFileWithDaysAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Config{})
	var records []runs.Record
	for i := range 4 {
		row := w.post(member(1), ledger.Points(100+10*i))
		r := runs.Record{MemberID: member(1), Points: int64(row.Points), Text: row.Reason, DateOnly: true}
		if i == 3 {
			r.Text = "客服补发"
		}
		records = append(records, r)
	}
	a := asked()
	now := time.Now().In(a.Zone)
	for i := range records {
		records[i].At = time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, a.Zone)
	}
	a.File = fileOf(records)
	s := w.run(a)
	if s.MatchedByReference != 3 || s.DifferencePoints != 0 {
		t.Errorf("%+v", s)
	}
	w.only(s, match.Ambiguous, 130, 130)
}
