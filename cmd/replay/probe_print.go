package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"pointsledger/desk/records"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
)

// probeIncomplete is the error that ends a preview whose probe could not read all
// that it was to read: exit code 3. Nil for no probe.
func probeIncomplete(r *records.ProbeReport) error {
	if r == nil || r.Unread.Count == 0 {
		return nil
	}
	return &unprobedError{r.Unread.Count}
}

// unprobedError is a probe that the vendor did not answer.
type unprobedError struct{ operations int64 }

func (e *unprobedError) Error() string {
	return fmt.Sprintf("the vendor's records could not be read for %s of the probe", wording.Plural(e.operations, "operation"))
}

// Is makes the error stand for "done, but something does not agree".
func (e *unprobedError) Is(target error) bool { return target == command.ErrDisagree }

// printProbe says it for people, as lines of a preview.
func printProbe(out io.Writer, r *records.ProbeReport) {
	from := r.InDoubt + r.Others
	if from == 0 {
		terminal.Line(out, "probe", "nothing of this can be looked up: no account that verifies is on here, or no member is known")
		return
	}
	terminal.Line(out, "probe", fmt.Sprintf("%s of %s (%s in doubt) looked up in the records of %s:", wording.Count(r.Looked()),
		wording.Plural(from, "operation"), wording.Count(r.InDoubt), wording.Plural(r.Members, "member")))
	line := func(t records.Tally, words string) {
		if t.Count > 0 {
			terminal.Line(out, "", fmt.Sprintf("%s (%s) %s", wording.Count(t.Count), wording.Plural(t.Points, "point"), words))
		}
	}
	line(r.Applied, "already applied: in the records, with our reference. What is in doubt is posted, not sent again")
	line(r.NotDoubted, "of these NOT in doubt: put back, they are sent again! `replay member` and `replay settle` first")
	line(r.Frozen, "of FROZEN members: the vendor refuses them again unless it unfreezes the accounts first")
	line(r.Absent, "not applied: not in the records, which would show it")
	line(r.Unclear, "cannot be told from the records")
	for _, lack := range slices.Sorted(maps.Keys(r.Lacks)) {
		terminal.Line(out, "", fmt.Sprintf("%s of these: %s", wording.Count(r.Lacks[lack]), lack.Words()))
	}
	line(r.Unread, "could not be read: "+r.Why)
	if r.NotProbed > 0 {
		terminal.Line(out, "", fmt.Sprintf("%s of the plan cannot be looked up: no records to read at their account, or no member known", wording.Plural(r.NotProbed, "operation")))
	}
}
