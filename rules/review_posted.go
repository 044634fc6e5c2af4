package rules

import "pointsledger/ledger"

// reviewPosted: a member reviewed a shop or a product. Its key is the review's
// number within the source that issued it.
func reviewPosted() builtIn {
	return builtIn{
		about: "A review was posted.",
		fields: []field{
			stringField("reviewId", "The review's number, unique within the envelope's source.").need(),
			memberField(),
			channelField(true),
			stringField("orderId", "The order that was reviewed."),
			integerField("rating", "", 1, 5, "Stars, 1 to 5."),
			{name: "hasPhoto", kind: kindBoolean, about: "Whether the review shows a photo."},
			pointsField(),
			shopCodeField(),
			businessDateField(),
		},
		dateField: "businessDate",
		key:       []string{"reviewId"},
		reasons: map[ledger.Kind]string{
			ledger.PointsAdd:   "评价{reviewId}积分",
			ledger.FreezePoint: "评价{reviewId}积分冻结",
		},
	}
}
