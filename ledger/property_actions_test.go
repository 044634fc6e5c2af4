package ledger_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"pointsledger/desk"
	"pointsledger/ledger"
)

func (m *machine) account(rt *rapid.T) string {
	return rapid.SampledFrom(m.accounts).Draw(rt, "account")
}

func (m *machine) claim(rt *rapid.T) {
	m.token++
	c := ledger.Claim{Account: m.account(rt), Token: m.token, Limit: rapid.IntRange(1, 5).Draw(rt, "limit"),
		Lease: time.Hour, KeyMemory: keyMemory, Newest: rapid.IntRange(1, 4).Draw(rt, "newest") == 1}
	worker := rapid.IntRange(1, 3).Draw(rt, "worker")
	expected := m.model.where(func(o *modelOp) bool { return o.Account == c.Account && o.claimable() && o.row.Due })
	inOrderOfDueTime := func(a, b *modelOp) int {
		return cmp.Or(m.last.open[a.id].NextAt.Compare(m.last.open[b.id].NextAt), cmp.Compare(a.id, b.id))
	}
	if c.Newest {
		slices.SortFunc(expected, func(a, b *modelOp) int { return cmp.Compare(b.id, a.id) })
	} else {
		slices.SortFunc(expected, inOrderOfDueTime)
	}
	expected = expected[:min(c.Limit, len(expected))]
	slices.SortFunc(expected, inOrderOfDueTime) // the answer is, whichever end was taken
	rows, err := m.Claim(m.ctx, c)
	if err != nil {
		rt.Fatal(err)
	}
	for _, r := range rows {
		if was := m.last.open[r.ID]; was.InDoubt && was.Forgotten {
			rt.Fatalf("invariant 7, in doubt only within the key memory: operation %d was claimed", r.ID)
		}
	}
	var want []string
	for _, o := range expected {
		want = append(want, o.claimed(c.Token))
		o.claim(c.Token)
	}
	m.did(rt, step{action: "claim"})
	agree(rt, "claim", "rows", len(rows), len(want))
	for i, r := range rows {
		agree(rt, "claim", "row", claimSeen(&r), want[i])
		m.holds = append(m.holds, &holding{Claimed: r, worker: worker})
	}
}

// pick draws some of the workers' claims, mostly such as are still leased,
// each claim once.
func (m *machine) pick(rt *rapid.T, fits func(*holding) bool) []*holding {
	var all, live []*holding
	for _, h := range m.holds {
		if fits(h) {
			all = append(all, h)
			if m.model.byID(h.ID).leased(h.Token) {
				live = append(live, h)
			}
		}
	}
	if len(live) > 0 && rapid.IntRange(1, 4).Draw(rt, "leased") > 1 {
		all = live
	}
	if len(all) == 0 {
		rt.Skip("nothing was claimed")
	}
	return rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, min(3, len(all)), rapid.ID).Draw(rt, "claims")
}

func anyHolding(*holding) bool { return true }

// names is a step that names rows with tokens.
func names(action string, holds []*holding) step {
	s := step{action: action, rows: map[ledger.OperationID][]ledger.LeaseToken{}}
	for _, h := range holds {
		s.rows[h.ID] = append(s.rows[h.ID], h.Token)
	}
	return s
}

func (m *machine) settle(rt *rapid.T) {
	var changes []ledger.Change
	var expected []ledger.OperationID
	s := step{action: "settle", rows: map[ledger.OperationID][]ledger.LeaseToken{}}
	for _, h := range m.pick(rt, anyHolding) {
		token := h.Token
		if rapid.IntRange(1, 6).Draw(rt, "foreign") == 1 { // another claim's, perhaps another worker's
			token = rapid.SampledFrom(m.holds).Draw(rt, "other").Token
		}
		if slices.Contains(s.rows[h.ID], token) {
			continue // one result for each claim of a row
		}
		c := rapid.SampledFrom(answersTo(&h.Claimed)).Draw(rt, "answer").change(&h.Claimed, token, rapid.Bool().Draw(rt, "later"))
		s.rows[h.ID] = append(s.rows[h.ID], token)
		changes = append(changes, c)
		if o := m.model.byID(h.ID); o.leased(token) {
			o.settle(c)
			expected = append(expected, h.ID)
		}
	}
	changed, err := m.Settle(m.ctx, changes)
	if err != nil {
		rt.Fatal(err)
	}
	m.did(rt, s)
	agree(rt, "settle", "changed", idText(changed), idText(expected))
}

// idText is a set of ids in order.
func idText(ids []ledger.OperationID) string {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return fmt.Sprint(ids)
}

func (m *machine) renew(rt *rapid.T) {
	holds := m.pick(rt, anyHolding)
	var ids, expected []ledger.OperationID
	var tokens []ledger.LeaseToken
	for _, h := range holds {
		ids, tokens = append(ids, h.ID), append(tokens, h.Token)
		if m.model.byID(h.ID).leased(h.Token) {
			expected = append(expected, h.ID)
		}
	}
	kept, err := m.Renew(m.ctx, ids, tokens, time.Hour)
	if err != nil {
		rt.Fatal(err)
	}
	m.did(rt, names("renew", holds))
	agree(rt, "renew", "kept", idText(kept), idText(expected))
}

// confirm is a heard "applied", on time, late, or again: its row may be
// leased, rescued, parked by another worker, posted or voided by now.
func (m *machine) confirm(rt *rapid.T) {
	holds := m.pick(rt, func(h *holding) bool { return h.MemberID != "" })
	evidence := rapid.SampledFrom([]ledger.Evidence{ledger.Answered, ledger.AlreadyApplied, ledger.Verified}).Draw(rt, "evidence")
	var said []ledger.Confirmation
	var posted, before int
	var afterVoid []ledger.OperationID
	s := names("confirm", holds)
	for _, h := range holds {
		said = append(said, ledger.Confirmation{ID: h.ID, Evidence: evidence, MemberID: h.MemberID, HTTPStatus: 200})
	}
	for id := range s.rows {
		switch o := m.model.byID(id); {
		case o.open:
			o.end("posted", evidence, said[slices.IndexFunc(said, func(c ledger.Confirmation) bool { return c.ID == id })].MemberID, 1)
			posted++
		case o.posting.Kind == "voided":
			outcome := "applied"
			if evidence == ledger.AlreadyApplied {
				outcome = "already_applied"
			}
			o.attempts = append(o.attempts, outcome)
			if o.correction == nil { // what was heard first counts
				c := said[slices.IndexFunc(said, func(c ledger.Confirmation) bool { return c.ID == id })]
				o.correction = &correctionRow{OperationID: id, Kind: ledger.CorrectionAppliedAfterVoid, Evidence: string(evidence), Member: c.MemberID}
			}
			afterVoid = append(afterVoid, id)
		default:
			before++
		}
	}
	done, err := m.Confirm(m.ctx, said)
	if err != nil {
		rt.Fatal(err)
	}
	m.did(rt, s)
	agree(rt, "confirm", "posted", done.Posted, posted)
	agree(rt, "confirm", "before", done.Before, before)
	agree(rt, "confirm", "after a void", idText(done.AfterVoid), idText(afterVoid))
}

// resolve commits the member behind a scanned code; only then may it be sent.
func (m *machine) resolve(rt *rapid.T) {
	h := m.pick(rt, func(h *holding) bool { return h.MemberID == "" })[0]
	member := rapid.SampledFrom([]string{"77", "78"}).Draw(rt, "member")
	ok, err := m.Resolve(m.ctx, h.ID, h.Token, member)
	if err != nil {
		rt.Fatal(err)
	}
	o := m.model.byID(h.ID)
	want := o.leased(h.Token) && o.row.Resolved == ""
	if want {
		o.row.Resolved, h.MemberID = member, member
	}
	m.did(rt, names("resolve", []*holding{h}))
	agree(rt, "resolve", "kept", ok, want)
}

// verify commits that a member's records do not show a doubtful row, which its
// holder then sends as if for the first time.
func (m *machine) verify(rt *rapid.T) {
	h := m.pick(rt, func(h *holding) bool { return h.InDoubt && h.MemberID != "" })[0]
	ok, err := m.ClearDoubt(m.ctx, h.ID, h.Token)
	if err != nil {
		rt.Fatal(err)
	}
	o := m.model.byID(h.ID)
	want := o.leased(h.Token) && o.row.InDoubt
	if want {
		o.verified()
		h.InDoubt, h.NeverSent = false, true
	}
	m.did(rt, names("verify", []*holding{h}))
	agree(rt, "verify", "cleared", ok, want)
}

func (m *machine) loseLease(rt *rapid.T) {
	holds := m.pick(rt, func(h *holding) bool { return m.model.byID(h.ID).leased(h.Token) })
	for _, h := range holds {
		m.sql(rt, `UPDATE outbox SET lease_until = now() - interval '1 second' WHERE operation_id = $1`, h.ID)
		m.model.byID(h.ID).row.Live = false
	}
	m.did(rt, names("lose lease", holds))
}

func (m *machine) sql(rt *rapid.T, statement string, args ...any) {
	if _, err := m.pool.Exec(m.ctx, statement, args...); err != nil {
		rt.Fatalf("%s: %v", statement, err)
	}
}

func (m *machine) rescue(rt *rapid.T) {
	account := m.account(rt)
	expired := m.model.where(func(o *modelOp) bool { return o.Account == account && o.row.State == "sending" && !o.row.Live })
	n, err := m.RescueAll(m.ctx, account, modelAttempts, 0)
	if err != nil {
		rt.Fatal(err)
	}
	each(expired, (*modelOp).rescue)
	m.did(rt, step{action: "rescue"})
	agree(rt, "rescue", "rows", n, len(expired))
}

// each applies a change to rows of the model.
func each(rows []*modelOp, change func(*modelOp)) {
	for _, o := range rows {
		change(o)
	}
}

// openOnes draws some open rows.
func (m *machine) openOnes(rt *rapid.T, fits func(*modelOp) bool) (rows []*modelOp, ids []int64, s step) {
	fitting := m.model.where(fits)
	if len(fitting) == 0 {
		rt.Skip("no such row")
	}
	rows = rapid.SliceOfNDistinct(rapid.SampledFrom(fitting), 1, len(fitting), rapid.ID).Draw(rt, "rows")
	s.rows = map[ledger.OperationID][]ledger.LeaseToken{}
	for _, o := range rows {
		ids = append(ids, int64(o.id))
		s.rows[o.id] = nil
	}
	return rows, ids, s
}

// age moves first sends into the past: less than the key memory, or beyond.
func (m *machine) age(rt *rapid.T) {
	rows, ids, s := m.openOnes(rt, func(o *modelOp) bool { return o.row.Sent })
	by := rapid.SampledFrom([]time.Duration{20 * time.Minute, 50 * time.Minute, 61 * time.Minute}).Draw(rt, "by")
	m.sql(rt, `UPDATE outbox SET first_sent_at = first_sent_at - $2::interval WHERE operation_id = ANY ($1)`, ids, by)
	each(rows, func(o *modelOp) { o.shift(by) })
	s.action = "age"
	m.did(rt, s)
}

func (m *machine) makeDue(rt *rapid.T) {
	rows, ids, s := m.openOnes(rt, func(o *modelOp) bool { return !o.row.Due })
	m.sql(rt, `UPDATE outbox SET next_attempt_at = now() WHERE operation_id = ANY ($1)`, ids)
	each(rows, func(o *modelOp) { o.row.Due = true })
	s.action = "make due"
	m.did(rt, s)
}

func (m *machine) parkForgotten(rt *rapid.T) {
	account := m.account(rt)
	old := m.model.where(func(o *modelOp) bool {
		return o.Account == account && o.row.State == "pending" && o.row.InDoubt && o.row.Forgotten
	})
	n, err := m.ParkForgotten(m.ctx, account, keyMemory, false)
	if err != nil {
		rt.Fatal(err)
	}
	each(old, func(o *modelOp) { o.row.State, o.row.Cause = "parked", ledger.CauseKeyMemoryOver })
	m.did(rt, step{action: "park forgotten"})
	agree(rt, "park forgotten", "rows", n, len(old))
}

// reopen is a person's replay, with and without the right number and the key
// memories of the accounts.
func (m *machine) reopen(rt *rapid.T) {
	r := reopening{filter: desk.OpenFilter{Account: m.account(rt), InDoubt: rapid.Bool().Draw(rt, "in doubt only")},
		actor: m.actor, reason: "property test", batch: rapid.IntRange(1, 3).Draw(rt, "batch")}
	if rapid.IntRange(1, 4).Draw(rt, "accounts known") > 1 {
		r.memories = []desk.KeyMemory{{Account: m.accounts[0], Memory: keyMemory}, {Account: m.accounts[1], Memory: keyMemory}}
	}
	parked := m.model.where(func(o *modelOp) bool {
		return o.Account == r.filter.Account && o.row.State == "parked" && (o.row.InDoubt || !r.filter.InDoubt)
	})
	var want desk.Reopened
	if off := rapid.IntRange(0, 4).Draw(rt, "expect"); off > 0 { // 1 is one too many
		r.expect = int64(len(parked) + off%2)
	}
	result, err := replay(m.ctx, m.Desk, r)
	var size *desk.SetSizeError
	if r.expect != 0 && r.expect != int64(len(parked)) {
		m.did(rt, step{action: "reopen, refused"})
		agree(rt, "reopen", "refused for the number", errors.As(err, &size), true)
		return
	}
	if err != nil {
		rt.Fatal(err)
	}
	for _, o := range parked {
		switch {
		case o.row.InDoubt && r.memories == nil:
			want.AccountUnknown++
			continue
		case o.row.InDoubt && o.row.Forgotten:
			want.KeyMemoryOver++
			continue
		case o.row.InDoubt:
			want.InDoubt++
		}
		want.Reopened++
		want.Points += o.Points
		o.row.State, o.row.Cause, o.row.Attempts, o.row.Due = "pending", ledger.CauseReplayed, 0, true
	}
	if len(parked) > 0 {
		m.model.acts += 2 // the beginning and the end
	}
	m.did(rt, step{action: "reopen"})
	agree(rt, "reopen", "found", result.plan.Size, int64(len(parked)))
	agree(rt, "reopen", "result", result.done, want)
}

// voidRows gives operations up for good, as replay will do: only such as
// nobody is sending.
const voidRows = `
WITH gone AS (DELETE FROM outbox WHERE operation_id = ANY ($1) AND state <> 'sending' RETURNING operation_id, attempts)
INSERT INTO postings (operation_id, kind, evidence, attempts)
SELECT operation_id, 'voided', 'manual', attempts FROM gone`

func (m *machine) void(rt *rapid.T) {
	rows, ids, s := m.openOnes(rt, func(o *modelOp) bool { return o.row.State == "parked" })
	m.sql(rt, voidRows, ids)
	each(rows, func(o *modelOp) { o.end("voided", "manual", "", 0) })
	s.action = "void"
	m.did(rt, s)
}

// nextDue agrees with what a claim would find.
func (m *machine) nextDue(rt *rapid.T) {
	account := m.account(rt)
	in, ok, err := m.NextDue(m.ctx, account, keyMemory)
	if err != nil {
		rt.Fatal(err)
	}
	waiting := m.model.where(func(o *modelOp) bool { return o.Account == account && o.claimable() })
	due := slices.ContainsFunc(waiting, func(o *modelOp) bool { return o.row.Due })
	agree(rt, "next due", "some", ok, len(waiting) > 0)
	agree(rt, "next due", "now", ok && in <= 0, due)
}
