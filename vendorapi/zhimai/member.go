package zhimai

import (
	"context"
	"fmt"

	"pointsledger/vendorapi"
)

// MemberByID implements vendorapi.MemberReader, through communal.user.identity.
func (c *Client) MemberByID(ctx context.Context, id string) (vendorapi.Member, vendorapi.Reply) {
	return c.member(ctx, IdentityQuery{Type: ByUserID, UserID: id})
}

// MemberByCode implements vendorapi.MemberReader, through the same call.
func (c *Client) MemberByCode(ctx context.Context, code string) (vendorapi.Member, vendorapi.Reply) {
	return c.member(ctx, IdentityQuery{Type: ByUserCode, UserCode: code})
}

func (c *Client) member(ctx context.Context, q IdentityQuery) (vendorapi.Member, vendorapi.Reply) {
	i, reply := c.Identity(ctx, q)
	return vendorapi.Member{ID: i.UserID, Names: []string{i.Nickname, i.Username}, Mobile: i.Mobile, Frozen: i.Frozen(), Status: i.Status,
		Points: i.Points, Coupons: len(i.Coupons)}, reply
}

// GiftCards implements vendorapi.MemberReader, through user.my-cards, recycled
// cards included.
func (c *Client) GiftCards(ctx context.Context, memberID string) ([]vendorapi.GiftCard, vendorapi.Reply) {
	all, reply := c.MyCards(ctx, memberID, true)
	cards := make([]vendorapi.GiftCard, len(all))
	for i, g := range all {
		cards[i] = vendorapi.GiftCard{Number: g.ID, Title: g.Title, Balance: g.ParValue, FaceValue: g.DeductAmount, Status: g.StatusDesc, EndsAt: g.EndAt}
		if g.StatusDesc == "" {
			cards[i].Status = fmt.Sprintf("status %d", g.Status)
		}
	}
	return cards, reply
}

// What bounds a look at a member's history: a person waits for it.
const (
	lookPageSize = 100
	lookMaxPages = 50
)

// History implements vendorapi.MemberReader. Of records that move while they are
// read, those that came twice count once.
func (c *Client) History(ctx context.Context, memberID string) (vendorapi.History, vendorapi.Reply) {
	h, reply := c.ReadHistory(ctx, memberID, lookPageSize, lookMaxPages)
	records := h.Records
	if h.Moving {
		records = withoutRepeats(records)
	}
	history := vendorapi.History{Records: make([]vendorapi.Movement, len(records)), Partial: h.Partial, Moving: h.Moving, Short: h.Short}
	for i, r := range recordsOf(records) {
		history.Records[i] = vendorapi.Movement{Record: r, WrittenAt: records[i].CreatedAt}
	}
	return history, reply
}

// withoutRepeats drops records that are there twice in all that they say: one
// that moved to the next page while it was read.
func withoutRepeats(records []Record) []Record {
	type same struct {
		kind, points, previous int64
		text, at               string
	}
	seen := map[same]bool{}
	var kept []Record
	for _, r := range records {
		key := same{r.Type, r.Points, 0, r.Desc, r.CreatedAt}
		if r.PreviousPoint != nil {
			key.previous = *r.PreviousPoint
		}
		if !seen[key] {
			kept = append(kept, r)
		}
		seen[key] = true
	}
	return kept
}
