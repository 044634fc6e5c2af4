package files

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"pointsledger/reconcile/money"
)

// hledger writes a plain text accounting journal, with the declarations that a strict check asks for.
type hledger struct {
	out *bufio.Writer
	o   Options
}

// accountTypes are hledger's types of what roles are.
var accountTypes = map[money.Role]string{money.Revenue: "Revenue", money.PointsRevenue: "Revenue", money.ContractLiability: "Liability",
	money.PointsPayable: "Liability", money.PromotionExpense: "Expense"}

func newHledger(out io.Writer, o Options) (*hledger, error) {
	h := &hledger{bufio.NewWriter(out), o}
	fmt.Fprintf(h.out, "decimal-mark .\ncommodity 1000.00 CNY\n")
	accounts, roles := o.Values.Chart.Accounts()
	for _, a := range accounts {
		fmt.Fprintf(h.out, "account %s  ; type: %s\n", hledgerName(a), accountTypes[roles[a.Code]])
	}
	return h, h.out.Flush()
}

// cells are those of a terminal.
func cells(text string) (n int) {
	for _, r := range text {
		if n++; r >= 0x2e80 {
			n++
		}
	}
	return n
}

func hledgerName(a money.Account) string { return a.Code + " " + a.Name }

// Voucher implements Writer.
func (h *hledger) Voucher(v *money.Voucher) error {
	text := shop(v.Shop, 60)
	if mark := h.o.accrual(v); mark != "" {
		text += " (" + mark + ")"
	}
	fmt.Fprintf(h.out, "\n%s (%s) %s\n", v.Day, v.Number, text)
	for i := range v.Lines {
		l := &v.Lines[i]
		for _, row := range rows(l) {
			amount := yuan(row.Debit)
			if row.Credit > 0 {
				amount = "-" + yuan(row.Credit)
			}
			name := hledgerName(row.Account)
			fmt.Fprintf(h.out, "    %s%s  %14s CNY  ; %s, %s\n", name, strings.Repeat(" ", max(0, 26-cells(name))), amount, h.o.what(l), flat(l.Vendor, 40))
		}
	}
	return nil
}

// Close implements Writer.
func (h *hledger) Close() error { return h.out.Flush() }
