package explanation

import (
	"fmt"
	"io"
)

// Declared is what an event says was sold on a day, as it is shown.
type Declared struct {
	Source    string `json:"source"`
	ShopCode  string `json:"shop_code,omitempty"`
	Day       string `json:"day"`
	Orders    int64  `json:"orders"`
	AmountFen int64  `json:"amount_fen"`
}

// print writes it below the event.
func (d *Declared) print(out io.Writer, line, words func(name, format string, args ...any)) {
	fmt.Fprintln(out, "\nNo operation: the event declares a day")
	of := d.Source
	if d.ShopCode != "" {
		of += ", shop " + d.ShopCode
	}
	line("of", "%s", of)
	line("day", "%s", d.Day)
	line("orders", "%d", d.Orders)
	line("amount", "%d fen", d.AmountFen)
	words("effect", "the books of that day are held against it; the newest of a day counts")
}
