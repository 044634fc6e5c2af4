package desk

import (
	"context"
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// customerID is what a member id at Zhimai may be: 1 to 32 digits, kept
// exactly.
var customerID = regexp.MustCompile(`^[0-9]{1,32}$`)

// ValidCustomerID tells whether a text can be a member id at Zhimai.
func ValidCustomerID(text string) bool { return customerID.MatchString(text) }

// HandResolution names the member behind a scanned code that nobody could
// resolve.
type HandResolution struct {
	Decision
	ID       ledger.OperationID
	MemberID string
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
	if !ValidCustomerID(h.MemberID) {
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
