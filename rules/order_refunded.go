package rules

import (
	"math"

	"pointsledger/ledger"
)

// orderRefunded: a part of an order's amount was paid back. Its key is the refund's
// number within the source that issued it; the order's own source is orderSource
// where that is another one.
func orderRefunded() builtIn {
	return builtIn{
		about: "A part of an order's amount, or all of it, was paid back.",
		fields: []field{
			stringField("refundId", "The refund's number, unique within the envelope's source.").need(),
			stringField("orderId", "The number of the order that was refunded.").need(),
			integerField("amountFen", "fen", 0, math.MaxInt64, "What was paid back by this refund, in fen (1/100 yuan).").need(),
			orderSourceField(),
			businessDateField(),
		},
		dateField: "businessDate",
		key:       []string{"refundId"},
		refers:    true,
		reasons: map[ledger.Kind]string{
			ledger.PointsDeduct:  "订单{orderId}退款扣回积分",
			ledger.UnfreezePoint: "订单{orderId}退款解冻积分",
		},
	}
}
