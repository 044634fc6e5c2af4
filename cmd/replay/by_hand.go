package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/overview"
	"pointsledger/desk/wording"
	"pointsledger/internal/advice/steps"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
	"pointsledger/ledger"
)

// byHand is what settle and resolve ask for: who and why, and one parked operation.
type byHand struct {
	command.Decide
	who  desk.Decision
	text string
}

func (h *byHand) read(c *cobra.Command, args []string) (err error) {
	h.text = args[0]
	h.who, err = decided(&h.Decide, c)
	return err
}

// parked finds the operation, and refuses one that is not parked before anything is
// asked of the ledger: the statement looks again.
func (h *byHand) parked(c *cobra.Command, s *session) (*desk.OperationDetail, error) {
	text := operationText(h.text)
	if text == "" {
		return nil, command.Usagef("want an operation's id, biz_id or reference, got nothing")
	}
	d, err := s.oneOperation(c, text)
	if err != nil {
		return nil, err
	}
	state := "nothing to send"
	switch {
	case d.Posting != nil:
		state = string(d.Posting.Kind)
	case d.Open != nil:
		state = string(d.Open.State)
	}
	if state != string(ledger.Parked) {
		return nil, steps.NotParked(&desk.NotParkedError{ID: d.ID, State: state}, d)
	}
	return d, nil
}

// handled is the operation that an act is about.
type handled struct {
	Operation ledger.OperationID `json:"operation"`
	BizID     ledger.BizID       `json:"biz_id"`
	// Action is the row of ops_actions; 0 for a preview.
	Action int64 `json:"action_id"`

	detail *desk.OperationDetail
	who    desk.Decision
}

func (h *byHand) handled(d *desk.OperationDetail) handled {
	return handled{Operation: d.ID, BizID: d.BizID, detail: d, who: h.who}
}

// shown is the operation as a person may see it.
func (h *handled) shown() desk.OperationDetail { return overview.MaskedDetail(*h.detail) }

// printForGood ends the preview of what can not be taken back.
func printForGood(out io.Writer, does string) {
	fmt.Fprintf(out, "This is a preview: nothing has been changed. It can not be taken back. To do it:\n  %s\n", does)
}

// oneOperation finds the one operation that a person names by its id, biz_id,
// reference, or an order number that no other operation has.
func (s *session) oneOperation(c *cobra.Command, text string) (*desk.OperationDetail, error) {
	found, more, err := s.desk.Find(c.Context(), text, s.keyMemories())
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, steps.NotFound(text)
	case len(found) == 1:
		return &found[0], nil
	}
	names := make([]string, 0, len(found))
	for _, d := range found[:min(len(found), maxNamed)] {
		names = append(names, fmt.Sprintf("%s (%s of operation %d: %s)", d.BizID, d.FoundBy, d.ID, overview.Headline(&d)))
	}
	if more || len(found) > maxNamed {
		names = append(names, "…")
	}
	return nil, command.Usagef("%q means %s: name one by its biz_id\n  %s", terminal.Clean(text),
		wording.Plural(len(found), "operation"), strings.Join(names, "\n  "))
}

// maxNamed is how many operations an error names.
const maxNamed = 10
