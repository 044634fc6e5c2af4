package rules

import "pointsledger/ledger"

// memberCheckedIn: a member checked in. Its key is member and day in the whole
// programme: a second check-in that day is a duplicate, whatever else it says.
// The day comes from date or from the envelope's time; the broker's time would
// change when the event is sent again.
func memberCheckedIn() builtIn {
	return builtIn{
		about: "A member checked in; one counts each day.",
		fields: []field{
			memberField(),
			channelField(true),
			{name: "date", kind: kindDate, about: "The programme's calendar day of the check-in; required when the envelope has no time."},
			pointsField(),
			shopCodeField(),
		},
		member:            memberCustomer,
		dateField:         "date",
		key:               []string{"customerId", "date"},
		programme:         true,
		repeatIsDuplicate: true,
		reasons: map[ledger.Kind]string{
			ledger.PointsAdd:   "{date}签到积分",
			ledger.FreezePoint: "{date}签到积分冻结",
		},
	}
}
