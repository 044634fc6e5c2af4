package rules

import "pointsledger/ledger"

// orderCancelled: an order does not count any more. Its key is the order number
// within the source that says so.
func orderCancelled() builtIn {
	return builtIn{
		about: "An order was cancelled as a whole.",
		fields: []field{
			stringField("orderId", "The number of the order that was cancelled.").need(),
			orderSourceField(),
			businessDateField(),
		},
		dateField: "businessDate",
		key:       []string{"orderId"},
		refers:    true,
		reasons: map[ledger.Kind]string{
			ledger.PointsDeduct:  "订单{orderId}取消扣回积分",
			ledger.UnfreezePoint: "订单{orderId}取消解冻积分",
		},
	}
}
