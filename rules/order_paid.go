package rules

import (
	"math"

	"pointsledger/ledger"
)

// orderPaid: an order was paid in a shop or on a platform. Its key is the order
// number within the source that issued it.
func orderPaid() builtIn {
	return builtIn{
		about: "An order was paid.",
		fields: []field{
			stringField("orderId", "The order's number, unique within the envelope's source.").need(),
			memberField(),
			channelField(true),
			integerField("amountFen", "fen", 0, math.MaxInt64, "What was paid, in fen (1/100 yuan).").need(),
			pointsField(),
			integerField("pointsUsed", "points", 0, math.MaxInt64, "Points the member spends on this order, to be frozen; needs member.memberId when above 0."),
			shopCodeField(),
			businessDateField(),
		},
		dateField: "businessDate",
		key:       []string{"orderId"},
		reasons: map[ledger.Kind]string{
			ledger.PointsAdd:   "订单{orderId}消费积分",
			ledger.FreezePoint: "订单{orderId}使用积分冻结",
		},
	}
}
