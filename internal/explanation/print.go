package explanation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"pointsledger/vendorapi"
)

// Print writes it for a terminal: nothing where the rules reject it, as there is no more
// than the reason.
func (e *Explanation) Print(out io.Writer) {
	if e.Rejected && e.Ledger == nil {
		return
	}
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
		e.Refers.print(out, line, words, e.Ledger == nil)
	}
	if e.Declares != nil {
		e.Declares.print(out, line, words)
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
	if e.Ledger != nil {
		e.Ledger.print(out, line, words)
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
	names := slices.Sorted(maps.Keys(whole))
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
	for _, name := range slices.Sorted(maps.Keys(p.Header)) {
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
