package zhimai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"pointsledger/vendorapi"
)

// GiftCard is one gift card of a member (user.my-cards page). Texts are as they
// came: the page types every field as string and gives no unit for the amounts.
type GiftCard struct {
	// ID is the card's number, GiftCardID its template's.
	ID         string
	GiftCardID string
	Title      string
	// ParValue is the balance, DeductAmount the face value.
	ParValue     string
	DeductAmount string
	Cover        string
	ExpiredDesc  string
	BindStatus   string
	BeginAt      string
	EndAt        string
	CreatedAt    string
	StatusDesc   string
	// Status: 0 unknown, 1 unbound, 2 being given, 3 given, 4 bound, 5 expired,
	// 6 recycled, 7 used up.
	Status int64
	// ValidType: 0 unknown, 1 without end, 2 from binding on, 3 fixed dates.
	ValidType int64
	IsERP     string
}

type cardItem struct {
	ID           text    `json:"id"`
	GiftCardID   text    `json:"gift_card_id"`
	Title        text    `json:"gift_title"`
	ParValue     text    `json:"par_value"`
	Cover        text    `json:"cover"`
	ExpiredDesc  text    `json:"expired_desc"`
	DeductAmount text    `json:"deduct_amount"`
	BindStatus   text    `json:"bind_status"`
	BeginAt      text    `json:"beginAt"`
	EndAt        text    `json:"endAt"`
	CreatedAt    text    `json:"createdAt"`
	StatusDesc   text    `json:"status_desc"`
	Status       integer `json:"status"`
	ValidType    integer `json:"validType"`
	IsERP        text    `json:"isErp"`
}

// MyCards lists a member's gift cards, recycled ones too if asked. The list
// counts only when the outcome is Applied.
func (c *Client) MyCards(ctx context.Context, userID string, withRecycled bool) ([]GiftCard, vendorapi.Reply) {
	if userID == "" {
		return nil, unsendable("list gift cards", errors.New("user id is required"))
	}
	recycled := "0"
	if withRecycled {
		recycled = "1"
	}
	data, reply := c.call(ctx, actionMyCards, []param{{"user_id", userID}, {"needCycleCard", recycled}})
	if reply.Outcome != vendorapi.Applied {
		return nil, reply
	}
	cards, err := parseCards(data)
	if err != nil {
		reply.Outcome, reply.Err = vendorapi.Unknown, fmt.Errorf("list gift cards: %w", err)
		return nil, reply
	}
	return cards, reply
}

func parseCards(data json.RawMessage) ([]GiftCard, error) {
	items, err := elements(data)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	cards := make([]GiftCard, 0, len(items))
	for i, raw := range items {
		var card cardItem
		if err := json.Unmarshal(raw, &card); err != nil {
			return nil, fmt.Errorf("data[%d]: %w", i, err)
		}
		cards = append(cards, GiftCard{
			ID: string(card.ID), GiftCardID: string(card.GiftCardID), Title: string(card.Title),
			ParValue: string(card.ParValue), DeductAmount: string(card.DeductAmount),
			Cover: string(card.Cover), ExpiredDesc: string(card.ExpiredDesc), BindStatus: string(card.BindStatus),
			BeginAt: string(card.BeginAt), EndAt: string(card.EndAt), CreatedAt: string(card.CreatedAt),
			StatusDesc: string(card.StatusDesc), Status: card.Status.n, ValidType: card.ValidType.n,
			IsERP: string(card.IsERP),
		})
	}
	return cards, nil
}
