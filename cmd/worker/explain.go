package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"pointsledger/internal/accounts"
	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/ledger"
	"pointsledger/rules"
	"pointsledger/rules/cloudevent"
	"pointsledger/vendorapi"
)

func newExplain() *cobra.Command {
	var at string
	var asJSON, inLedger bool
	c := &cobra.Command{
		Use:   "explain FILE|-",
		Short: "Show what an event would do, without doing it",
		Long: `explain reads one CloudEvent (structured JSON) from a file or standard input
and shows what the rules make of it: operations, points, codes, the parts of
each dedup key, and the exact vendor request with secrets masked. It needs no
servers and no credentials and changes nothing.

The event is taken as published at --at, by default at its own time, and the
rules are those in force then. An event that would be rejected ends with exit
code 1 and the reason.

--ledger also looks into the ledger of DATABASE_URL, by the rules that its workers
act by: whether the event is new, a duplicate or a conflict, and what a refund, a
cancellation or a completion would take from which operation. It changes nothing
there.`,
		Args: command.OneArg("one FILE, or - for standard input"),
		RunE: func(c *cobra.Command, args []string) error { return explain(c, args[0], at, asJSON, inLedger) },
	}
	c.Flags().StringVar(&at, "at", "", "the broker's time to assume (RFC 3339)")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&inLedger, "ledger", false, "also look into the ledger of DATABASE_URL")
	return c
}

func explain(c *cobra.Command, file, at string, asJSON, inLedger bool) error {
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	payload, err := readInput(c.InOrStdin(), file)
	if err != nil {
		return err
	}
	var pool *pgxpool.Pool // nil without a ledger
	if inLedger {
		if pool, cfg, err = openLedger(c.Context(), cfg); err != nil {
			return err
		}
		defer pool.Close()
	}
	brokerTime, assumed, err := assumedTime(payload, at)
	if err != nil {
		return err
	}
	message := ledger.Message{Payload: payload, BrokerTime: brokerTime}
	explanation, rejection := cfg.Rules.Explain(message, nil)
	if rejection != nil {
		if asJSON {
			err = printJSON(c.OutOrStdout(), rejected{true, rejection.Code, rejection.Reason, brokerTime})
		}
		return errors.Join(err, wouldBeRejected(rejection))
	}
	e := explained{Ignored: explanation.Ignored, RulesVersion: cfg.RulesVersion, RulesFrom: explanation.RulesFrom,
		BrokerTime: brokerTime, assumed: assumed}
	if !explanation.PassedOver.IsZero() {
		e.PassedOver = &explanation.PassedOver
	}
	// The assumed time is often kinder than the broker's clock will be.
	if _, now := cfg.Rules.Explain(ledger.Message{Payload: payload, BrokerTime: time.Now()}, nil); now != nil {
		e.RejectedNow = fmt.Sprintf("%s: %s", now.Code, now.Reason)
	}
	if explanation.Event != nil {
		if err := e.fill(cfg, explanation); err != nil {
			return err
		}
	}
	if pool != nil && explanation.Event != nil {
		if err := e.foresee(c.Context(), pool, cfg, message, explanation.Event); err != nil {
			return err
		}
	}
	return e.show(c.OutOrStdout(), asJSON)
}

// show prints it; the error says that the ledger would reject the event.
func (e *explained) show(out io.Writer, asJSON bool) (err error) {
	if asJSON {
		err = printJSON(out, e)
	} else {
		e.print(out)
	}
	if e.Rejected {
		err = errors.Join(err, wouldBeRejected(ledger.Rejectf(e.Code, "%s", e.Reason)))
	}
	return err
}

func wouldBeRejected(r *ledger.Rejection) error {
	return fmt.Errorf("this event would be rejected\n  %s: %s", r.Code, r.Reason)
}

// rejected is what --json says of an event that would be rejected.
type rejected struct {
	Rejected   bool              `json:"rejected"`
	Code       ledger.RejectCode `json:"code"`
	Reason     string            `json:"reason"`
	BrokerTime time.Time         `json:"assumed_broker_time"`
}

func printJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// readInput reads a file, or standard input for "-", up to the size of the
// largest JetStream message.
func readInput(stdin io.Reader, file string) ([]byte, error) {
	const most = 1 << 20
	in, err := openInput(stdin, file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	payload, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return nil, fmt.Errorf("read event: %w", err)
	}
	if len(payload) > most {
		return nil, command.Usagef("read event: it is larger than 1 MiB, the most a message can hold")
	}
	payload = bytes.TrimPrefix(payload, []byte(byteOrderMark))
	if holdsSeveral(payload) {
		if file == "-" {
			return nil, command.Usagef("standard input holds several events; explain takes one (head -1 FILE | worker explain -)")
		}
		return nil, command.Usagef("%[1]s holds several events; explain takes one (head -1 %[1]s | worker explain -)", file)
	}
	return bytes.TrimSpace(payload), nil
}

// holdsSeveral tells whether more than one JSON object follows one another.
func holdsSeveral(payload []byte) bool {
	var first map[string]json.RawMessage
	values := json.NewDecoder(bytes.NewReader(payload))
	if values.Decode(&first) != nil {
		return false
	}
	next, err := values.Token()
	return err == nil && next == json.Delim('{')
}

// assumedTime is the broker's time to explain with (--at, or the event's time,
// or now), and which of them it is.
func assumedTime(payload []byte, at string) (t time.Time, which string, err error) {
	if at != "" {
		t, err := cloudevent.ParseTime(at)
		if err != nil {
			return t, "", command.Usagef("--at: want RFC 3339 such as 2026-11-20T12:00:00+08:00, got %q", at)
		}
		return t, "--at", nil
	}
	var envelope struct {
		Time string `json:"time"`
	}
	// What is wrong with the event, Explain says better.
	if json.Unmarshal(payload, &envelope) == nil {
		if t, err := cloudevent.ParseTime(envelope.Time); err == nil {
			return t, "its own time; --at assumes another", nil
		}
	}
	return time.Now(), "now; --at assumes another time", nil
}

// explained is an explanation as it is shown.
type explained struct {
	// Rejected: the ledger would not accept what the rules do.
	Rejected     bool                 `json:"rejected,omitempty"`
	Code         ledger.RejectCode    `json:"code,omitempty"`
	Reason       string               `json:"reason,omitempty"`
	Ignored      bool                 `json:"ignored"`
	Type         string               `json:"type,omitempty"`
	Source       string               `json:"source,omitempty"`
	ID           string               `json:"id,omitempty"`
	BrokerTime   time.Time            `json:"assumed_broker_time"`
	RejectedNow  string               `json:"published_now_rejected,omitempty"`
	RulesVersion string               `json:"rules_version"`
	RulesFrom    time.Time            `json:"rules_from"`
	PassedOver   *time.Time           `json:"rules_passed_over_from,omitempty"`
	Content      json.RawMessage      `json:"content,omitempty"`
	FactKey      string               `json:"fact_key,omitempty"`
	Budgets      *explainedBudgets    `json:"budgets,omitempty"`
	Operations   []explainedOperation `json:"operations,omitempty"`
	Refers       *explainedReferral   `json:"refers_to,omitempty"`
	// Ledger is nil unless one was asked.
	Ledger *explainedLedger `json:"ledger,omitempty"`
	// assumed says where BrokerTime comes from.
	assumed string
}

type explainedOperation struct {
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
	KeyParts      []explainedPart    `json:"key_parts"`
	BizID         ledger.BizID       `json:"biz_id"`
	NothingToSend string             `json:"nothing_to_send,omitempty"`
	Request       *vendorapi.Preview `json:"request,omitempty"`
}

type explainedPart struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func (e *explained) fill(cfg *config.Config, x rules.Explanation) error {
	e.Type, e.Source, e.ID, e.Content = x.Event.Type, x.Event.Source, x.Event.ID, json.RawMessage(x.Event.Content)
	e.FactKey, e.Budgets = x.Event.FactKey.String(), budgetsOf(x.Event)
	if x.Event.Refers != nil {
		e.Refers = newExplainedReferral(&x)
	}
	for i := range x.Event.Operations {
		op := &x.Event.Operations[i]
		account, found := cfg.Account(op.Account)
		if !found {
			return fmt.Errorf("account %s is not configured", op.Account)
		}
		shown := explainedOperation{Account: op.Account, AccountOff: account.OffBecause(), Kind: op.Kind, Points: op.Points,
			SourceType: op.SourceType, PointsChannel: op.PointsChannel, Member: op.MemberID, MemberCode: op.MemberCode,
			BusinessKey: op.BusinessKey, BusinessDate: op.BusinessDate, Reason: op.Reason, Reference: op.Reference, BizID: op.BizID}
		if !op.HeldUntil.IsZero() {
			shown.HeldUntil = &op.HeldUntil
		}
		for _, part := range x.Keys[i].Parts {
			shown.KeyParts = append(shown.KeyParts, explainedPart(part))
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
