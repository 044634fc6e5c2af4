package files

import (
	"encoding/csv"
	"io"
	"strconv"

	"pointsledger/desk/wording"
	"pointsledger/reconcile/money"
)

// bom lets a spreadsheet see that the file is UTF-8.
const bom = "\ufeff"

// csvFile writes a row for each side of a line, for a spreadsheet or another program.
type csvFile struct {
	out *csv.Writer
	o   Options
}

func newCSV(out io.Writer, o Options) (*csvFile, error) {
	if _, err := io.WriteString(out, bom); err != nil {
		return nil, err
	}
	c := &csvFile{csv.NewWriter(out), o}
	err := c.out.Write([]string{"business_date", "number", "shop", "account_code", "account_name", "debit_yuan", "credit_yuan", "text", "kind", "vendor_account", "points", "accrual_only"})
	return c, err
}

// Voucher implements Writer.
func (c *csvFile) Voucher(v *money.Voucher) error {
	for i := range v.Lines {
		l := &v.Lines[i]
		for _, row := range rows(l) {
			if err := c.out.Write([]string{string(v.Day), v.Number, wording.Cell(v.Shop), row.Code, wording.Cell(row.Name), yuan(row.Debit), yuan(row.Credit),
				c.o.what(l), string(l.Kind), wording.Cell(l.Vendor), strconv.FormatInt(l.Points, 10), strconv.FormatBool(v.AccrualOnly)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close implements Writer.
func (c *csvFile) Close() error {
	c.out.Flush()
	return c.out.Error()
}

// settlementWords are those of a settlement's sheet.
type settlementWords struct {
	heads                                         []string
	nobody, noGranter, noRedeemer, own, remainder string
}

var (
	settlementEnglish = settlementWords{[]string{"granting_shop", "redeeming_shop", "points", "amount_yuan", "note"},
		"neither shop is known", "no shop granted this member points through the ledger", "the record names no shop", "own members", "rounding rest"}
	settlementChinese = settlementWords{[]string{"发放门店", "兑换门店", "积分", "金额（元）", "备注"},
		"两边门店均不明", "没有门店通过本账本向该会员发放积分", "记录中没有门店", "本店会员", "尾差"}
)

// WriteSettlement writes a settlement as CSV: a row for each pair of shops, and one for the rounding rest.
func WriteSettlement(out io.Writer, s *money.Settlement, english bool) error {
	words := &settlementChinese
	if english {
		words = &settlementEnglish
	}
	if _, err := io.WriteString(out, bom); err != nil {
		return err
	}
	w := csv.NewWriter(out)
	if err := w.Write(words.heads); err != nil {
		return err
	}
	for _, cell := range s.Cells {
		note := ""
		switch {
		case cell.Granted == "" && cell.Redeemed == "":
			note = words.nobody
		case cell.Granted == "":
			note = words.noGranter
		case cell.Redeemed == "":
			note = words.noRedeemer
		case cell.Granted == cell.Redeemed:
			note = words.own
		}
		if err := w.Write([]string{wording.Cell(cell.Granted), wording.Cell(cell.Redeemed), strconv.FormatInt(cell.Points, 10), yuan(cell.Fen), note}); err != nil {
			return err
		}
	}
	if rest := s.RestFen; rest != 0 {
		sign := ""
		if rest < 0 {
			sign, rest = "-", -rest
		}
		if err := w.Write([]string{"", "", "0", sign + yuan(rest), words.remainder}); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}
