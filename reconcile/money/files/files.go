package files

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"pointsledger/reconcile/money"
)

// Format is a kind of file.
type Format string

// The formats.
const (
	Hledger Format = "hledger"
	CSV     Format = "csv"
	U8      Format = "u8"
	KIS     Format = "kis"
)

// Imported says whether a program takes the file's vouchers over, so that none may be in two files.
func (f Format) Imported() bool { return f == U8 || f == KIS }

// Options say how a file is written.
type Options struct {
	Values *money.Values
	// English words instead of Chinese ones.
	English bool
	// UTF8 instead of GB18030; of a U8 file alone.
	UTF8 bool
}

// Writer writes vouchers to a file.
type Writer interface {
	Voucher(*money.Voucher) error
	// Close ends the file, and closes nothing else.
	Close() error
}

// New begins a file.
func New(f Format, out io.Writer, o Options) (Writer, error) {
	switch f {
	case Hledger:
		return newHledger(out, o)
	case CSV:
		return newCSV(out, o)
	case U8:
		return newU8(out, o)
	case KIS:
		return newKIS(out, o)
	}
	return nil, fmt.Errorf("%w: %s", ErrUnknownFormat, f)
}

// words are what lines are called: Chinese and English, of points that sales paid for and of others.
var words = map[money.Kind]struct{ zh, zhGiven, en, enGiven string }{
	money.Deferred:     {"积分递延收入", "赠送积分计提", "points deferred", "free points accrued"},
	money.RestDeferred: {"积分递延尾差", "赠送积分尾差", "rounding rest of the month", "rounding rest of the month"},
	money.Refunded:     {"退货冲回积分", "赠送积分冲回", "points taken back by refunds", "free points taken back"},
	money.NotGranted:   {"积分未发放冲回", "赠送积分未发放", "points not granted", "free points not granted"},
	money.Estimate:     {"积分兑换率变更", "赠送积分兑换率变更", "expected redemption changed", "expected redemption changed"},
	money.Redeemed:     {"积分兑换确认收入", "赠送积分兑换", "points redeemed", "free points redeemed"},
	money.RestRedeemed: {"积分兑换尾差", "赠送积分兑换尾差", "rounding rest to date", "rounding rest to date"},
}

const (
	accrualOnly        = "仅计提"
	accrualOnlyEnglish = "accrual only"
)

// what says what a line books.
func (o *Options) what(l *money.Line) string {
	w := words[l.Kind]
	switch {
	case o.English && l.Paid:
		return w.en
	case o.English:
		return w.enGiven
	case l.Paid:
		return w.zh
	}
	return w.zhGiven
}

// accrual is the mark of a voucher whose day's redemptions are not known.
func (o *Options) accrual(v *money.Voucher) string {
	switch {
	case !v.AccrualOnly:
		return ""
	case o.English:
		return accrualOnlyEnglish
	}
	return accrualOnly
}

// yuan writes fen, which are not below 0, as yuan.
func yuan(fen int64) string { return fmt.Sprintf("%d.%02d", fen/100, fen%100) }

// flat makes a foreign text safe: one line, and none of the marks that mean something to a format.
func flat(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r):
			return -1
		case r == ',':
			return '，'
		case r == ';':
			return '；'
		case unicode.IsControl(r) || unicode.IsSpace(r) || r == unicode.ReplacementChar || strings.ContainsRune(`"|'`, r):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	text = strings.Join(strings.Fields(text), " ")
	if chars := []rune(text); len(chars) > most {
		text = string(chars[:most-1]) + "…"
	}
	return text
}

// shop names a shop; one without a code is "-".
func shop(code string, most int) string {
	if code = flat(code, most); code == "" {
		return "-"
	}
	return code
}

// rows are a line's two sides: first the debit.
func rows(l *money.Line) [2]struct {
	money.Account
	Debit, Credit int64
} {
	return [2]struct {
		money.Account
		Debit, Credit int64
	}{{l.Debit, l.Fen, 0}, {l.Credit, 0, l.Fen}}
}
