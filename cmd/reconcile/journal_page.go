package main

import (
	"fmt"
	"io"

	"pointsledger/desk/wording"
	"pointsledger/internal/terminal"
	"pointsledger/reconcile/money"
)

// journalPage says what was made. aside is where it is printed when the vouchers themselves were.
type journalPage struct {
	*money.Journal
	// Records are those of the export that are no redemptions; null: there was no export.
	Records *money.RecordCounts `json:"other_records"`
	// Closed: all of its days are, so that their vouchers do not change any more.
	Closed          bool `json:"closed"`
	out, settlement string
	aside           io.Writer
}

// shownChanges bounds what is printed of days that are different; --json has all.
const shownChanges = 20

func (p *journalPage) print(out io.Writer) {
	if p.aside != nil {
		out = p.aside
	}
	text := fmt.Sprintf("Journal of business dates %s to %s", p.From, p.To)
	if p.Account != "" {
		text += ", account " + p.Account
	}
	terminal.Paragraph(out, fmt.Sprintf("%s: %s, %s CNY", text, wording.Plural(int64(p.Vouchers), "voucher"), yuan(p.Fen)))
	p.printPools(out)
	p.printNotes(out)
	p.printExport(out)
	p.printChanges(out)
	if !p.Closed {
		terminal.Paragraph(out, "Not all of these days are closed: what is recorded for them later changes their vouchers.")
	}
	switch {
	case p.out != "" && p.Written == 0:
		terminal.Paragraph(out, "No file was written: there is nothing that was not handed out before. --again writes it all the same.")
	case p.out != "":
		terminal.Paragraph(out, fmt.Sprintf("%s written to %s and kept.", wording.Plural(int64(p.Written), "voucher"), p.out))
	default:
		terminal.Paragraph(out, "Nothing was kept: --out FILE hands the vouchers out.")
	}
}

func (p *journalPage) printPools(out io.Writer) {
	columns := []terminal.Column{terminal.Left("ACCOUNT"), terminal.Left("LIABILITY"), terminal.Right("OPENING"), terminal.Right("DEFERRED"), terminal.Right("TAKEN BACK"),
		terminal.Right("ESTIMATE"), terminal.Right("RECOGNISED"), terminal.Right("CLOSING")}
	var rows [][]string
	for i := range p.Pools {
		pool := &p.Pools[i]
		for _, r := range []struct {
			name string
			roll money.Roll
		}{{"contract liability", pool.Paid}, {"free points", pool.Given}} {
			if r.roll == (money.Roll{}) {
				continue
			}
			row := []string{pool.Account, r.name}
			for _, fen := range []int64{r.roll.Opening, r.roll.Deferred, -r.roll.TakenBack, -r.roll.Estimate, -r.roll.Recognised, r.roll.Closing} {
				row = append(row, yuan(fen))
			}
			rows = append(rows, row)
		}
	}
	if rows != nil {
		fmt.Fprintln(out)
		terminal.Table(out, columns, rows)
		fmt.Fprintln(out)
	}
}

func (p *journalPage) printNotes(out io.Writer) {
	for i := range p.Pools {
		pool := &p.Pools[i]
		terminal.Line(out, pool.Account, fmt.Sprintf("granted %s points, taken back %s, redeemed %s, expired %s", wording.Count(pool.GrantedPoints), wording.Count(pool.TakenPoints),
			wording.Count(pool.RedeemedPoints), wording.Count(pool.ExpiredPoints)))
		switch {
		case pool.UnknownDays > 0:
			terminal.Line(out, "", fmt.Sprintf("accrual only: redemptions of %s are not known, the first of them %s; nothing is recognised for such days",
				wording.Plural(int64(pool.UnknownDays), "day"), pool.UnknownFrom))
		case pool.UnknownFrom != "":
			terminal.Line(out, "", fmt.Sprintf("redemptions of earlier days are not known, the first of them %s", pool.UnknownFrom))
		}
		if pool.ByHandPoints != nil && *pool.ByHandPoints > 0 {
			terminal.Line(out, "", fmt.Sprintf("%s points were taken back by hand: see that the vendor's records of that were left out, they are no redemptions", wording.Count(*pool.ByHandPoints)))
		}
		if pool.ExcessPoints > 0 {
			terminal.Line(out, "", fmt.Sprintf("%s points more were redeemed than are expected of all that were granted: are there points that this ledger did not grant?", wording.Count(pool.ExcessPoints)))
		}
	}
}

// printExport says what was read of the vendor's export.
func (p *journalPage) printExport(out io.Writer) {
	f, o := p.File, p.Records
	if f == nil || o == nil {
		return
	}
	text := fmt.Sprintf("%s of redemptions and expiries", wording.Plural(f.Records, "record"))
	if f.Records > 0 {
		text += fmt.Sprintf(", %s to %s", f.First, f.Last)
	}
	for _, other := range []struct {
		records int64
		what    string
	}{{o.Ours, "this ledger's own"}, {o.Given, "that gave points"}, {f.Later, "after the last day"}, {f.Kept, "of days that an earlier journal was told of"}} {
		if other.records > 0 {
			text += fmt.Sprintf("; left out: %s %s", wording.Count(other.records), other.what)
		}
	}
	terminal.Line(out, "export", text)
	if s := p.Settlement; s != nil {
		text := fmt.Sprintf("%s points, %s CNY, written to %s", wording.Count(s.Points), yuan(s.Fen), p.settlement)
		if s.UnknownShop > 0 || s.UnknownGranter > 0 {
			text += fmt.Sprintf("; of these the record names no shop for %s points, and no shop granted %s", wording.Count(s.UnknownShop), wording.Count(s.UnknownGranter))
		}
		terminal.Line(out, "settlement", text)
	}
}

func (p *journalPage) printChanges(out io.Writer) {
	if p.Unchanged > 0 {
		terminal.Line(out, "handed out", fmt.Sprintf("%s before, and unchanged", wording.Plural(int64(p.Unchanged), "voucher")))
	}
	for i, c := range p.Changed {
		if i == shownChanges {
			terminal.Line(out, "", fmt.Sprintf("and %s more days: --json has all", wording.Count(int64(len(p.Changed)-i))))
			break
		}
		text := fmt.Sprintf("%s shop %s: %s was handed out", c.Day, shopName(c.Shop), c.Before)
		if c.Number == "" {
			text += ", now there is nothing to book"
		} else {
			text += ", now it is " + c.Number
		}
		for _, d := range c.Differences {
			text += fmt.Sprintf("; %s %s %s", d.Code, d.Name, signedYuan(d.Fen))
		}
		terminal.Line(out, "changed", text+". Take the old voucher out before the new one is imported")
	}
}

func shopName(code string) string {
	if code == "" {
		return "-"
	}
	return terminal.Clean(code)
}

// signedYuan has debits with + and credits with -.
func signedYuan(fen int64) string {
	if fen > 0 {
		return "+" + yuan(fen)
	}
	return yuan(fen)
}
