package books_test

import (
	"time"

	"pointsledger/desk"
	"pointsledger/ledger"
	"pointsledger/ledger/waiting"
)

// send has the vendor take one operation: it is applied, refused and parked, or no
// answer comes for now.
func (w *world) send(account string) {
	w.t.Helper()
	w.token++
	rows, err := w.book.Claim(w.t.Context(), ledger.Claim{Account: account, Token: w.token, Limit: 1, Lease: time.Minute, KeyMemory: time.Hour})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, row := range rows {
		op := w.claimed(&row)
		op.state = "out"
		if op.order.coded && account == "zhimai" && row.MemberID == "" {
			if ok, err := w.book.Resolve(w.t.Context(), row.ID, w.token, customer(op.order.person)); err != nil || !ok {
				w.t.Fatalf("resolve: %v, %v", ok, err)
			}
			op.order.resolved = true
		}
		switch w.IntN(4) {
		case 0:
			if op.origin == nil && !op.order.coded {
				w.park(op)
			}
		case 1: // no answer yet
		default:
			w.answer(op)
		}
	}
}

// claimed is the operation that was claimed, with the points that are to be sent.
func (w *world) claimed(row *ledger.Claimed) *played {
	w.t.Helper()
	var event string
	if err := w.pool.QueryRow(w.t.Context(), `SELECT event_id FROM operations WHERE id = $1`, int64(row.ID)).Scan(&event); err != nil {
		w.t.Fatal(err)
	}
	for _, op := range w.ops {
		if op.event == event && op.kind == row.Kind {
			if int64(row.Points) != op.left || op.state != "new" && op.state != "waits" && op.state != "due" {
				w.t.Fatalf("%d points of %+v were claimed", row.Points, op)
			}
			op.id = row.ID
			return op
		}
	}
	w.t.Fatalf("nobody knows %+v", row)
	return nil
}

func (w *world) park(op *played) {
	changed, err := w.book.Settle(w.t.Context(), []ledger.Change{{ID: op.id, Token: w.token, State: ledger.Parked, Cause: ledger.CauseRefused, UseAttempt: true}})
	if err != nil || len(changed) != 1 {
		w.t.Fatalf("park: %v, %v", changed, err)
	}
	op.state = "parked"
}

// confirm says that the vendor applied it.
func (w *world) confirm(op *played) {
	w.t.Helper()
	member := customer(op.order.person)
	if op.account() == "kylin" {
		member = memberID(op.order.person)
	}
	if _, err := w.book.Confirm(w.t.Context(), []ledger.Confirmation{{ID: op.id, Evidence: ledger.Answered, MemberID: member}}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) answer(op *played) {
	w.confirm(op)
	op.state = "posted"
	w.move(op, "posted", "pending", places[op.kind][1], op.left)
}

// any is an operation in a state, or nil.
func (w *world) any(state string) *played {
	for _, i := range w.Perm(len(w.ops)) {
		if w.ops[i].state == state {
			return w.ops[i]
		}
	}
	return nil
}

// void has a person give up what is parked of an order.
func (w *world) void(op *played) {
	w.t.Helper()
	ctx := w.t.Context()
	plan, err := w.desk.CreatePlan(ctx, desk.NewPlan{Kind: desk.PlanOfVoid, Actor: "lin", FilterText: "one order", Choose: &desk.OpenFilter{BusinessKey: op.order.name, Account: op.account()}})
	if err != nil {
		w.t.Fatal(err)
	}
	run, err := w.desk.BeginPlan(ctx, desk.PlanStart{Plan: plan, Act: desk.ActVoid, Actor: "lin", Reason: "ticket 81"})
	if err != nil {
		w.t.Fatal(err)
	}
	defer run.Close()
	if done, _, err := run.VoidBatch(ctx, false); err != nil || done.Voided != 1 {
		w.t.Fatalf("void: %+v, %v", done, err)
	}
	op.state = "voided"
	w.move(op, "voided", "pending", places[op.kind][0], op.left)
}

// correct has the vendor say that it applied what was given up.
func (w *world) correct(op *played) {
	w.confirm(op)
	op.state = "corrected"
	w.move(op, "void_undone", places[op.kind][0], "pending", op.left)
	w.move(op, "applied_after_void", "pending", places[op.kind][1], op.left)
}

// sweep lets go what waited for its origin; of what was given up nothing is left to take.
// Where the account offers no call for it, what is spent is spent without one.
func (w *world) sweep() {
	w.t.Helper()
	kinds := []ledger.Kind{ledger.PointsAdd, ledger.FreezePoint, ledger.PointsDeduct, ledger.UnfreezePoint}
	consumes := w.IntN(2) == 0
	if consumes {
		kinds = append(kinds, ledger.ConsumeFrozen)
	}
	for _, account := range []string{"zhimai", "kylin"} {
		if _, err := waiting.New(w.pool, w.book).ReleaseTakeBacks(w.t.Context(), account, kinds); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, op := range w.ops {
		switch {
		case op.state != "waits":
		case op.origin.state == "voided":
			op.state = "nothing to take back"
			w.move(op, "voided", "pending", places[op.kind][0], op.left)
		case op.origin.state != "posted" && op.origin.state != "corrected":
		case op.kind == ledger.ConsumeFrozen && !consumes:
			op.state = "spent"
			w.move(op, "spent", "pending", "spent", op.left)
		default:
			op.state = "due"
		}
	}
}

func (w *world) step() {
	switch n := w.IntN(20); {
	case n < 3 || len(w.orders) == 0:
		w.sell()
	case n < 6:
		w.refund(w.orders[w.IntN(len(w.orders))])
	case n < 8:
		w.cancel(w.orders[w.IntN(len(w.orders))])
	case n < 9:
		w.complete(w.orders[w.IntN(len(w.orders))])
	case n < 12:
		w.send("zhimai")
	case n < 14:
		w.send("kylin")
	case n < 15:
		if op := w.any("out"); op != nil {
			w.answer(op)
		}
	case n < 17:
		if op := w.any("parked"); op != nil {
			w.void(op)
		}
	case n < 18:
		if op := w.any("voided"); op != nil {
			w.correct(op)
		}
	default:
		w.sweep()
	}
	var at time.Time
	if err := w.pool.QueryRow(w.t.Context(), `SELECT clock_timestamp()`).Scan(&at); err != nil {
		w.t.Fatal(err)
	}
	w.marks = append(w.marks, mark{at, len(w.list)})
}
