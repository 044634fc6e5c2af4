package explanation

import (
	"encoding/json"
	"fmt"
	"time"

	"pointsledger/internal/accounts"
	"pointsledger/internal/config"
	"pointsledger/ledger"
	"pointsledger/rules"
	"pointsledger/vendorapi"
)

// Explanation is what an event would do, as it is shown.
type Explanation struct {
	// Rejected: the rules, or the ledger, would not accept it. Of what the rules reject
	// nothing else is known.
	Rejected     bool              `json:"rejected,omitempty"`
	Code         ledger.RejectCode `json:"code,omitempty"`
	Reason       string            `json:"reason,omitempty"`
	Ignored      bool              `json:"ignored"`
	Type         string            `json:"type,omitempty"`
	Source       string            `json:"source,omitempty"`
	ID           string            `json:"id,omitempty"`
	BrokerTime   time.Time         `json:"assumed_broker_time"`
	RejectedNow  string            `json:"published_now_rejected,omitempty"`
	RulesVersion string            `json:"rules_version"`
	RulesFrom    time.Time         `json:"rules_from"`
	PassedOver   *time.Time        `json:"rules_passed_over_from,omitempty"`
	Content      json.RawMessage   `json:"content,omitempty"`
	FactKey      string            `json:"fact_key,omitempty"`
	Budgets      *Budgets          `json:"budgets,omitempty"`
	Operations   []Operation       `json:"operations,omitempty"`
	Refers       *Referral         `json:"refers_to,omitempty"`
	Declares     *Declared         `json:"declares,omitempty"`
	// Ledger is nil unless one was asked.
	Ledger *Foreseen `json:"ledger,omitempty"`
	// assumed says where BrokerTime comes from.
	assumed string
	message ledger.Message
	// event is nil when the type is ignored, or the rules reject it.
	event *ledger.Event
}

// rejected is what is known of an event that the rules reject.
type rejected struct {
	Rejected   bool              `json:"rejected"`
	Code       ledger.RejectCode `json:"code"`
	Reason     string            `json:"reason"`
	BrokerTime time.Time         `json:"assumed_broker_time"`
}

// Operation is an operation that the event would make.
type Operation struct {
	Account       string             `json:"account"`
	AccountOff    string             `json:"account_off_because,omitempty"`
	Kind          ledger.Kind        `json:"kind"`
	Points        ledger.Points      `json:"points"`
	SourceType    int                `json:"source_type,omitempty"`
	PointsChannel int                `json:"points_channel,omitempty"`
	Member        string             `json:"member,omitempty"`
	MemberCode    string             `json:"member_code,omitempty"`
	BusinessKey   string             `json:"business_key"`
	BusinessDate  string             `json:"business_date"`
	HeldUntil     *time.Time         `json:"held_until,omitempty"`
	Reason        string             `json:"reason"`
	Reference     string             `json:"reference"`
	KeyParts      []Part             `json:"key_parts"`
	BizID         ledger.BizID       `json:"biz_id"`
	NothingToSend string             `json:"nothing_to_send,omitempty"`
	Request       *vendorapi.Preview `json:"request,omitempty"`
}

// Part is a part of a key.
type Part struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Of explains a message by the rules of a configuration. assumed says in words where
// its broker time comes from.
func Of(cfg *config.Config, m ledger.Message, assumed string) (*Explanation, error) {
	x, rejection := cfg.Rules.Explain(m, nil)
	if rejection != nil {
		return &Explanation{Rejected: true, Code: rejection.Code, Reason: rejection.Reason, BrokerTime: m.BrokerTime}, nil
	}
	e := &Explanation{Ignored: x.Ignored, RulesVersion: cfg.RulesVersion, RulesFrom: x.RulesFrom, BrokerTime: m.BrokerTime,
		assumed: assumed, message: m, event: x.Event}
	if !x.PassedOver.IsZero() {
		e.PassedOver = &x.PassedOver
	}
	// The assumed time is often kinder than the broker's clock will be.
	m.BrokerTime = time.Now()
	if _, now := cfg.Rules.Explain(m, nil); now != nil {
		e.RejectedNow = fmt.Sprintf("%s: %s", now.Code, now.Reason)
	}
	if e.event == nil {
		return e, nil
	}
	return e, e.fill(cfg, x)
}

// JSON is what is printed as JSON.
func (e *Explanation) JSON() any {
	if e.Rejected && e.Ledger == nil {
		return rejected{true, e.Code, e.Reason, e.BrokerTime}
	}
	return e
}

func (e *Explanation) fill(cfg *config.Config, x rules.Explanation) error {
	e.Type, e.Source, e.ID, e.Content = x.Event.Type, x.Event.Source, x.Event.ID, json.RawMessage(x.Event.Content)
	e.FactKey, e.Budgets = x.Event.FactKey.String(), budgetsOf(x.Event)
	if x.Event.Refers != nil {
		e.Refers = newReferral(&x)
	}
	if d := x.Event.Declares; d != nil {
		e.Declares = &Declared{Source: d.Source, ShopCode: d.ShopCode, Day: d.Day, Orders: d.Orders, AmountFen: d.AmountFen}
	}
	for i := range x.Event.Operations {
		op := &x.Event.Operations[i]
		account, found := cfg.Account(op.Account)
		if !found {
			return fmt.Errorf("account %s is not configured", op.Account)
		}
		shown := Operation{Account: op.Account, AccountOff: account.OffBecause(), Kind: op.Kind, Points: op.Points,
			SourceType: op.SourceType, PointsChannel: op.PointsChannel, Member: op.MemberID, MemberCode: op.MemberCode,
			BusinessKey: op.BusinessKey, BusinessDate: op.BusinessDate, Reason: op.Reason, Reference: op.Reference, BizID: op.BizID}
		if !op.HeldUntil.IsZero() {
			shown.HeldUntil = &op.HeldUntil
		}
		for _, part := range x.Keys[i].Parts {
			shown.KeyParts = append(shown.KeyParts, Part(part))
		}
		switch {
		case op.Points > 0:
			preview := accounts.Preview(account, op.VendorCall(), "")
			shown.Request = &preview
		case op.MemberID == "" && op.MemberCode == "":
			shown.NothingToSend = "the sale is anonymous"
		default:
			shown.NothingToSend = "the rules give 0 points"
		}
		e.Operations = append(e.Operations, shown)
	}
	return nil
}
