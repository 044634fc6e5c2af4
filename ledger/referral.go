package ledger

import (
	"math"
	"math/big"
)

// Referral is what an event says about an earlier fact, its origin: a refund or
// a cancellation takes back what a sale gave, a completion makes its freeze
// spending. The ledger makes the operations of such an event, one for each of the
// origin's, because how much they are depends on what is known of the origin.
type Referral struct {
	// Origins are the fact keys that the origin may have, by the key fields of each
	// rule set; the first is that of the set that maps this event.
	Origins []FactKey
	// Origin names the origin to people: order.paid SO-1.
	Origin string
	// Consumes: the origin's freezes become spending. Otherwise its grants are taken
	// back and its freezes released.
	Consumes bool
	// ShareFen is the part of the origin's amount, in fen, whose points are taken
	// back; nil is all of it, as after a cancellation.
	ShareFen *int64
	// Texts are the readable parts of the reasons, by the kind of the operation, short
	// enough that " #" and a reference fit behind them at every account. One that is
	// missing is empty.
	Texts map[Kind]string
	// MayBeDone: it waited in a database that lost commits since, or was read from the
	// stream again, so that what it takes may be taken already.
	MayBeDone bool `json:",omitempty"`
	// BusinessKey, BusinessDate and MappingVersion are as in Operation.
	BusinessKey, BusinessDate, MappingVersion string
}

// refers tells that an entry is about an earlier fact.
func refers(e Entry) bool { return e.Event != nil && e.Event.Refers != nil }

// origin is an operation that something refers to, with all that was taken from it
// so far.
type origin struct {
	id         OperationID
	kind       Kind
	account    string
	bizID      BizID
	points     int64
	memberID   string
	memberCode string
	sourceType int
	channel    int
	shopCode   string
	amountFen  *int64
	// refunded is the sum of all shares, in fen; whole: all of it was taken back,
	// without a share. kept are the points that the member keeps. ended: it is a
	// freeze that has its ending.
	refunded     int64
	whole, ended bool
	kept         int64
	// open: it was not sent, and is locked, so that what it will send can be lessened:
	// left points.
	open bool
	left int64
}

// endings are the kinds that end a kind's operation: taken back, and consumed.
var endings = map[Kind]struct {
	back, consumed Kind
}{
	PointsAdd:   {back: PointsDeduct},
	FreezePoint: {back: UnfreezePoint, consumed: ConsumeFrozen},
}

// legs are the leg codes of what the ledger makes itself.
var legs = map[Kind]string{PointsDeduct: "pd", UnfreezePoint: "uf", ConsumeFrozen: "cf"}

// taken is what a referral takes from one origin.
type taken struct {
	kind   Kind
	points int64
	// after is what the member keeps then; ends: it is the ending of a freeze;
	// byHand: the freeze has another ending, so that a person must look.
	after        int64
	ends, byHand bool
}

// take works out what a referral takes from an origin. After refunds of Σ a grant
// of P points on an amount A keeps ⌊P × (A − Σ) ÷ A⌋, so that any order and number of
// refunds comes to the same. A freeze is released as a whole, or not. The rejection is for
// refunds of more than was paid.
func (o *origin) take(r *Referral) (taken, *Rejection) {
	kinds := endings[o.kind]
	if r.Consumes {
		t := taken{kind: kinds.consumed, after: o.kept}
		if o.kind == FreezePoint && !o.ended {
			t.points, t.ends = o.points, o.points > 0
		}
		return t, nil
	}
	t := taken{kind: kinds.back, after: 0}
	switch {
	case o.whole:
	case r.ShareFen != nil:
		after, rejection := o.keeps(*r.ShareFen, r)
		if rejection != nil {
			return t, rejection
		}
		t.after = after
	}
	t.points = o.kept - t.after
	if o.kind == FreezePoint && t.points > 0 {
		t.ends, t.byHand = !o.ended, o.ended
	}
	return t, nil
}

// keeps is what is kept after a further refund.
func (o *origin) keeps(share int64, r *Referral) (int64, *Rejection) {
	if o.amountFen == nil {
		return 0, Rejectf(OverRefunded, "%s: it has no amount, so that a part of it cannot be taken back; cancel it as a whole", r.Origin)
	}
	amount := *o.amountFen
	if share > amount-o.refunded {
		return 0, Rejectf(OverRefunded, "%s: a refund of %d fen after refunds of %d fen is more than the %d fen that were paid",
			r.Origin, share, o.refunded, amount)
	}
	left := amount - o.refunded - share
	switch {
	case share == 0:
		return o.kept, nil
	case o.kind == FreezePoint && left > 0:
		return o.kept, nil
	}
	return int64(Keeps(Points(o.points), amount, o.refunded+share)), nil
}

// apply keeps in mind what a referral took, for the next one of the same batch.
func (o *origin) apply(r *Referral, t taken) {
	o.kept, o.ended = t.after, o.ended || t.ends
	switch {
	case r.Consumes:
	case r.ShareFen == nil:
		o.whole = true
	default:
		o.refunded += min(*r.ShareFen, math.MaxInt64-o.refunded)
	}
}

// about are the origins that a referral takes something from, or the first, so that
// every accepted event leaves a trace.
func (r *Referral) about(origins []*origin) []*origin {
	if !r.Consumes {
		return origins
	}
	var freezes []*origin
	for _, o := range origins {
		if o.kind == FreezePoint {
			freezes = append(freezes, o)
		}
	}
	if len(freezes) == 0 {
		return origins[:1]
	}
	return freezes
}

// operation is what takes from an origin. It goes to the origin's member, by the
// origin's source type and channel.
func (r *Referral) operation(event *Event, o *origin, t taken) Operation {
	kind := t.kind
	if kind == "" { // a grant that is to be consumed: nothing, and a trace
		kind = ConsumeFrozen
	}
	id := ReferringBizID(kind, OperationKey{o.account, o.bizID}, event.FactKey)
	reference := ReferenceOf(id)
	reason := "#" + reference
	if text := r.Texts[kind]; text != "" {
		reason = text + " " + reason
	}
	return Operation{Account: o.account, Kind: kind, BizID: id, BusinessKey: r.BusinessKey, MemberID: o.memberID, MemberCode: o.memberCode,
		Points: Points(t.points), SourceType: o.sourceType, PointsChannel: o.channel, Reason: reason, Reference: reference,
		BusinessDate: r.BusinessDate, ShopCode: o.shopCode, AmountFen: r.ShareFen, MappingVersion: r.MappingVersion}
}

// ReferringBizID is the dedup key of what an event takes from an origin.
func ReferringBizID(kind Kind, origin OperationKey, fact FactKey) BizID {
	return NewBizID(legs[kind], origin.Account, fact.String(), string(origin.BizID))
}

// Keeps is what a member keeps of the points of a grant on an amount of fen, of which
// some were refunded: any order and number of refunds comes to the same. The amount is
// above 0, and the refunds are not more.
func Keeps(points Points, amountFen, refundedFen int64) Points {
	kept := new(big.Int).Mul(big.NewInt(int64(points)), big.NewInt(amountFen-refundedFen))
	return Points(kept.Quo(kept, big.NewInt(amountFen)).Int64())
}

// Foresight is what would become of an event if it was recorded now ([Store.ForeseeTx]).
type Foresight struct {
	Verdict Verdict
	// Waits: what the event is about is not recorded, so it would wait, or, as a
	// duplicate, waits already.
	Waits bool
	// Takes are what it would take, in the order of the origin's operations; none for
	// an event that refers to nothing.
	Takes []Take
}

// Take is an operation that takes from an earlier one, its origin.
type Take struct {
	Operation  Operation
	Origin     OperationID
	OriginKind Kind
	// OriginPoints and OriginFen are the origin's points and amount as it was recorded;
	// nil is no amount. RefundedFen is what is refunded of that then, this event's
	// share among it.
	OriginPoints Points
	OriginFen    *int64
	RefundedFen  int64
	// KeptBefore and KeptAfter are what the member keeps of the points.
	KeptBefore, KeptAfter Points
	// Netted: the origin was not sent, and is lessened, so that no call is made.
	Netted bool
	// ByHand: what was frozen has ended otherwise, so that a person must look.
	ByHand bool
}

func (r *referringRow) take() Take {
	o := r.origin
	return Take{Operation: *r.Operation, Origin: o.id, OriginKind: o.kind, OriginPoints: Points(o.points), OriginFen: o.amountFen, RefundedFen: o.refunded,
		KeptBefore: Points(r.before), KeptAfter: Points(r.taken.after), Netted: r.netted, ByHand: r.taken.byHand}
}
