package files

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"pointsledger/reconcile/money"
)

// hostile is a shop code that would end a field, a line or a sheet, or be a formula.
const hostile = "=1+1\n,;\"|'  (2026) *门店\u202e\x00"

func vouchers() []*money.Voucher {
	chart := money.UsualChart()
	line := func(kind money.Kind, paid bool, fen int64, debit, credit money.Role) money.Line {
		return money.Line{Vendor: "zhimai", Kind: kind, Paid: paid, Points: 10, Fen: fen, Debit: chart[debit], Credit: chart[credit]}
	}
	return []*money.Voucher{
		{Day: "2026-11-20", Shop: hostile, Number: "20261120-AAAAAAAA", AccrualOnly: true, Lines: []money.Line{
			line(money.Deferred, true, 123_456_789, money.Revenue, money.ContractLiability), line(money.RestDeferred, true, 1, money.ContractLiability, money.Revenue),
			line(money.Deferred, false, 7, money.PromotionExpense, money.PointsPayable)}},
		{Day: "2026-11-20", Shop: "", Number: "20261120-BBBBBBBB", Lines: []money.Line{line(money.Redeemed, true, 10_005, money.ContractLiability, money.PointsRevenue)}},
		{Day: "2026-12-01", Shop: "SH-01", Number: "20261201-CCCCCCCC", Lines: []money.Line{line(money.Estimate, true, 99, money.ContractLiability, money.PointsRevenue)}},
	}
}

func options(t *testing.T) Options {
	t.Helper()
	v, err := money.ParseValues("v.yaml", []byte("values: [{from: 2026-01-01, fen_per_point: 1, expected_redemption: 1}]\nprepared_by: 李会计\ndepartments: {SH-01: 0101}"))
	if err != nil {
		t.Fatal(err)
	}
	return Options{Values: v}
}

func written(t *testing.T, f Format, o Options) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := New(f, &out, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vouchers() {
		if err := w.Voucher(v); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// sums are what a file books: fen by voucher and code.
type sums map[string]int64

func (s sums) add(t *testing.T, number, code, debit, credit string) {
	t.Helper()
	for sign, text := range map[int64]string{1: debit, -1: credit} {
		fen, ok := new(big.Rat).SetString(text)
		if fen != nil {
			fen.Mul(fen, big.NewRat(100, 1))
		}
		if !ok || !fen.IsInt() || fen.Sign() < 0 {
			t.Fatalf("%s: %q is no amount", number, text)
		}
		s[number+" "+code] += sign * fen.Num().Int64()
	}
}

// Every format has the same vouchers, lines and amounts, whatever a shop is called.
func TestFilesSayTheSame(t *testing.T) {
	t.Parallel()
	o := options(t)
	want := sums{}
	for _, v := range vouchers() {
		for _, l := range v.Lines {
			want[v.Number+" "+l.Debit.Code] += l.Fen
			want[v.Number+" "+l.Credit.Code] -= l.Fen
		}
	}
	for f, read := range map[Format]func(*testing.T, []byte) sums{CSV: readCSV, U8: readU8, KIS: readKIS, Hledger: readHledger} {
		got := read(t, written(t, f, o))
		if len(got) != len(want) {
			t.Errorf("%s: %v, want %v", f, got, want)
		}
		for key, fen := range want {
			if got[key] != fen {
				t.Errorf("%s: %s is %d, want %d", f, key, got[key], fen)
			}
		}
	}
	if _, err := New("xls", io.Discard, o); !errors.Is(err, ErrUnknownFormat) {
		t.Error(err)
	}
}

func readCSV(t *testing.T, text []byte) sums {
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte(bom)))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	s := sums{}
	for _, row := range rows[1:] {
		for _, cell := range row {
			if strings.HasPrefix(cell, "=") {
				t.Errorf("%q is a formula", cell)
			}
		}
		s.add(t, row[1], row[3], row[5], row[6])
	}
	return s
}

// The fields of a line, by their place, as the program's help has them.
func readU8(t *testing.T, text []byte) sums {
	plain, err := simplifiedchinese.GB18030.NewDecoder().Bytes(text)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(plain), "\r\n"), "\r\n")
	if lines[0] != "填制凭证,V800" || len(lines) != 11 {
		t.Fatalf("%q", lines)
	}
	s := sums{}
	for _, line := range lines[1:] {
		fields := strings.Split(line, ",")
		if len(fields) != 12 && len(fields) != 16 || fields[1] != "记" || fields[3] != "0" || fields[11] != "李会计" || !regexp.MustCompile(`^2026-1[12]-[0-9]{2}$`).MatchString(fields[0]) {
			t.Errorf("%q", fields)
		}
		if shop := len(fields) == 16; shop != strings.HasPrefix(fields[0], "2026-12") || shop && fields[15] != "0101" {
			t.Errorf("%q: the department", fields)
		}
		if gb, _ := simplifiedchinese.GB18030.NewEncoder().String(fields[4]); len(gb) > 60 || !strings.Contains(fields[4], fields[2]) || strings.Contains(fields[4], "仅计提") != strings.HasSuffix(fields[2], "A") {
			t.Errorf("%q: the text, of %d bytes", fields[4], len(gb))
		}
		s.add(t, fields[2], fields[5], fields[6], fields[7])
	}
	return s
}

func readKIS(t *testing.T, text []byte) sums {
	book, err := excelize.OpenReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	rows, err := book.GetRows("Page1", excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	schema, err := book.GetRows("t_Schema")
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, heading := range rows[0] {
		at[heading] = i
		if schema[4+i][3] != heading {
			t.Errorf("column %d is %s, and %s in t_Schema", i, heading, schema[4+i][3])
		}
	}
	s, numbers := sums{}, map[string]string{}
	for r, row := range rows[1:] {
		cell := func(heading string) string { return row[at[heading]] }
		if kind, err := book.GetCellType("Page1", fmt.Sprintf("F%d", r+2)); err != nil || kind != excelize.CellTypeInlineString {
			t.Errorf("the account's code is no text: %v, %v", kind, err)
		}
		if cell("凭证字") != "记" || cell("制单") != "李会计" || cell("会计期间") != cell("凭证日期")[5:7] || cell("币别代码") != "RMB" {
			t.Errorf("%q", row)
		}
		if other, there := numbers[cell("参考信息")]; there && other != cell("凭证号") {
			t.Errorf("voucher %s has numbers %s and %s", cell("参考信息"), other, cell("凭证号"))
		}
		numbers[cell("参考信息")] = cell("凭证号")
		s.add(t, cell("参考信息"), cell("科目代码"), cell("借方"), cell("贷方"))
	}
	if len(numbers) != 3 {
		t.Errorf("numbers %v", numbers)
	}
	return s
}

var (
	hledgerHead = regexp.MustCompile(`^\d{4}-\d\d-\d\d \(([0-9A-Z-]+)\) \S`)
	hledgerLine = regexp.MustCompile(`^    (\d+) \S+ +(-?)([0-9.]+) CNY  ; [^;]+$`)
)

func readHledger(t *testing.T, text []byte) sums {
	s, number := sums{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if head := hledgerHead.FindStringSubmatch(line); head != nil {
			number = head[1]
		} else if row := hledgerLine.FindStringSubmatch(line); row != nil {
			amounts := []string{row[3], "0"}
			if row[2] != "" {
				amounts = []string{"0", row[3]}
			}
			s.add(t, number, row[1], amounts[0], amounts[1])
		} else if line != "" && number != "" {
			t.Errorf("%q", line)
		}
	}
	strict(t, text, "check", "--strict")
	balances(t, text, s)
	return s
}

// balances compares hledger's balance of each account with the sums of the lines.
func balances(t *testing.T, text []byte, s sums) {
	t.Helper()
	out := strict(t, text, "balance", "--no-total", "-O", "csv")
	if out == "" {
		return
	}
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{}
	for key, fen := range s {
		want[key[strings.IndexByte(key, ' ')+1:]] += fen
	}
	for _, row := range rows[1:] {
		code, _, _ := strings.Cut(row[0], " ")
		fen, ok := new(big.Rat).SetString(strings.TrimSuffix(row[1], " CNY"))
		if !ok || fen.Cmp(big.NewRat(want[code], 100)) != 0 {
			t.Errorf("hledger has %q, want %d fen", row, want[code])
		}
		delete(want, code)
	}
	if len(want) > 0 {
		t.Errorf("hledger has no balance of %v: %s", want, out)
	}
}

// strict asks hledger, where it is installed, as CI does.
func strict(t *testing.T, text []byte, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("hledger"); err != nil {
		t.Log("hledger is not installed: the file was not checked with it (apt-get install hledger)")
		return ""
	}
	cmd := exec.Command("hledger", append([]string{"-f", "-"}, args...)...)
	cmd.Env = append(cmd.Environ(), "LANG=C.UTF-8", "LC_ALL=C.UTF-8")
	cmd.Stdin = bytes.NewReader(text)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("hledger %v: %v: %s", args, err, out)
	}
	return string(out)
}

func TestEnglishWordsAndUTF8(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.English, o.UTF8 = true, true
	text := string(written(t, U8, o))
	for _, want := range []string{"填制凭证,V800\r\n", "points deferred", "accrual only"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q lacks %q", text, want)
		}
	}
	for _, kind := range []money.Kind{money.Deferred, money.RestDeferred, money.Refunded, money.NotGranted, money.Estimate, money.Redeemed, money.RestRedeemed} {
		for _, paid := range []bool{true, false} {
			for _, english := range []bool{true, false} {
				o.English = english
				if o.what(&money.Line{Kind: kind, Paid: paid}) == "" {
					t.Errorf("no words for %s", kind)
				}
			}
		}
	}
}

func TestSettlementSheet(t *testing.T) {
	t.Parallel()
	sheet := &money.Settlement{Cells: []money.SettlementCell{{Redeemed: "S1", Points: 5, Fen: 4}, {Granted: "=S2", Redeemed: "S1", Points: 10, Fen: 7}, {Granted: "S2", Points: 1, Fen: 1}}, Points: 16, Fen: 11, RestFen: -1}
	for english, want := range map[bool]string{
		true: "granting_shop,redeeming_shop,points,amount_yuan,note\n,S1,5,0.04,no shop granted this member points through the ledger\n'=S2,S1,10,0.07,\n" +
			"S2,,1,0.01,the record names no shop\n,,0,-0.01,rounding rest\n",
		false: "发放门店,兑换门店,积分,金额（元）,备注\n,S1,5,0.04,没有门店通过本账本向该会员发放积分\n'=S2,S1,10,0.07,\nS2,,1,0.01,记录中没有门店\n,,0,-0.01,尾差\n",
	} {
		var out bytes.Buffer
		if err := WriteSettlement(&out, sheet, english); err != nil {
			t.Fatal(err)
		}
		if out.String() != bom+want {
			t.Errorf("got  %q\nwant %q", out.String(), bom+want)
		}
	}
}
