package ledger_test

import (
	"fmt"
	"slices"
	"time"

	"pointsledger/ledger"
)

// modelAttempts is the number of attempts after which a row is parked.
const modelAttempts = 4

// model is what the ledger ought to hold, kept in Go.
type model struct {
	// ops are in the order of recording; byKey finds them.
	ops     []*modelOp
	byKey   map[ledger.BizID]*modelOp // the key's hash holds the account
	byFact  map[ledger.FactKey]*modelOp
	rejects map[uint64]ledger.RejectCode
	acts    int
}

// modelOp is one operation with its outbox row or posting.
type modelOp struct {
	ledger.Operation
	id      ledger.OperationID
	content string
	seq     uint64
	// open: there is an outbox row, which is row.
	open bool
	row  modelRow
	// age is how long ago the row was first sent, by the test's clock.
	age     time.Duration
	posting *postingRow
	// correction is how a void was corrected, nil for not.
	correction *correctionRow
	// attempts are the outcomes in table attempts.
	attempts []string
}

// modelRow is what can be predicted of an outbox row.
type modelRow struct {
	State           ledger.State
	Cause           ledger.Cause
	InDoubt         bool
	Attempts        int
	Sent, Forgotten bool
	Token           ledger.LeaseToken
	Live, Due       bool
	Resolved        string
}

func rowSeen(x outboxRow) modelRow {
	return modelRow{State: x.State, Cause: x.Cause, InDoubt: x.InDoubt, Attempts: x.Attempts, Sent: x.FirstSentAt != nil,
		Forgotten: x.Forgotten, Token: x.Token, Live: x.Live, Due: x.Due, Resolved: x.Resolved}
}

// record is what becomes of an entry.
func (m *model) record(e *ledger.Entry) (kind ledger.VerdictKind, redelivered bool) {
	if e.Rejection != nil {
		m.reject(e, e.Rejection.Code)
		return ledger.Rejected, false
	}
	if before := m.byFact[e.Event.FactKey]; before != nil {
		if before.content != e.Event.Content && !e.Event.RepeatIsDuplicate {
			m.reject(e, ledger.Conflict)
			return ledger.Rejected, false
		}
		return ledger.Duplicate, before.seq == e.Message.Seq
	}
	for _, op := range e.Event.Operations {
		o := &modelOp{Operation: op, content: e.Event.Content, seq: e.Message.Seq, open: op.Points > 0,
			row: modelRow{State: "pending", Due: true}}
		m.ops = append(m.ops, o)
		m.byKey[op.BizID], m.byFact[e.Event.FactKey] = o, o
	}
	return ledger.Accepted, false
}

// lease claims those of the new operations whose accounts have a lease.
func (m *model) lease(recorded []*modelOp, leases []ledger.RecordLease) (leased []*modelOp) {
	for _, o := range recorded {
		for _, l := range leases {
			if o.open && o.Account == l.Account {
				o.claim(l.Token)
				leased = append(leased, o)
			}
		}
	}
	return leased
}

// reject keeps the first reject of a message.
func (m *model) reject(e *ledger.Entry, code ledger.RejectCode) {
	if _, there := m.rejects[e.Message.Seq]; !there {
		m.rejects[e.Message.Seq] = code
	}
}

// where lists the open operations that fit.
func (m *model) where(fits func(*modelOp) bool) (found []*modelOp) {
	for _, o := range m.ops {
		if o.open && fits(o) {
			found = append(found, o)
		}
	}
	return found
}

func (m *model) byID(id ledger.OperationID) *modelOp {
	return m.ops[slices.IndexFunc(m.ops, func(o *modelOp) bool { return o.id == id })]
}

// claimable: the vendor surely remembers the key, or nothing is in doubt.
func (o *modelOp) claimable() bool {
	return o.row.State == "pending" && !(o.row.InDoubt && o.row.Forgotten)
}

// leased: the token holds the row.
func (o *modelOp) leased(token ledger.LeaseToken) bool {
	return o.open && o.row.State == "sending" && o.row.Live && o.row.Token == token
}

// memberID is what is known of the member, "" while only a code is.
func (o *modelOp) memberID() string {
	if o.row.Resolved != "" {
		return o.row.Resolved
	}
	return o.MemberID
}

// claimSeen is a claim in the part that invariant 4 and the decision rest on.
func claimSeen(c *ledger.Claimed) string {
	return fmt.Sprintf("%d token %d: %s %s %s %d source %d channel %d %q member %q code %q attempts %d in doubt %v never sent %v",
		c.ID, c.Token, c.Kind, c.BizID, c.BusinessKey, c.Points, c.SourceType, c.PointsChannel, c.Reason,
		c.MemberID, c.MemberCode, c.Attempts, c.InDoubt, c.NeverSent)
}

// claimed is the claim that the model expects, before claim is applied.
func (o *modelOp) claimed(token ledger.LeaseToken) string {
	call := ledger.VendorCall{Kind: o.Kind, BizID: o.BizID, Points: o.Points, SourceType: o.SourceType,
		PointsChannel: o.PointsChannel, Reason: o.Reason, ShopCode: o.ShopCode, MemberID: o.memberID()}
	return claimSeen(&ledger.Claimed{ID: o.id, Token: token, VendorCall: call, BusinessKey: o.BusinessKey,
		MemberCode: o.MemberCode, Attempts: o.row.Attempts, InDoubt: o.row.InDoubt, NeverSent: !o.row.InDoubt})
}

// claim begins the key's age anew where nothing sent before had an effect.
func (o *modelOp) claim(token ledger.LeaseToken) {
	o.row.Sent = true
	if !o.row.InDoubt {
		o.age, o.row.Forgotten = 0, false
	}
	o.row.State, o.row.Token, o.row.Live = "sending", token, true
}

// shift moves the first send into the past.
func (o *modelOp) shift(by time.Duration) {
	if o.row.Sent {
		o.age += by
		o.row.Forgotten = o.age >= keyMemory
	}
}

func (o *modelOp) settle(c ledger.Change) {
	used := 0
	if c.UseAttempt {
		used = 1
	}
	if c.Unsent && !o.row.InDoubt {
		o.row.Sent, o.row.Forgotten, o.age = false, false, 0
	}
	o.release(c.State, c.Cause, c.Doubt, used)
	o.row.Due = c.Delay == 0
	if c.Attempt != nil {
		o.attempts = append(o.attempts, c.Attempt.Outcome)
	}
}

// verified: the vendor's records show that it was not applied.
func (o *modelOp) verified() { o.row.InDoubt, o.row.Forgotten, o.age = false, false, 0 }

func (o *modelOp) rescue() {
	state, cause := ledger.Pending, ledger.CauseLeaseExpired
	if o.row.Attempts+1 >= modelAttempts {
		state, cause = ledger.Parked, ledger.CauseAttemptsExhausted
	}
	o.release(state, cause, true, 1)
	o.row.Due = true
	o.attempts = append(o.attempts, "lease_expired")
}

func (o *modelOp) release(state ledger.State, cause ledger.Cause, doubt bool, used int) {
	o.row.State, o.row.Cause, o.row.Token, o.row.Live = state, cause, 0, false
	o.row.InDoubt = o.row.InDoubt || doubt
	o.row.Attempts += used
}

func (o *modelOp) end(kind string, evidence ledger.Evidence, member string, used int) {
	o.open = false
	o.posting = &postingRow{OperationID: o.id, Kind: kind, Evidence: string(evidence), Member: member, Attempts: o.row.Attempts + used}
}

// answer is one of the ways in which the dispatcher gives a row back
// (dispatch/decide.go, which this must follow).
type answer struct {
	cause ledger.Cause
	// outcome is "" when no call was made.
	outcome string
	// park: at once. retry: use an attempt, and park after the last. Neither:
	// the row goes back, no attempt used.
	park, retry bool
	// mayHaveActed: the vendor saw the request and did not turn it away at the
	// door, so the row counts as sent.
	mayHaveActed, doubt bool
	// delayed: due later, as a probe of a closed gate is.
	delayed bool
}

// answersTo are those that a claimed row can get: one in doubt may be looked
// up at the vendor instead of sent.
func answersTo(row *ledger.Claimed) []answer {
	all := []answer{
		{cause: "unknown", outcome: "unknown", retry: true, mayHaveActed: true, doubt: true},
		{cause: "refused", outcome: "refused", park: true, mayHaveActed: true},
		{cause: "returned_unsent"},
		{cause: "not_sent", outcome: "not_sent", retry: true},
		{cause: "retryable", outcome: "retryable", retry: true},
		{cause: "suspicious_refusal", outcome: "refused"},
		{cause: "suspicious_refusal", outcome: "refused", delayed: true},
		{cause: "unauthorised", outcome: "unauthorised"},
		{cause: "unauthorised", outcome: "unauthorised", park: true, mayHaveActed: true}, // the row is at fault
		{cause: "throttled", outcome: "throttled"},
		{cause: "unsendable", outcome: "not_sent", park: true},
		{cause: "member_unresolved", outcome: "refused", park: true},
		{cause: "member_unresolved", outcome: "unknown", retry: true},
		{cause: "member_unresolved", outcome: "not_sent", park: true}, // the code is too old
	}
	if row.InDoubt {
		all = append(all,
			answer{cause: "unknown", outcome: "unknown", retry: true}, // the records could not be read
			answer{cause: "verification_points_differ", outcome: "unknown", park: true},
			answer{cause: "key_memory_over", outcome: "unknown", park: true})
	}
	return all
}

// change is the dispatcher's change of a held row. later delays a retry.
func (a answer) change(row *ledger.Claimed, token ledger.LeaseToken, later bool) ledger.Change {
	c := ledger.Change{ID: row.ID, Token: token, State: ledger.Pending, Cause: a.cause, Doubt: a.doubt,
		UseAttempt: a.park || a.retry, Unsent: row.NeverSent && !a.mayHaveActed}
	if a.outcome != "" {
		c.Attempt = &ledger.Attempt{Outcome: a.outcome, HTTPStatus: 200, VendorCode: "7"}
	}
	switch exhausted := a.retry && row.Attempts+1 >= modelAttempts; {
	case a.park:
		c.State = ledger.Parked
	case exhausted:
		c.State = ledger.Parked
		if a.cause != "member_unresolved" {
			c.Cause = ledger.CauseAttemptsExhausted
		}
	case a.delayed, a.retry && later:
		c.Delay = time.Hour
	}
	return c
}
