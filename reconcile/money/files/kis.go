package files

import (
	"fmt"
	"io"
	"strconv"

	"github.com/xuri/excelize/v2"

	"pointsledger/reconcile/money"
)

// kis writes the workbook that 金蝶 KIS imports as 标准格式凭证: a sheet Page1 with the entries and a
// sheet t_Schema that says what its columns are.
type kis struct {
	out   io.Writer
	o     Options
	book  *excelize.File
	sheet *excelize.StreamWriter
	row   int
	// taken are the numbers of the file's vouchers, each with its month.
	taken map[kisNumber]bool
}

type kisNumber struct {
	month  string
	number int
}

// kisColumns are the sheet's columns: the key of t_Schema, the heading, the type. The place is the column's
// place in the program's own table, which has gaps.
var kisColumns = []struct {
	key, heading, kind string
	place              int
}{
	{"FDate", "凭证日期", "DateTime", 1}, {"FYear", "会计年度", "Decimal(28,10)", 2}, {"FPeriod", "会计期间", "Decimal(28,10)", 3},
	{"FGroupID", "凭证字", "Varchar(80)", 4}, {"FNumber", "凭证号", "Decimal(28,10)", 5}, {"FAccountNum", "科目代码", "Varchar(40)", 7},
	{"FAccountName", "科目名称", "Varchar(255)", 8}, {"FCurrencyNum", "币别代码", "Varchar(10)", 9}, {"FCurrencyName", "币别名称", "Varchar(40)", 10},
	{"FAmountFor", "原币金额", "Decimal(28,10)", 11}, {"FDebit", "借方", "Decimal(28,10)", 12}, {"FCredit", "贷方", "Decimal(28,10)", 13},
	{"FPreparerID", "制单", "Varchar(255)", 14}, {"FCheckerID", "审核", "Varchar(255)", 15}, {"FApproveID", "核准", "Varchar(255)", 17},
	{"FCashierID", "出纳", "Varchar(255)", 18}, {"FHandler", "经办", "Varchar(50)", 19}, {"FSettleTypeID", "结算方式", "Varchar(80)", 20},
	{"FSettleNo", "结算号", "Varchar(255)", 21}, {"FExplanation", "凭证摘要", "Varchar(255)", 22}, {"FQuantity", "数量", "Decimal(28,10)", 23},
	{"FMeasureUnitID", "数量单位", "Varchar(255)", 24}, {"FUnitPrice", "单价", "Decimal(28,10)", 25}, {"FReference", "参考信息", "Varchar(255)", 26},
	{"FTransDate", "业务日期", "DateTime", 27}, {"FTransNo", "往来业务编号", "Varchar(255)", 28}, {"FAttachments", "附件数", "Decimal(28,10)", 29},
	{"FSerialNum", "序号", "Decimal(28,10)", 30}, {"FObjectName", "系统模块", "Varchar(100)", 31}, {"FParameter", "业务描述", "Varchar(100)", 32},
	{"FExchangeRateType", "汇率类型", "Varchar(80)", 33}, {"FExchangeRate", "汇率", "Decimal(28,10)", 34}, {"FEntryID", "分录序号", "Decimal(28,10)", 35},
	{"FItem", "核算项目", "Text", 36}, {"FPosted", "过账", "Decimal(28,10)", 37}, {"FInternalInd", "机制凭证", "Varchar(10)", 38},
	{"FCashFlow", "现金流量", "Text", 39},
}

const (
	kisPage   = "Page1"
	kisSchema = "t_Schema"
)

func newKIS(out io.Writer, o Options) (*kis, error) {
	k := &kis{out: out, o: o, book: excelize.NewFile(), row: 1, taken: map[kisNumber]bool{}}
	if err := k.book.SetSheetName("Sheet1", kisPage); err != nil {
		return nil, fmt.Errorf("begin the workbook: %w", err)
	}
	var err error
	if k.sheet, err = k.book.NewStreamWriter(kisPage); err != nil {
		return nil, fmt.Errorf("begin the workbook: %w", err)
	}
	headings := make([]any, len(kisColumns))
	for i, c := range kisColumns {
		headings[i] = c.heading
	}
	return k, k.write(k.sheet, &k.row, headings)
}

func (k *kis) write(sheet *excelize.StreamWriter, row *int, cells []any) error {
	if err := sheet.SetRow("A"+strconv.Itoa(*row), cells); err != nil {
		return fmt.Errorf("write row %d: %w", *row, err)
	}
	*row++
	return nil
}

// Voucher implements Writer.
func (k *kis) Voucher(v *money.Voucher) error {
	year, _ := strconv.Atoi(string(v.Day[:4]))
	month, _ := strconv.Atoi(string(v.Day[5:7]))
	number := kisNumber{string(v.Day[:7]), v.Digits(0)}
	for try := 1; k.taken[number]; try++ {
		number.number = v.Digits(try)
	}
	k.taken[number] = true
	entry := 0
	for i := range v.Lines {
		l := &v.Lines[i]
		text := k.o.what(l) + " " + shop(v.Shop, 60)
		if mark := k.o.accrual(v); mark != "" {
			text += " " + mark
		}
		for _, row := range rows(l) {
			if err := k.write(k.sheet, &k.row, []any{string(v.Day), year, month, k.o.Values.Word, number.number, row.Code, row.Name, "RMB", "人民币",
				yuanCell(row.Debit + row.Credit), yuanCell(row.Debit), yuanCell(row.Credit), k.o.Values.PreparedBy, "NONE", "NONE", "NONE", "", "*", "",
				text, 0, "*", 0, v.Number, string(v.Day), "", 0, number.number, "", "", "公司汇率", 1, entry, "", 0, "", ""}); err != nil {
				return err
			}
			entry++
		}
	}
	return nil
}

// yuanCell is a number of yuan whose shortest decimal form is exact to the fen.
func yuanCell(fen int64) float64 { return float64(fen) / 100 }

// Close implements Writer.
func (k *kis) Close() error {
	if err := k.sheet.Flush(); err != nil {
		return fmt.Errorf("end the sheet: %w", err)
	}
	if _, err := k.book.NewSheet(kisSchema); err != nil {
		return fmt.Errorf("begin the sheet %s: %w", kisSchema, err)
	}
	sheet, err := k.book.NewStreamWriter(kisSchema)
	if err != nil {
		return fmt.Errorf("begin the sheet %s: %w", kisSchema, err)
	}
	rows := [][]any{
		{"FType", "FKey", "FFieldName", "FCaption", "FValueType", "FNeedSave", "FColIndex", "FSrcTableName", "FSrcFieldName", "FExpFieldName", "FImpFieldName",
			"FDefaultVal", "FSearch", "FItemPageName", "FTrueType", "FPrecision", "FSearchName", "FIsShownList", "FViewMask", "FPage"},
		{"ClassInfo", "ClassType", "", "VoucherData"}, {"ClassInfo", "ClassTypeID", "", "123"}, {"PageInfo", kisPage, "", kisPage},
	}
	for _, c := range kisColumns {
		rows = append(rows, []any{"FieldInfo", c.key, c.key, c.heading, c.kind, "", strconv.Itoa(c.place), "", "", c.key, c.key, "", "0", "", "", "0", "0", "0", "0", "1"})
	}
	at := 1
	for _, cells := range rows {
		if err := k.write(sheet, &at, cells); err != nil {
			return err
		}
	}
	if err := sheet.Flush(); err != nil {
		return fmt.Errorf("end the sheet %s: %w", kisSchema, err)
	}
	if _, err := k.book.WriteTo(k.out); err != nil {
		return fmt.Errorf("write the workbook: %w", err)
	}
	return k.book.Close()
}
