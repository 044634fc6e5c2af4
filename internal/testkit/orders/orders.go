// Package orders makes the entries that tests of the ledger record: orders of one
// member, as the intake would hand them over.
package orders

import (
	"fmt"
	"time"

	"pointsledger/ledger"
)

// Epoch is when the tests' stream was made.
var Epoch = time.Date(2026, 11, 20, 4, 0, 0, 123456789, time.UTC)

// Paid is a paid order of 100 points at the account zhimai, with its place in the
// stream.
func Paid(seq uint64, order string) ledger.Entry {
	return ledger.Entry{
		Message: ledger.Message{Stream: "POINTS", StreamCreated: Epoch, Seq: seq,
			Subject: "points.events.order.paid", BrokerTime: Epoch.Add(time.Duration(seq) * time.Millisecond),
			Payload: []byte(`{"orderId":"` + order + `"}`)},
		Event: &ledger.Event{Source: "shop-sh", ID: fmt.Sprintf("e%d", seq), Type: "order.paid", Time: Epoch,
			Content: `{"amountFen":10000,"orderId":"` + order + `"}`, FactKey: ledger.NewFactKey("shop-sh", "order.paid", order),
			Operations: []ledger.Operation{Operation("zhimai", order, 100)}},
	}
}

// Operation is an order's points at an account: a freeze at kylin, else points.
func Operation(account, order string, points ledger.Points) ledger.Operation {
	kind, leg := ledger.PointsAdd, "pa"
	if account == "kylin" {
		kind, leg = ledger.FreezePoint, "fz"
	}
	id := ledger.NewBizID(leg, account, "shop-sh", "order.paid", order, leg)
	return ledger.Operation{Account: account, Kind: kind, BizID: id, BusinessKey: order, MemberID: "383933091455959041",
		Points: points, SourceType: 1, PointsChannel: 3, Reason: "订单" + order + " #" + ledger.ReferenceOf(id),
		Reference: ledger.ReferenceOf(id), BusinessDate: "2026-11-20", MappingVersion: "test"}
}

// Refunded takes back what an order gave: the share of its amount in fen, or all of it
// when that is nil.
func Refunded(seq uint64, order, id string, shareFen *int64) ledger.Entry {
	e := Paid(seq, order)
	typ := "order.refunded"
	if shareFen == nil {
		typ = "order.cancelled"
	}
	e.Message.Subject = "points.events." + typ
	e.Event.Type, e.Event.Operations = typ, nil
	e.Event.FactKey = ledger.NewFactKey("shop-sh", typ, id)
	e.Event.Content = fmt.Sprintf(`{"id":%q,"orderId":%q}`, id, order)
	e.Event.Refers = &ledger.Referral{Origins: []ledger.FactKey{ledger.NewFactKey("shop-sh", "order.paid", order)}, Origin: "order.paid " + order,
		ShareFen: shareFen, BusinessKey: order, BusinessDate: "2026-11-20", MappingVersion: "test"}
	return e
}

// Declared is a day of shop-sh that was declared: so many orders of so many fen. id names
// the event.
func Declared(seq uint64, day, id string, number, fen int64) ledger.Entry {
	e := Paid(seq, id)
	e.Message.Subject = "points.events.day.declared"
	e.Event.ID, e.Event.Type, e.Event.Operations = id, "day.declared", nil
	e.Event.FactKey = ledger.NewFactKey("shop-sh", "day.declared", id)
	e.Event.Content = fmt.Sprintf(`{"amountFen":%d,"day":%q,"orders":%d,"shopCode":null,"source":null}`, fen, day, number)
	e.Event.Declares = &ledger.Declaration{Source: "shop-sh", SourceKey: "shop-sh", Spellings: []string{"shop-sh"}, Day: day, Orders: number, AmountFen: fen}
	return e
}
