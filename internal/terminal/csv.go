package terminal

import (
	"encoding/csv"
	"fmt"
	"io"
)

// CSV prints records, the first of which holds the titles.
func CSV(out io.Writer, records [][]string) error {
	if err := csv.NewWriter(out).WriteAll(records); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}
