package desk

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// HandSettlement is a person's statement that the vendor has applied a parked
// operation.
type HandSettlement struct {
	Decision
	ID ledger.OperationID
	// Evidence is what the statement rests on, in the person's words. It may
	// not be empty.
	Evidence string
	// Against is what spoke against it, empty for nothing, and Records what the
	// member's records were seen to show (a word), empty when nobody looked. Both
	// are kept with the act.
	Against, Records string
	// Filter is what the person typed to name the operation.
	Filter string
}

// sqlSettleByHand ends a parked operation whose member is known: the posting is
// written by the statement that deletes the row, so a worker can neither have
// it in hand nor take it. Locks the row (outbox_pkey). No row means that it is
// not parked, that nobody knows whose points they are, or that it is to take back what
// has not arrived.
const sqlSettleByHand = `
WITH gone AS (
    DELETE FROM outbox x
     USING operations o
     WHERE x.operation_id = $1 AND o.id = x.operation_id AND x.state = 'parked'
       AND COALESCE(x.resolved_member_id, o.member_id, '') <> ''
       AND (x.cause IS DISTINCT FROM 'no_vendor_call' OR EXISTS (SELECT 1 FROM work_items w WHERE w.operation_id = x.operation_id))
    RETURNING x.operation_id, COALESCE(x.resolved_member_id, o.member_id) AS member_id, x.attempts, x.points
)
INSERT INTO postings (operation_id, kind, evidence, member_id, attempts, vendor_message, points)
SELECT operation_id, 'posted', 'manual', member_id, attempts, $2, points FROM gone
RETURNING operation_id`

// SettleByHand posts a parked operation on a person's word, and returns the id
// of the record in ops_actions. A *NotParkedError says that the operation is
// not parked, or has no member; then nothing was changed.
func (d *Desk) SettleByHand(ctx context.Context, h HandSettlement) (act int64, err error) {
	if err := h.check(); err != nil {
		return 0, fmt.Errorf("settle by hand: %w", err)
	}
	if h.Evidence == "" {
		return 0, fmt.Errorf("settle by hand: want evidence")
	}
	err = pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		var id ledger.OperationID
		err := tx.QueryRow(ctx, sqlSettleByHand, int64(h.ID), ledger.Storable(h.Evidence)).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return refusedSettlementTx(ctx, tx, h.ID)
		}
		if err != nil {
			return err
		}
		act, err = h.recordTx(ctx, tx, ledger.Act{Name: ActSettle, Filter: h.Filter, SetSize: 1, Result: h.result()}, id)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("settle by hand: %w", err)
	}
	return act, nil
}

// result is what ops_actions keeps.
func (h *HandSettlement) result() string {
	text := "posted by hand"
	if h.Against != "" {
		text += " AGAINST what the vendor shows (" + h.Against + ")"
	}
	if h.Records != "" {
		text += "; records: " + h.Records
	}
	return text + "; evidence: " + h.Evidence
}

func refusedSettlementTx(ctx context.Context, tx pgx.Tx, id ledger.OperationID) error {
	st, err := standingTx(ctx, tx, id)
	if err != nil {
		return err
	}
	refused := &NotParkedError{ID: id, State: st.state}
	switch {
	case st.state != string(ledger.Parked):
	case st.recorded == "" && st.resolved == "":
		refused.Why = "its member is not known: only the scanned code " + st.code
	default:
		refused.Why = "what it takes back from has not arrived, so there is nothing to take back yet"
	}
	return refused
}

// customerID is what a member id at Zhimai may be: 1 to 32 digits, kept
// exactly.
var customerID = regexp.MustCompile(`^[0-9]{1,32}$`)

// ValidCustomerID tells whether a text can be a member id at Zhimai.
func ValidCustomerID(text string) bool { return customerID.MatchString(text) }

// anyMemberID is what a member id may be where the vendor's ids look like anything: what
// an event may name a member by.
var anyMemberID = regexp.MustCompile(`^[^\pC\pZ]([^\pC\p{Zl}\p{Zp}]{0,62}[^\pC\pZ])?$`)

// ValidMemberID tells whether a text can be a member id at an account whose vendor's ids
// may look like anything.
func ValidMemberID(text string) bool { return anyMemberID.MatchString(text) }

// HandResolution names the member behind a scanned code that nobody could
// resolve.
type HandResolution struct {
	Decision
	ID       ledger.OperationID
	MemberID string
	// AnyID: the account's vendor has ids that look like anything; else 1 to 32 digits.
	AnyID bool
	// AcceptInDoubt names the member also of an operation that may have been
	// sent: of a database that was rebuilt, which has lost for whom.
	AcceptInDoubt bool
	// Filter is what the person typed to name the operation.
	Filter string
}

// sqlResolveByHand names the member of a parked operation that has only a
// scanned code and was never resolved: a member is committed before the first
// send, so nothing was sent for it. In doubt that is not sure (a database that
// was rebuilt has lost whom it was sent for), and an operation never changes its
// member (invariant 4): then it is refused, unless the person says that this is
// the one ($3). Locks the row (outbox_pkey). No row means that it is not such a
// row.
const sqlResolveByHand = `
UPDATE outbox x
   SET resolved_member_id = $2
  FROM operations o
 WHERE x.operation_id = $1 AND o.id = x.operation_id AND x.state = 'parked' AND x.resolved_member_id IS NULL
   AND (NOT x.in_doubt OR $3) AND o.member_id IS NULL`

// ResolveByHand keeps a person's word on who stands behind a scanned code, and
// returns the id of the record in ops_actions. The operation stays parked. A
// *NotParkedError says that it is not parked, or has a member, or may have been
// sent for one; then nothing was changed.
func (d *Desk) ResolveByHand(ctx context.Context, h HandResolution) (act int64, err error) {
	if err := h.check(); err != nil {
		return 0, fmt.Errorf("resolve by hand: %w", err)
	}
	switch {
	case h.AnyID && !ValidMemberID(h.MemberID):
		return 0, fmt.Errorf("resolve by hand: want a member id of 1 to 64 printable characters")
	case !h.AnyID && !ValidCustomerID(h.MemberID):
		return 0, fmt.Errorf("resolve by hand: want a member id of 1 to 32 digits")
	}
	err = pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, sqlResolveByHand, int64(h.ID), h.MemberID, h.AcceptInDoubt)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return refusedResolutionTx(ctx, tx, h.ID)
		}
		act, err = h.recordTx(ctx, tx, ledger.Act{Name: ActResolve, Filter: h.Filter, SetSize: 1, Result: "member " + h.MemberID}, h.ID)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("resolve by hand: %w", err)
	}
	return act, nil
}

func refusedResolutionTx(ctx context.Context, tx pgx.Tx, id ledger.OperationID) error {
	st, err := standingTx(ctx, tx, id)
	if err != nil {
		return err
	}
	refused := &NotParkedError{ID: id, State: st.state}
	switch {
	case st.state != string(ledger.Parked):
	case st.recorded != "":
		refused.Why = "its event named the member: there is no code to resolve"
	case st.resolved != "":
		refused.Why = "its code is resolved already, and an operation never changes its member"
	case st.inDoubt:
		refused.Why = "it is in doubt, so it may have been sent for a member that the ledger does not know"
	}
	return refused
}
