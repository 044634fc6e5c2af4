package rules

import "pointsledger/ledger"

// orderCompleted: an order is done, and what was frozen for it is spent. Its key is
// the order number within the source that says so.
func orderCompleted() builtIn {
	return builtIn{
		about: "An order was completed: what was frozen for it is spent.",
		fields: []field{
			stringField("orderId", "The number of the order that was completed.").need(),
			orderSourceField(),
			businessDateField(),
		},
		dateField: "businessDate",
		key:       []string{"orderId"},
		refers:    true,
		reasons:   map[ledger.Kind]string{ledger.ConsumeFrozen: "订单{orderId}完成核销积分"},
	}
}
