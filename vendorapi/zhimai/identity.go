package zhimai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"pointsledger/vendorapi"
)

// The ways to name a member (communal.user.identity page).
const (
	ByAccount  = 1 // Mobile and Password
	ByCard     = 2 // CardNumber and CardPassword
	ByUserCode = 3 // UserCode, the scanned code
	ByUserID   = 4 // UserID
)

// IdentityQuery asks who a member is. Passwords go to the vendor and nowhere
// else: they are masked in errors, words and previews.
type IdentityQuery struct {
	Type             int
	Mobile, Password string
	CardNumber       string
	CardPassword     string // the card's inner number
	UserCode         string
	UserID           string
	MultiStoreSN     string // empty: not sent
	PointRules       bool   // also ask for the rule of paying with points
}

// Identity is what the vendor says of a member. Every number that it left out
// is nil.
type Identity struct {
	// UserID is the member id, digits exactly as they came.
	UserID   string
	Nickname string
	Username string
	Mobile   string
	// Status is 0 for a frozen account and 1 for a normal one.
	Status  *int64
	Points  *int64
	Coupons []Coupon
	Wealth  *Wealth
	// MultiStoreID is "0" for the shop itself, "" when not told.
	MultiStoreID string
	// PointsPay says whether points can pay for orders.
	PointsPay *bool
	PayRule   *PayRule
}

// Frozen reports whether the vendor says that the account is frozen.
func (i Identity) Frozen() bool { return i.Status != nil && *i.Status == 0 }

// Coupon is one coupon of a member. Texts are as they came.
type Coupon struct {
	ID, Title, Status, StartAt, EndAt, VerifyCode, Amount, Desc string
}

// Wealth is the money a member holds at the vendor, in fen.
type Wealth struct{ GiftFen, RechargeFen, TotalFen *int64 }

// PayRule says how points pay for an order.
type PayRule struct {
	// NumType 1: Num is what one point is worth. 2: Num is the points for one
	// yuan. Num is a decimal, kept as text.
	NumType *int64
	Num     string
	// MaxPercent is the part of an order that points can pay.
	MaxPercent *int64
}

func (q IdentityQuery) params() ([]param, error) {
	params := []param{{"type", strconv.Itoa(q.Type)}}
	var needed []param
	switch q.Type {
	case ByAccount:
		needed = []param{{"mobile", q.Mobile}, {"password", q.Password}}
	case ByCard:
		needed = []param{{"card_number", q.CardNumber}, {"card_password", q.CardPassword}}
	case ByUserCode:
		needed = []param{{"user_code", q.UserCode}}
	case ByUserID:
		needed = []param{{"user_id", q.UserID}}
	default:
		return nil, errors.New("identity type: want 1 to 4")
	}
	for _, p := range needed {
		if p.value == "" {
			return nil, fmt.Errorf("identity type %d: %s is required", q.Type, p.name)
		}
	}
	params = append(params, needed...)
	if q.MultiStoreSN != "" {
		params = append(params, param{"multi_store_sn", q.MultiStoreSN})
	}
	if q.PointRules {
		params = append(params, param{"point_rules", "1"})
	}
	return params, nil
}

// Identity asks who a member is. The identity counts only when the outcome is
// Applied, and then has a UserID.
func (c *Client) Identity(ctx context.Context, q IdentityQuery) (Identity, vendorapi.Reply) {
	params, err := q.params()
	if err != nil {
		return Identity{}, unsendable("identify member", err)
	}
	data, reply := c.call(ctx, actionIdentity, params, q.Password, q.CardPassword)
	if reply.Outcome != vendorapi.Applied {
		return Identity{}, reply
	}
	identity, err := parseIdentity(data)
	if err == nil {
		return identity, reply
	}
	reply.Outcome, reply.Err = vendorapi.Unknown, fmt.Errorf("identify member: %w", err)
	if errors.Is(err, vendorapi.ErrNoMember) {
		reply.Outcome = vendorapi.Refused
	}
	return Identity{}, reply
}

// PreviewIdentity shows the request that Identity sends to url (empty:
// DefaultURL), credentials and passwords masked.
func PreviewIdentity(url string, q IdentityQuery) (vendorapi.Preview, error) {
	for _, secret := range []*string{&q.Password, &q.CardPassword} {
		if *secret != "" {
			*secret = vendorapi.Mask
		}
	}
	params, err := q.params()
	if err != nil {
		return vendorapi.Preview{}, fmt.Errorf("preview identity: %w", err)
	}
	return preview(url, actionIdentity, params), nil
}

// identityExtras may stand in data or in user_info: the page's table shows the
// one, its example the other.
type identityExtras struct {
	Wealth       json.RawMessage `json:"user_wealth_info"`
	MultiStoreID text            `json:"multi_store_id"`
	PointsPay    truth           `json:"is_open_points_pay"`
	PayRule      json.RawMessage `json:"pay_rule"`
}

type userInfo struct {
	ID       text            `json:"id"`
	Nickname text            `json:"nickname"`
	Username text            `json:"username"`
	Mobile   text            `json:"mobile"`
	Status   integer         `json:"status"`
	Points   integer         `json:"user_points"`
	Coupons  json.RawMessage `json:"user_coupons"`
	identityExtras
}

// isNothing tells of what PHP and others write in place of what is not there.
func isNothing(data json.RawMessage) bool {
	text := string(data)
	return text == "" || text == "null" || text == `""` || text == "false" || isEmptyList(data)
}

// isNobody tells of an id that is no member's: empty, 0 however written, a
// negative number or a word. What has other digits in it is somebody's, read or
// not.
func isNobody(id string) bool {
	return !strings.ContainsAny(id, "123456789") || strings.HasPrefix(id, "-")
}

// parseIdentity reads a success. Whoever it does not name by an id is nobody:
// the page answers an unknown code with a business exception, but a client of
// the vendor met a success with id 0, and points for member 0 are lost.
func parseIdentity(data json.RawMessage) (Identity, error) {
	if isEmptyList(data) {
		return Identity{}, vendorapi.ErrNoMember
	}
	var outer struct {
		UserInfo json.RawMessage `json:"user_info"`
		identityExtras
	}
	if len(data) == 0 || data[0] != '{' {
		return Identity{}, errors.New("data is not an object")
	}
	if err := json.Unmarshal(data, &outer); err != nil {
		return Identity{}, fmt.Errorf("decode data: %w", err)
	}
	if isNothing(outer.UserInfo) {
		return Identity{}, fmt.Errorf("%w: its answer has no user_info", vendorapi.ErrNoMember)
	}
	var user userInfo
	if len(outer.UserInfo) == 0 || outer.UserInfo[0] != '{' {
		return Identity{}, errors.New("user_info is not an object")
	}
	if err := json.Unmarshal(outer.UserInfo, &user); err != nil {
		return Identity{}, fmt.Errorf("decode user_info: %w", err)
	}
	switch id := string(user.ID); {
	case isNobody(id):
		return Identity{}, fmt.Errorf("%w: its user_info has id %.40q", vendorapi.ErrNoMember, id)
	case !isID(id):
		return Identity{}, errors.New("user_info: id is not 1 to 32 digits")
	}
	return buildIdentity(user, outer.identityExtras)
}

func buildIdentity(user userInfo, outer identityExtras) (Identity, error) {
	extras := user.identityExtras
	if extras.Wealth == nil {
		extras.Wealth = outer.Wealth
	}
	if extras.MultiStoreID == "" {
		extras.MultiStoreID = outer.MultiStoreID
	}
	if extras.PointsPay.told == nil {
		extras.PointsPay = outer.PointsPay
	}
	if extras.PayRule == nil {
		extras.PayRule = outer.PayRule
	}
	identity := Identity{
		UserID:       string(user.ID),
		Nickname:     string(user.Nickname),
		Username:     string(user.Username),
		Mobile:       string(user.Mobile),
		Status:       user.Status.pointer(),
		Points:       user.Points.pointer(),
		MultiStoreID: string(extras.MultiStoreID),
		PointsPay:    extras.PointsPay.told,
	}
	var err error
	if identity.Wealth, err = parseWealth(extras.Wealth); err != nil {
		return Identity{}, err
	}
	if identity.PayRule, err = parsePayRule(extras.PayRule); err != nil {
		return Identity{}, err
	}
	identity.Coupons, err = parseCoupons(user.Coupons)
	return identity, err
}

// isObject: an absent part is null, "" or [] in PHP's replies.
func isObject(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '{' }

func parseWealth(raw json.RawMessage) (*Wealth, error) {
	if !isObject(raw) {
		return nil, nil
	}
	var w struct {
		Gift     integer `json:"gift_amount"`
		Recharge integer `json:"recharge_amount"`
		Total    integer `json:"total_amount"`
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return nil, fmt.Errorf("decode user_wealth_info: %w", err)
	}
	return &Wealth{GiftFen: w.Gift.pointer(), RechargeFen: w.Recharge.pointer(), TotalFen: w.Total.pointer()}, nil
}

func parsePayRule(raw json.RawMessage) (*PayRule, error) {
	if !isObject(raw) {
		return nil, nil
	}
	var r struct {
		NumType integer `json:"points_num_type"`
		Num     text    `json:"points_num"`
		Max     integer `json:"exchange_astrict"`
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("decode pay_rule: %w", err)
	}
	return &PayRule{NumType: r.NumType.pointer(), Num: string(r.Num), MaxPercent: r.Max.pointer()}, nil
}

func parseCoupons(raw json.RawMessage) ([]Coupon, error) {
	if len(raw) == 0 || raw[0] != '[' && raw[0] != '{' {
		return nil, nil
	}
	items, err := elements(raw)
	if err != nil {
		return nil, fmt.Errorf("user_coupons: %w", err)
	}
	coupons := make([]Coupon, 0, len(items))
	for i, item := range items {
		var c struct {
			ID         text `json:"coupon_id"`
			Title      text `json:"title"`
			Status     text `json:"status"`
			StartAt    text `json:"start_at"`
			EndAt      text `json:"end_at"`
			VerifyCode text `json:"verify_code"`
			Amount     text `json:"amount"`
			Desc       text `json:"desc"`
		}
		if err := json.Unmarshal(item, &c); err != nil {
			return nil, fmt.Errorf("user_coupons[%d]: %w", i, err)
		}
		coupons = append(coupons, Coupon{
			ID: string(c.ID), Title: string(c.Title), Status: string(c.Status),
			StartAt: string(c.StartAt), EndAt: string(c.EndAt),
			VerifyCode: string(c.VerifyCode), Amount: string(c.Amount), Desc: string(c.Desc),
		})
	}
	return coupons, nil
}
