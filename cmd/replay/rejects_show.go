package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/ledger"
	"pointsledger/rules"
)

func newRejectsShow(environ []string) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Everything about one reject, and what to do about it",
		Long: `show says when and where the event came from, why it was not accepted, what its
publisher must mend, what the rules that the workers registered last make of it
now, and what can be done. Passwords, card numbers and mobile numbers are masked.
It changes nothing.`,
		Example: `  replay rejects show 17`,
		Args:    command.OneArg("one ID, as replay rejects list shows it"),
		RunE: func(c *cobra.Command, args []string) error {
			ids, err := rejectIDs(args)
			if err != nil {
				return err
			}
			s, err := open(c, environ)
			if err != nil {
				return err
			}
			defer s.close()
			shown, err := s.showReject(c, environ, ids)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), shown)
			}
			shown.print(c.OutOrStdout())
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// shownReject is a reject as show prints it.
type shownReject struct {
	rejectLine
	Headers []string `json:"headers"`
	// Payload is masked, and cut when it is long. PayloadBytes is its length.
	Payload      string `json:"payload"`
	PayloadBytes int    `json:"payload_bytes"`
	Mend         string `json:"publisher_must_mend"`
	// Now is what the workers' rules make of it at present; null when it is
	// resolved, or there are no rules to ask.
	Now  *rejectNow `json:"by_the_rules_now"`
	Next []string   `json:"next"`
}

// rejectNow is what rules make of a reject.
type rejectNow struct {
	RulesVersion string `json:"rules_version"`
	// Outcome is accepted, duplicate, ignored or failing.
	Outcome    string              `json:"outcome"`
	Operations []desk.RetryAccount `json:"operations"`
	Code       ledger.RejectCode   `json:"code"`
	Reason     string              `json:"reason"`
}

func (s *session) showReject(c *cobra.Command, environ []string, ids []ledger.RejectID) (*shownReject, error) {
	var found []ledger.Reject
	err := s.store.EachReject(c.Context(), ids, func(batch []ledger.Reject) error {
		found = append(found, batch...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("there is no reject %d: replay rejects list --all shows them", ids[0])
	}
	r := found[0]
	shown := &shownReject{rejectLine: newRejectLine(r), Headers: headersForEyes(r.Message.Header), Payload: payloadForEyes(r.Message.Payload),
		PayloadBytes: len(r.Message.Payload), Mend: wording.Mend(r.Code), Next: []string{}}
	if r.ResolvedAt != nil {
		return shown, nil
	}
	now := &ledger.Rejection{Code: r.Code, Reason: r.Reason}
	rules, err := s.rejectRules(c.Context(), environ, "")
	if err != nil {
		// The reject can be shown all the same.
		c.PrintErrf("warning: what the rules make of it now is not known: %v\n", err)
	} else {
		p, err := s.desk.ForecastRejects(c.Context(), ids, rules, nil)
		if err != nil {
			return nil, err
		}
		shown.Now = newRejectNow(rules.Version, p.With)
		if shown.Now.Outcome != "failing" {
			now = nil
		}
	}
	shown.Next = nextForReject(r.ID, r.Code, now)
	return shown, nil
}

func newRejectNow(version string, t desk.RetryTally) *rejectNow {
	now := &rejectNow{RulesVersion: version, Operations: []desk.RetryAccount{}}
	switch {
	case t.Accepted > 0:
		now.Outcome, now.Operations = "accepted", t.Accounts
	case t.Duplicates > 0:
		now.Outcome = "duplicate"
	case t.Ignored > 0:
		now.Outcome = "ignored"
	default:
		now.Outcome = "failing"
		for _, code := range t.Codes {
			now.Code, now.Reason = code.Code, privacy.Mobiles(code.Reason)
		}
	}
	return now
}

// words says what the rules make of it.
func (n *rejectNow) words() string {
	rules := " (rules " + n.RulesVersion + ")"
	switch n.Outcome {
	case "accepted":
		var parts []string
		for _, a := range n.Operations {
			parts = append(parts, fmt.Sprintf("%s at %s, %s", a.Kind, a.Account, wording.Plural(a.Points, "point")))
		}
		return "would be accepted: " + strings.Join(parts, "; ") + rules
	case "duplicate":
		return "is in the ledger already, with the same content: a retry resolves it as a duplicate" + rules
	case "ignored":
		return "is of a type that needs no record: a retry resolves it" + rules
	}
	return fmt.Sprintf("still fails: %s: %s%s", n.Code, n.Reason, rules)
}

func (r *shownReject) print(out io.Writer) {
	fmt.Fprintf(out, "Reject %d: %s\n", r.ID, r.Code)
	state := "open"
	if r.ResolvedAt != nil {
		state = fmt.Sprintf("decided %s by %s: %s", wording.Moment(*r.ResolvedAt), r.ResolvedBy, r.Resolution)
	}
	printLine(out, "state", state)
	printLine(out, "reason", r.Reason)
	fmt.Fprintln(out, "What came")
	printLine(out, "event", fmt.Sprintf("type %s, id %s, from %s", orUnread(r.Type), orUnread(r.EventID), orUnread(r.Source)))
	printLine(out, "message", fmt.Sprintf("%s, stream %s, sequence %d", r.Subject, r.Stream, r.StreamSeq))
	printLine(out, "time", fmt.Sprintf("%s at the broker; rejected %s", wording.Moment(r.BrokerTime), wording.Moment(r.RejectedAt)))
	label := "headers"
	for _, header := range r.Headers {
		printLine(out, label, header)
		label = ""
	}
	printLine(out, "payload", wording.Plural(r.PayloadBytes, "byte"))
	for line := range strings.Lines(r.Payload) {
		printIndented(out, strings.TrimSuffix(line, "\n"))
	}
	fmt.Fprintln(out, "What the publisher must mend")
	printPoint(out, r.Mend)
	if r.Now != nil {
		fmt.Fprintln(out, "By the rules that the workers registered last, it")
		printPoint(out, r.Now.words())
	}
	if len(r.Next) > 0 {
		fmt.Fprintln(out, "What you can do")
		for _, step := range r.Next {
			printPoint(out, step)
		}
	}
}

func orUnread(text string) string {
	if text == "" {
		return "(not readable)"
	}
	return text
}

// printIndented prints a line of a payload; what is too long goes on below.
func printIndented(out io.Writer, line string) {
	text := strings.TrimLeft(line, " ")
	indent := strings.Repeat(" ", min(4+len(line)-len(text), pageWidth/2))
	for i, part := range wrap(clean(text), pageWidth-len(indent)-2) {
		if i > 0 {
			part = "  " + part
		}
		fmt.Fprintf(out, "%s%s\n", indent, part)
	}
}

// maxPayloadShown is how much of a payload is shown; an event has under 1 kB.
const maxPayloadShown = 16 << 10

// cardValue is the value of a field that is named after a card.
var cardValue = regexp.MustCompile(`("[^"]*(?:[cC]ard|CARD|卡)[^"]*"\s*:\s*"?)([0-9A-Za-z][0-9A-Za-z -]{3,})`)

// payloadForEyes is a payload in lines, without passwords, card numbers and
// mobile numbers. What is no JSON is shown as the text that it nearly is.
func payloadForEyes(payload []byte) string {
	payload = rules.Mask(payload)
	left := 0
	if len(payload) > maxPayloadShown {
		payload, left = payload[:maxPayloadShown], len(payload)-maxPayloadShown
	}
	var pretty bytes.Buffer
	if json.Indent(&pretty, payload, "", "  ") == nil {
		payload = pretty.Bytes()
	}
	text := strings.ToValidUTF8(string(payload), string(utf8.RuneError))
	text = cardValue.ReplaceAllStringFunc(text, func(field string) string {
		parts := cardValue.FindStringSubmatch(field)
		return parts[1] + "***" + parts[2][len(parts[2])-4:]
	})
	text = privacy.Mobiles(text)
	if left > 0 {
		text += "\n… and " + wording.Plural(left, "byte") + " more; replay rejects export has all"
	}
	return text
}

// secretHeader names headers whose value is nobody's business.
var secretHeader = regexp.MustCompile(`(?i)authorization|token|secret|password|cookie|api-?key`)

// headersForEyes are the header lines without secrets.
func headersForEyes(header []byte) []string {
	lines := []string{}
	for line := range strings.SplitSeq(strings.ToValidUTF8(string(header), string(utf8.RuneError)), "\r\n") {
		name, _, found := strings.Cut(line, ":")
		if line == "" {
			continue
		}
		if found && secretHeader.MatchString(name) {
			line = name + ": ***"
		}
		lines = append(lines, privacy.Mobiles(line))
	}
	return lines
}

// idText is a reject's number on a command line.
func idText(id ledger.RejectID) string { return strconv.FormatInt(int64(id), 10) }
