package rejects

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"pointsledger/ledger"
	"pointsledger/rules/cloudevent"
)

// Exported is what an export wrote, and what could not be a line.
type Exported struct {
	Written int
	// Left counts by reason; Example is the first of them, 0 for none.
	Left    map[string]int
	Example ledger.RejectID
}

// Export writes rejects, rising, as lines that can be published again. Nothing
// in them is masked.
func Export(ctx context.Context, book *ledger.Store, ids []ledger.RejectID, to io.Writer) (Exported, error) {
	e := Exported{Left: map[string]int{}}
	out := bufio.NewWriter(to)
	err := book.EachReject(ctx, ids, func(batch []ledger.Reject) error {
		for _, r := range batch {
			line, why := cloudevent.Line(r.Message)
			if why != "" {
				e.Left[why]++
				if e.Example == 0 {
					e.Example = r.ID
				}
				continue
			}
			if _, err := out.Write(append(line, '\n')); err != nil {
				return fmt.Errorf("write events: %w", err)
			}
			e.Written++
		}
		return nil
	})
	if err != nil {
		return e, err
	}
	if err := out.Flush(); err != nil {
		return e, fmt.Errorf("write events: %w", err)
	}
	return e, nil
}
