package vendorapi

import (
	"context"

	"pointsledger/evidence"
)

// MemberReader is a Sender that can be asked about one member, for a person who
// looks: who it is, which gift cards it holds, and all movements of its points.
// Few vendors offer that. Each answer counts only when its outcome is Applied.
type MemberReader interface {
	// MemberByID and MemberByCode ask who a member is. Refused is the vendor's
	// word that it knows nobody of that id, or behind that scanned code.
	MemberByID(ctx context.Context, id string) (Member, Reply)
	MemberByCode(ctx context.Context, code string) (Member, Reply)
	// GiftCards lists all that the member ever held.
	GiftCards(ctx context.Context, memberID string) ([]GiftCard, Reply)
	// History reads all movements of a member's points, as far as one look can.
	History(ctx context.Context, memberID string) (History, Reply)
}

// Member is who a member is, as the vendor says. It holds private data: nothing
// of Names and Mobile is shown unmasked.
type Member struct {
	ID string
	// Names are what the vendor calls the member, the best first; some may be
	// empty.
	Names  []string
	Mobile string
	// Frozen: the vendor refuses points for the account. Status is its own number
	// for that, nil when it does not say.
	Frozen bool
	Status *int64
	// Points is the balance, nil when it does not say.
	Points  *int64
	Coupons int
}

// GiftCard is a gift card of a member. Amounts are as the vendor writes them; it
// gives no unit. Number is private.
type GiftCard struct {
	Number, Title, Balance, FaceValue, Status, EndsAt string
}

// History is what one look shows of a member's movements.
type History struct {
	// Records are in the vendor's order.
	Records []Movement
	// Partial: there are further ones, which were not read. Moving: records
	// arrived while they were read, and one may be missing. Short: the vendor
	// counts more records than it listed.
	Partial, Moving, Short bool
}

// Movement is one record of a History.
type Movement struct {
	evidence.Record
	// WrittenAt is its time as the vendor writes it.
	WrittenAt string
}
