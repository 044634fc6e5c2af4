package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"time"
	"unicode/utf8"

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
	var asJSON bool
	c := &cobra.Command{
		Use:   "explain FILE|-",
		Short: "Show what an event would do, without doing it",
		Long: `explain reads one CloudEvent (structured JSON) from a file or standard input
and shows what the rules make of it: operations, points, codes, the parts of
each dedup key, and the exact vendor request with secrets masked. It needs no
servers and no credentials and changes nothing.

The event is taken as published at --at, by default at its own time, and the
rules are those in force then. An event that would be rejected ends with exit
code 1 and the reason.`,
		Args: command.OneArg("one FILE, or - for standard input"),
		RunE: func(c *cobra.Command, args []string) error { return explain(c, args[0], at, asJSON) },
	}
	c.Flags().StringVar(&at, "at", "", "the broker's time to assume (RFC 3339)")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func explain(c *cobra.Command, file, at string, asJSON bool) error {
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	payload, err := readInput(c.InOrStdin(), file)
	if err != nil {
		return err
	}
	brokerTime, assumed, err := assumedTime(payload, at)
	if err != nil {
		return err
	}
	explanation, rejection := cfg.Rules.Explain(ledger.Message{Payload: payload, BrokerTime: brokerTime}, nil)
	if rejection != nil {
		if asJSON {
			err = printJSON(c.OutOrStdout(), rejected{true, rejection.Code, rejection.Reason, brokerTime})
		}
		return errors.Join(err, fmt.Errorf("this event would be rejected\n  %s: %s", rejection.Code, rejection.Reason))
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
	if asJSON {
		return printJSON(c.OutOrStdout(), e)
	}
	e.print(c.OutOrStdout())
	return nil
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

func (e *explained) print(out io.Writer) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(out, "  %-15s %s\n", name, fmt.Sprintf(format, args...))
	}
	// words may be broken between words; values may not.
	words := func(name, format string, args ...any) {
		for _, part := range broken(fmt.Sprintf(format, args...)) {
			line(name, "%s", part)
			name = ""
		}
	}
	if e.Ignored {
		fmt.Fprintln(out, "This event would be acknowledged and ignored: its type is under ignore in the rules.")
		return
	}
	fmt.Fprintf(out, "%s from %s, id %s\n", e.Type, e.Source, e.ID)
	line("assumed", "published at %s (%s)", e.BrokerTime.Format(time.RFC3339), e.assumed)
	if e.BrokerTime.Before(e.RulesFrom) {
		words("rules", "version %s, the first set: it is in force from %s, and serves before too", e.RulesVersion, e.RulesFrom.Format(time.RFC3339))
	} else {
		words("rules", "version %s, set in force from %s", e.RulesVersion, e.RulesFrom.Format(time.RFC3339))
	}
	if e.PassedOver != nil {
		words("", "not the set from %s: by its own time the event was before, and that set goes by the event's time", e.PassedOver.Format(time.RFC3339))
	}
	for i, part := range contentLines(e.Content) {
		line([]string{"content", ""}[min(i, 1)], "%s", part)
	}
	line("fact key", "%s", e.FactKey)
	if e.Budgets != nil {
		words("budgets", "%s", e.Budgets.words())
	}
	if e.RejectedNow != "" {
		words("note", "published now it would be rejected: %s", e.RejectedNow)
	}
	if e.Refers != nil {
		e.Refers.print(out, line, words)
	}
	for i := range e.Operations {
		op := &e.Operations[i]
		fmt.Fprintf(out, "\nOperation %d of %d: %s at %s\n", i+1, len(e.Operations), op.Kind, op.Account)
		line("points", "%d", op.Points)
		if op.SourceType != 0 {
			line("sourceType", "%d", op.SourceType)
		}
		if op.PointsChannel != 0 {
			line("pointsChannel", "%d", op.PointsChannel)
		}
		switch {
		case op.Member != "":
			line("member", "%s", op.Member)
		case op.MemberCode != "":
			line("member", "scanned code %s, to be resolved", op.MemberCode)
		default:
			line("member", "none")
		}
		line("business key", "%s", op.BusinessKey)
		line("business date", "%s", op.BusinessDate)
		if op.HeldUntil != nil {
			line("held until", "%s", op.HeldUntil.Format(time.RFC3339))
		}
		line("reason", "%s", op.Reason)
		words("key parts", "%s", partsText(op.KeyParts))
		line("biz_id", "%s", op.BizID)
		if op.AccountOff != "" {
			words("note", "account %s is off here: %s", op.Account, op.AccountOff)
		}
		if op.Request == nil {
			line("request", "none: %s", op.NothingToSend)
			continue
		}
		printRequest(out, op.Request)
	}
}

// textWidth keeps a line within 100 columns, its name included.
const textWidth = 80

// broken breaks a text at spaces; a longer word stays whole.
func broken(text string) []string {
	var lines []string
	for utf8.RuneCountInString(text) > textWidth {
		first := string([]rune(text)[:textWidth+1])
		at := strings.LastIndexByte(first, ' ')
		if at <= 0 {
			at = strings.IndexByte(text, ' ')
		}
		if at <= 0 {
			break
		}
		lines, text = append(lines, text[:at]), text[at+1:]
	}
	return append(lines, text)
}

// contentLines is the declared content for a person: fields that are absent are
// left out, and long content is broken after commas.
func contentLines(content []byte) []string {
	var whole map[string]any
	numbers := json.NewDecoder(bytes.NewReader(content))
	numbers.UseNumber()
	if numbers.Decode(&whole) != nil {
		return []string{string(content)}
	}
	lines := []string{""}
	withoutAbsent(whole)
	names := sortedNames(whole)
	for i, name := range names {
		value, err := json.Marshal(whole[name])
		if err != nil {
			return []string{string(content)}
		}
		part := fmt.Sprintf("%q: %s", name, value)
		if i < len(names)-1 {
			part += ","
		}
		switch last := &lines[len(lines)-1]; {
		case *last == "":
			*last = part
		case len(*last)+1+len(part) > textWidth:
			lines = append(lines, part)
		default:
			*last += " " + part
		}
	}
	return lines
}

// withoutAbsent takes fields without a value out, also inside objects.
func withoutAbsent(object map[string]any) {
	maps.DeleteFunc(object, func(_ string, value any) bool {
		if inner, ok := value.(map[string]any); ok {
			withoutAbsent(inner)
		}
		return value == nil
	})
}

func printRequest(out io.Writer, p *vendorapi.Preview) {
	fmt.Fprintf(out, "  request\n    %s %s\n", p.Method, p.URL)
	for _, name := range sortedNames(p.Header) {
		fmt.Fprintf(out, "    %s: %s\n", name, strings.Join(p.Header[name], ", "))
	}
	if len(p.Body) == 0 {
		return
	}
	var body bytes.Buffer
	var form string
	switch {
	case json.Unmarshal(p.Body, &form) == nil: // a body that is no JSON stands there as a text
		body.WriteString(form)
	case json.Indent(&body, p.Body, "    ", "  ") != nil:
		body.Write(p.Body)
	}
	fmt.Fprintf(out, "\n    %s\n", body.Bytes())
}
