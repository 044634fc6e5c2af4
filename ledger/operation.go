package ledger

import (
	"time"

	"pointsledger/ledger/budgets"
)

// Points is a whole number of loyalty points. It is never a float: the only
// place where a fraction could appear is the JSON number that Kylin asks for,
// and that is written from this integer.
type Points int64

// OperationID is the ledger's own row id. It means nothing to a vendor.
type OperationID int64

// BizID is the dedup key of one vendor call: bizId at Zhimai,
// X-Business-Token at Kylin. See NewBizID.
type BizID string

// Kind names the vendor call an operation stands for.
type Kind string

const (
	// PointsAdd grants points: Zhimai user.points-add.
	PointsAdd Kind = "points_add"
	// FreezePoint freezes points: Kylin freezePoint.
	FreezePoint Kind = "freeze_point"
	// PointsDeduct takes back points that were granted. Neither vendor's pages have a
	// call for it; a custom vendor may.
	PointsDeduct Kind = "points_deduct"
	// UnfreezePoint gives frozen points back to the member. Kylin's page names no call.
	UnfreezePoint Kind = "unfreeze_point"
	// ConsumeFrozen makes frozen points spent. Kylin's page names no call.
	ConsumeFrozen Kind = "consume_frozen"
)

// DefaultCodeMaxAge is how old a scanned member code may be; codes rotate.
const DefaultCodeMaxAge = 24 * time.Hour

// Operation is one intended vendor call. It is written once, together with its
// outbox row, and never changed (tables operations and outbox).
type Operation struct {
	// Account is the name of the vendor account in the configuration (column
	// target).
	Account string
	Kind    Kind
	BizID   BizID
	// BusinessKey is what a person searches for: the order number, the review
	// number, member and date of a check-in.
	BusinessKey string
	// MemberID is the vendor's id of the member, digits kept exactly as they
	// came. Empty while only MemberCode is known, and for an anonymous sale.
	MemberID string
	// MemberCode is a scanned member code, resolved to an id before the first
	// send. Empty when MemberID is known.
	MemberCode string
	// Points to grant or to freeze, 0 or more. Zero means that there is
	// nothing to send: the operation is recorded without an outbox row.
	Points Points
	// SourceType 1 to 12 and PointsChannel 1 to 9 are Zhimai's numbers
	// (user.points-add page); both are 0 for a freeze that has none.
	SourceType    int
	PointsChannel int
	// Reason is the text the member sees, Reference included, exactly as sent
	// (Zhimai reason, Kylin description).
	Reason    string
	Reference string
	// BusinessDate is the programme's calendar day, YYYY-MM-DD.
	BusinessDate string
	// ShopCode is empty when the event names none.
	ShopCode string
	// AmountFen is the paid amount in fen, nil when the event has none.
	AmountFen *int64
	// MappingVersion is the version of the rule file that made this operation.
	MappingVersion string
	// HeldUntil is when it may be sent at the earliest; zero is at once.
	HeldUntil time.Time
	// Bulk: it is sent in the bulk lane. It is no part of the ledger; the outbox
	// keeps it.
	Bulk bool
}

// Message is one message of the stream, as it came.
type Message struct {
	Stream string
	// StreamCreated tells a stream from a later one of the same name, whose
	// sequences begin again at 1.
	StreamCreated time.Time
	Seq           uint64
	Subject       string
	// BrokerTime is when JetStream stored the message.
	BrokerTime time.Time
	// Header is the NATS header in wire form ("Name: value\r\n" lines), raw.
	Header  []byte
	Payload []byte
}

// Event is a message that was understood: its envelope, its declared fields
// and the operations that the rules make of it.
type Event struct {
	Source string
	ID     string
	Type   string
	// Time is the envelope's time, or the broker's when it has none.
	Time time.Time
	// Content is the canonical JSON object of all declared fields: names in
	// order, absent fields as null, channels as numbers. Two events with one
	// key and equal content are the same event sent twice.
	Content string
	// RepeatIsDuplicate says that the key alone decides: a repeat with other
	// content is a duplicate, not a conflict (member.checked_in).
	RepeatIsDuplicate bool
	// FactKey names the fact whatever the account. What is known under it is a
	// duplicate or a conflict under any rule set, also one that names another
	// account. Zero is refused.
	FactKey FactKey
	// OtherFacts are the keys that the same event has by the key fields of the
	// other rule sets; nearly always nil.
	OtherFacts []FactKey
	// OlderKeys are further dedup keys that the fact may have in rows from
	// before fact keys: at the accounts of other rule sets, in other spellings
	// of the source. Nearly always nil.
	OlderKeys []OperationKey
	// OnlyIfKnown is the reason to reject an event that the ledger does not
	// have yet; one that it has stays a duplicate or a conflict. Nil for none.
	OnlyIfKnown *Rejection
	// Budget bounds what the event's day may grant; nil is no bound.
	Budget *budgets.Budget
	// Operations holds at least one operation, and none when Refers or Declares is set.
	Operations []Operation
	// Refers: the event is about an earlier fact, and the ledger makes its operations.
	Refers *Referral
	// Declares: the event says what was sold on a day, and leads to no operation.
	Declares *Declaration
}

// businessKey is what a person searches for.
func (e *Event) businessKey() string {
	switch {
	case e.Refers != nil:
		return e.Refers.BusinessKey
	case e.Declares != nil:
		return e.Declares.Text()
	}
	return e.Operations[0].BusinessKey
}

// mappingVersion is the version of the rule file that mapped it, empty for none.
func (e *Event) mappingVersion() string {
	switch {
	case e.Refers != nil:
		return e.Refers.MappingVersion
	case len(e.Operations) > 0:
		return e.Operations[0].MappingVersion
	}
	return ""
}
