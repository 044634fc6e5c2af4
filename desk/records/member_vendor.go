package records

import (
	"context"
	"errors"
	"time"

	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/vendorapi"
)

// What became of asking a vendor about a member.
const (
	// VendorRead: it answered all that was asked.
	VendorRead = "read"
	// VendorOff: the configuration has no url or credentials for the account.
	VendorOff = "off"
	// VendorNoReads: it offers no call that reads.
	VendorNoReads = "no_read_call"
	// VendorNotAsked: the member is known at another account.
	VendorNotAsked = "not_asked"
	// VendorRefused: it answered that it will not say.
	VendorRefused = "refused"
	// VendorAway: it gave no clear answer, or could not be reached.
	VendorAway = "away"
)

// VendorView is what the vendor says of a member. What holds private data is
// masked when it is put in here.
type VendorView struct {
	// State is one of the constants above; Words says it for people.
	State string `json:"state"`
	Words string `json:"words"`
	// Identity is nil unless the vendor knows the member.
	Identity *Identity `json:"identity"`
	Cards    []Card    `json:"gift_cards"`
	// MoreCards counts the cards that are not among Cards.
	MoreCards int `json:"more_gift_cards"`
	// Partial and Moving are those of vendorapi.History.
	Partial bool `json:"records_partial"`
	Moving  bool `json:"records_moving"`

	// id is the member's id at the vendor; read says that history counts.
	id      string
	read    bool
	history vendorapi.History
	private privacy.Member
}

// Identity is who the member is.
type Identity struct {
	Name     string `json:"name"`
	Mobile   string `json:"mobile"`
	Frozen   bool   `json:"frozen"`
	Balance  *int64 `json:"balance_points"`
	Coupons  int    `json:"coupons"`
	StatusID *int64 `json:"status"`
}

// Card is a gift card. Amounts are as the vendor writes them.
type Card struct {
	Number    string `json:"number"`
	Title     string `json:"title"`
	Balance   string `json:"balance"`
	FaceValue string `json:"face_value"`
	Status    string `json:"status"`
	EndsAt    string `json:"ends_at"`
}

// memberMaxCards bounds the gift cards that are kept.
const memberMaxCards = 20

// askVendor asks an account that is on and reads, after what is known of its
// records. byID and byCode say as what the text may be meant, in that order.
func (l *Lookup) askVendor(ctx context.Context, a *MemberAccount, q MemberQuestion, byID, byCode bool) error {
	from, err := l.opener.OpenReader(a.Account)
	if err != nil {
		return err
	}
	defer from.Close()
	if a.knowledge, err = l.desk.Endpoints().Knowledge(ctx, a.Account, from.Endpoint()); err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, memberTimeout)
	defer cancel()
	if client, tells := from.(vendorapi.MemberReader); tells {
		a.Vendor = readMember(bounded, client, q.Text, byID, byCode)
	} else {
		a.Vendor = readRecordsAlone(bounded, from, q.Text, byID, q.AsCode)
	}
	return ctx.Err()
}

// readRecordsAlone reads the records at a vendor that tells nothing else of a member.
// A text that is not known as an id is asked for as a code, where the vendor knows codes;
// one that is nobody's code is an id if it has records, unless it surely is a code.
func readRecordsAlone(ctx context.Context, from Reader, text string, byID, surelyCode bool) VendorView {
	view := VendorView{Cards: []Card{}, id: text}
	if resolver, resolves := from.(vendorapi.Resolver); resolves && !byID {
		id, reply := resolver.Resolve(ctx, text)
		if reply.Outcome == vendorapi.Refused && !surelyCode {
			if view.readRecords(ctx, from); len(view.history.Records) > 0 {
				return view
			}
			view = VendorView{Cards: []Card{}}
		}
		if view.id = id; reply.Outcome != vendorapi.Applied {
			view.failed("who the member is", reply)
			return view
		}
	}
	view.readRecords(ctx, from)
	return view
}

// readRecords reads the records of the member.
func (v *VendorView) readRecords(ctx context.Context, from Reader) {
	reading, reply := from.ReadRecords(ctx, v.id)
	if reply.Outcome != vendorapi.Applied {
		v.failed("the points records", reply)
		return
	}
	v.State, v.read, v.Partial = VendorRead, true, !reading.Complete
	for _, r := range reading.Records {
		movement := vendorapi.Movement{Record: r}
		if !r.At.IsZero() {
			movement.WrittenAt = r.At.In(writtenZone).Format(time.DateTime)
		}
		v.history.Records = append(v.history.Records, movement)
	}
	v.history.Partial = v.Partial
}

// writtenZone is the zone in which a record's time is shown where the vendor's own
// spelling is not kept: as the judge reads it.
var writtenZone = time.FixedZone("CST", 8*60*60)

// readMember asks who the member is, and then for cards and records.
func readMember(ctx context.Context, client vendorapi.MemberReader, text string, byID, byCode bool) VendorView {
	view := VendorView{Cards: []Card{}}
	var identity vendorapi.Member
	reply := vendorapi.Reply{Outcome: vendorapi.Refused}
	if byID {
		identity, reply = client.MemberByID(ctx, text)
	}
	if byCode && reply.Outcome == vendorapi.Refused {
		identity, reply = client.MemberByCode(ctx, text)
	}
	if reply.Outcome != vendorapi.Applied {
		view.failed("who the member is", reply)
		return view
	}
	view.State, view.id = VendorRead, identity.ID
	view.private = privacy.Member{Names: identity.Names, Mobile: identity.Mobile}
	view.Identity = &Identity{Name: privacy.Name(identity.Names...), Mobile: privacy.Mobile(identity.Mobile),
		Frozen: identity.Frozen, Balance: identity.Points, Coupons: identity.Coupons, StatusID: identity.Status}

	cards, reply := client.GiftCards(ctx, view.id)
	if reply.Outcome == vendorapi.Applied {
		view.keepCards(cards)
	} else {
		view.failed("the gift cards", reply)
	}
	history, reply := client.History(ctx, view.id)
	if reply.Outcome != vendorapi.Applied {
		view.failed("the points records", reply)
		return view
	}
	view.read, view.history, view.Partial, view.Moving = true, history, history.Partial, history.Moving
	return view
}

// keepCards keeps the first cards, masked.
func (v *VendorView) keepCards(cards []vendorapi.GiftCard) {
	for _, c := range cards {
		v.private.Cards = append(v.private.Cards, c.Number)
	}
	v.MoreCards = max(len(cards)-memberMaxCards, 0)
	for _, c := range cards[:len(cards)-v.MoreCards] {
		v.Cards = append(v.Cards, Card{Number: privacy.Card(c.Number), Title: v.private.Mask(c.Title), Balance: v.private.Mask(c.Balance),
			FaceValue: v.private.Mask(c.FaceValue), Status: v.private.Mask(c.Status), EndsAt: v.private.Mask(c.EndsAt)})
	}
}

// failed notes a call that brought nothing. The first one is kept.
func (v *VendorView) failed(what string, reply vendorapi.Reply) {
	if v.State == VendorRefused || v.State == VendorAway {
		return
	}
	v.State = VendorAway
	if reply.Outcome == vendorapi.Refused {
		v.State = VendorRefused
	}
	v.Words = v.private.Mask(what + ": " + replyWords(reply))
}

// replyWords says what a call came to that brought nothing. It is not masked.
func replyWords(reply vendorapi.Reply) string {
	words := wording.Outcome(reply.Outcome)
	if errors.Is(reply.Err, vendorapi.ErrNoMember) {
		return reply.Err.Error() // a success that names nobody: its own words would mislead
	}
	if said := wording.Answer(reply.HTTPStatus, reply.Code, reply.Message); said != "" {
		return words + " (" + said + ")"
	}
	if reply.Err != nil {
		return words + " (" + reply.Err.Error() + ")"
	}
	return words
}

// RecordsRead counts the records that were read.
func (v *VendorView) RecordsRead() int { return len(v.history.Records) }
