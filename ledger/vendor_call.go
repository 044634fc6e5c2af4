package ledger

// VendorCall is what a vendor is asked to do for an operation, and all that it
// is told: every attempt is made of the same one (invariant 4). Anybody may make
// one, to show the request that a worker would send; only who holds a lease
// sends it.
type VendorCall struct {
	Kind Kind
	// BizID is the dedup key.
	BizID  BizID
	Points Points
	// SourceType and PointsChannel are 0 for a freeze that has none.
	SourceType    int
	PointsChannel int
	// Reason is the text the member sees, exactly as sent.
	Reason string
	// ShopCode is empty when the event names none.
	ShopCode string
	// Origin is the dedup key of the operation that this one takes back, releases or makes
	// spending; empty for what gives.
	Origin BizID
	// MemberID is the vendor's id of the member; nothing is sent without.
	MemberID string
}

// VendorCall is the call that the operation stands for. Its MemberID is empty
// while only a code is known.
func (o *Operation) VendorCall() VendorCall {
	return VendorCall{Kind: o.Kind, BizID: o.BizID, Points: o.Points, SourceType: o.SourceType, PointsChannel: o.PointsChannel,
		Reason: o.Reason, ShopCode: o.ShopCode, MemberID: o.MemberID}
}
