package feed_test

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"

	"pointsledger/reconcile/feed"
)

const plainMap = "columns: {member: 会员ID, points: 积分变动, text: 备注, at: 时间}\n"

// What spreadsheets and exports do to a file is read as it was meant.
func TestCSVIsReadAsItWasMeant(t *testing.T) {
	t.Parallel()
	gb, err := simplifiedchinese.GB18030.NewEncoder().String("会员ID,积分变动,备注,时间\n1,100,消费,2026-11-20 09:05:00\n")
	if err != nil {
		t.Fatal(err)
	}
	const one = "1 100 消费 2026-11-20 01:05:00"
	for name, c := range map[string]struct{ yaml, file, want string }{
		"as it is":         {plainMap, "会员ID,积分变动,备注,时间\n1,100,消费,2026-11-20 09:05:00\n", one},
		"mark and CRLF":    {plainMap, "\ufeff会员ID,积分变动,备注,时间\r\n1,100,消费,2026-11-20 09:05:00\r\n\r\n", one},
		"GB18030":          {plainMap + "encoding: gb18030\n", gb, one},
		"gbk and a mark":   {plainMap + "encoding: gbk\n", "\ufeff会员ID,积分变动,备注,时间\n1,100,消费,2026-11-20 09:05:00\n", one},
		"tabs":             {plainMap, "会员ID\t积分变动\t备注\t时间\n1\t100\t消费\t2026-11-20 09:05:00\n", one},
		"semicolons, said": {plainMap + "delimiter: ;\n", "会员ID;积分变动;备注;时间\n1;100;消费;2026-11-20 09:05:00\n", one},
		"other order":      {plainMap, "x,时间, 备注 ,会员id,积分变动\n-,2026/11/20 9:05,消费,1,+100\n", one},
		"full width":       {plainMap, "会员ID,积分变动,备注,时间\n1,＋１００．００,消费,２０２６－１１－２０ ０９：０５：００\n", one},
		"guards":           {plainMap, "会员ID,积分变动,备注,时间\n\"=\"\"0012\"\"\",100.00,消费,2026年11月20日 9:05\n`13, 1\u00a0,`-,\t2026.11.20T09:05:00\n", "0012 100 消费 2026-11-20 01:05:00|13 1 - 2026-11-20 01:05:00"},
		"signs":            {plainMap, "会员ID,积分变动,备注,时间\n1,-100,,2026-11-20 09:05\n1,(100),,20261120090500\n1,100-,,2026-11-20T01:05:00Z\n1,−100积分,,2026-11-20 09:05:00+08:00\n", strings.Repeat("|1 -100  2026-11-20 01:05:00", 4)[1:]},
		"thousands":        {plainMap, "会员ID,积分变动,备注,时间\n1,\"1,234,567\",,20261120\n1,\"12，345.0\",,46346\n", "1 1234567  2026-11-19 16:00:00 day|1 12345  2026-11-19 16:00:00 day"},
		"serial numbers":   {plainMap, "会员ID,积分变动,备注,时间\n1,1,,46346.3784722222\n", "1 1  2026-11-20 01:05:00"},
		"a zone": {plainMap + "zone: UTC\ntime_formats: [dd/MM/yyyy HH:mm, unix_ms]\n", "会员ID,积分变动,备注,时间\n1,1,,20/11/2026 09:05\n1,1,,1795165500000\n",
			"1 1  2026-11-20 09:05:00|1 1  2026-11-20 09:05:00"},
		"two columns": {"columns: {member: 会员ID, points_in: 收入, points_out: 支出, at: [日期, 时间], text: [类型, 备注]}\n", "会员ID,收入,支出,日期,时间,类型,备注\n1,5,,2026-11-20,09:05,消费,a\n1,0,7,2026-11-20,09:05:00,,b\n",
			"1 5 消费 a 2026-11-20 01:05:00|1 -7 b 2026-11-20 01:05:00"},
		"a sign's column": {plainMap + "sign: {column: 类型, plus: [增加], minus: [扣减], ignore: [冻结]}\n", "会员ID,积分变动,备注,时间,类型\n1,5,,20261120,增加\n1,5,,20261120,扣减\n1,-5,,20261120,扣减\n1,?,,,冻结\n",
			"1 5  2026-11-19 16:00:00 day|1 -5  2026-11-19 16:00:00 day|1 -5  2026-11-19 16:00:00 day; ignored 1"},
		"rows of sums":    {plainMap, "会员ID,积分变动,备注,时间\n1,1,,20261120\n,,,\n小计,1,,\n2,2,合计,20261120\n合计：,3,,\n导出时间,,,\n", "1 1  2026-11-19 16:00:00 day|2 2 合计 2026-11-19 16:00:00 day; blank 1; footers 3"},
		"a sum of ours":   {plainMap + "footers: [导出]\n", "会员ID,积分变动,备注,时间\n1,1,,20261120\n导出时间：2026-11-20,,,\n", "1 1  2026-11-19 16:00:00 day; footers 1"},
		"below a title":   {plainMap + "header_row: 3\n", "某店积分明细\n\n会员ID,积分变动,备注,时间\n1,1,,20261120\n", "1 1  2026-11-19 16:00:00 day"},
		"no headings":     {"columns: {member: {column: A}, points: {column: C}, at: {column: b}}\nheader_row: 0\n", "1,20261120,7\n", "1 7  2026-11-19 16:00:00 day"},
		"a heading twice": {"columns: {member: 会员ID, points: {column: C}, at: 时间}\n", "会员ID,积分,积分,时间\n1,900,7,20261120\n", "1 7  2026-11-19 16:00:00 day"},
		"quotes inside":   {plainMap + "quotes: lazy\n", "会员ID,积分变动,备注,时间\n1,1,5\"屏,20261120\n", "1 1 5\"屏 2026-11-19 16:00:00 day"},
		"lines in a cell": {plainMap, "会员ID,\"积分\n变动\",备注,时间\n1,1,\"a\nb\",20261120\n", "积分"},
	} {
		if name == "lines in a cell" {
			c.yaml, c.want = strings.Replace(c.yaml, "积分变动", "积分 变动", 1), "1 1 a\nb 2026-11-19 16:00:00 day"
		}
		rows, left, problems := all(t, parse(t, c.yaml), write(t, "f.csv", c.file), records)
		if got := shown(rows, left); got != c.want || problems != nil {
			t.Errorf("%s: got %s, %v\nwant %s", name, got, problems, c.want)
		}
	}
}

func shown(rows []feed.Row, left feed.LeftOut) string {
	var out []string
	for _, r := range rows {
		text := fmt.Sprintf("%s %d %s %s", r.Member, r.Points, r.Text, r.At.UTC().Format("2006-01-02 15:04:05"))
		if r.DateOnly {
			text += " day"
		}
		out = append(out, text)
	}
	text := strings.Join(out, "|")
	for _, c := range []struct {
		name string
		n    int
	}{{"blank", left.Blank}, {"footers", left.Footers}, {"ignored", left.Ignored}} {
		if c.n > 0 {
			text += fmt.Sprintf("; %s %d", c.name, c.n)
		}
	}
	return text
}

// A cell that can mean two things, or none, is named with its place and what is wanted.
func TestCellsThatAreRefused(t *testing.T) {
	t.Parallel()
	const heading = "会员ID,积分变动,备注,时间\n"
	for row, want := range map[string]string{
		"1.23E+17,1,,20261120":             "f.csv:2:会员ID: want an id whose digits are all there: this one was made a number and has lost some; export the column as text, got \"1.23E+17\"",
		"383933091455959041.0,1,,20261120": "made a number with a fraction; export the column as text, got \"383933091455959041.0\"",
		"#N/A,1,,20261120":                 "f.csv:2:会员ID: want an id: this is a spreadsheet's error, got \"#N/A\"",
		"a\ufffdb,1,,20261120":             "a character of it was lost",
		"1,100.5,,20261120":                "f.csv:2:积分变动: want a whole number of points, got \"100.5\"",
		"1,1e2,,20261120":                  "want a whole number of points, got \"1e2\"",
		"1,\"1,5\",,20261120":              "want a whole number of points, got \"1,5\"",
		"1,9223372036854775808,,20261120":  "want a whole number of points",
		"1,--1,,20261120":                  "want a whole number of points",
		"1,(1,,20261120":                   "want a whole number of points",
		"1,,,20261120":                     "f.csv:2:积分变动: want a whole number of points, got nothing",
		",1,x,20261120":                    "f.csv:2:会员ID: want a member's id, got nothing",
		"1,1,,":                            "f.csv:2:时间: want a time such as 2026-11-20 09:05:00, or one of the map's time_formats, got nothing",
		"1,1,,11/20/2026":                  "f.csv:2:时间: want a time",
		"1,1,,2026-02-30":                  "f.csv:2:时间: want a time",
		"1,1,,1700000000":                  "f.csv:2:时间: want a time",
		"1":                                "f.csv:2:积分变动: want a whole number of points, got nothing",
		"合计," + strings.Repeat("9", 100) + ",,20261120": "",
	} {
		_, left, problems := all(t, parse(t, plainMap), write(t, "f.csv", heading+row+"\n2,2,,20261120\n"), records)
		if want == "" {
			if left.Footers != 1 || problems != nil {
				t.Errorf("%s: %+v %v", row, left, problems)
			}
			continue
		}
		if len(problems) != 1 || !strings.Contains(problems[0].Error(), want) {
			t.Errorf("%s: %v, want %s", row, problems, want)
		}
	}
	signed := plainMap + "sign: {column: 备注, plus: [增加], minus: [扣减]}\n"
	for row, want := range map[string]string{
		"1,-1,增加,20261120": "积分变动: want points that are not below 0 in a row of this kind (sign.plus), got \"-1\"",
		"1,1,转赠,20261120":  "备注: want one of the map's sign: 增加, 扣减, got \"转赠\"",
		"1,1,,20261120":    "备注: want one of the map's sign: 增加, 扣减, got nothing",
	} {
		if _, _, problems := all(t, parse(t, signed), write(t, "f.csv", heading+row+"\n"), records); len(problems) != 1 || !strings.Contains(problems[0].Error(), want) {
			t.Errorf("%s: %v, want %s", row, problems, want)
		}
	}
	both := parse(t, "columns: {member: 会员ID, points_in: 积分变动, points_out: 备注, at: 时间}\n")
	if _, _, problems := all(t, both, write(t, "f.csv", heading+"1,1,2,20261120\n"), records); len(problems) != 1 || !strings.Contains(problems[0].Error(), "备注: want points given or taken, and not both in one row") {
		t.Errorf("%v", problems)
	}
}

// Fen are exact, whatever the unit.
func TestAmounts(t *testing.T) {
	t.Parallel()
	yuan := "columns: {order: 单号, amount: 金额, shop: 门店}\n"
	for _, c := range []struct {
		yaml, cell string
		want       int64
		problem    string
	}{
		{yuan, "19.9", 1990, ""}, {yuan, "0.29", 29, ""}, {yuan, "\"¥1,234.50元\"", 123450, ""}, {yuan, ".5", 50, ""}, {yuan, "-8.010", -801, ""}, {yuan, "￥-3", -300, ""},
		{yuan, "92233720368547758.07", 9223372036854775807, ""}, {yuan, "1.005", 0, "at most two decimals (amount_unit: fen"}, {yuan, "92233720368547758.08", 0, "want an amount in yuan"},
		{yuan + "amount_unit: fen\n", "1990", 1990, ""}, {yuan + "amount_unit: fen\n", "1990.00", 1990, ""}, {yuan + "amount_unit: fen\n", "19.9", 0, "want a whole number of fen (amount_unit: yuan"},
	} {
		rows, _, problems := all(t, parse(t, c.yaml), write(t, "f.csv", "单号,金额,门店\nA,"+c.cell+",\n"), feed.Needs{Filled: []feed.Field{feed.Order, feed.Amount}, Columns: []feed.Field{feed.Shop}})
		switch {
		case c.problem != "":
			if len(problems) != 1 || !strings.Contains(problems[0].Error(), c.problem) {
				t.Errorf("%s: %v, want %s", c.cell, problems, c.problem)
			}
		case problems != nil || rows[0].AmountFen != c.want || !rows[0].Has(feed.Amount) || rows[0].Has(feed.Shop) || rows[0].Order != "A":
			t.Errorf("%s: %+v %v, want %d", c.cell, rows, problems, c.want)
		}
	}
}

// A file that is not what the map says is refused with what to do.
func TestFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ yaml, file, want string }{
		{plainMap, "", "f.csv: the file is empty"},
		{plainMap, "会员ID,变动,备注,时间\n", "f.csv:1: there is no column 积分变动, which the map has for points; there are: 会员ID, 变动, 备注, 时间"},
		{plainMap, "某店\n会员ID,积分变动,备注,时间\n", "there is no column 会员ID, which the map has for member; there are: 某店. Row 2 has it: if the headings stand there, write `header_row: 2` into the map"},
		{plainMap, "会员ID,积分变动,积分变动,时间\n", "the heading 积分变动, which the map has for points, is there twice, in columns B and C: write {column: B} or {column: C} in its place"},
		{plainMap + "header_row: 9\n", "会员ID\n", "the file has no row 9, in which the map looks for the headings (header_row)"},
		{plainMap + "header_row: 2\n", "x\n\n会员ID\n", "row 2, in which the map looks for the headings (header_row), is empty"},
		{plainMap, "\xbb\xe1\xd4\xb1ID,\n", "f.csv:1: column A is not UTF-8: write `encoding: gb18030` into the map, or save the file as CSV UTF-8"},
		{plainMap + "encoding: gbk\n", "会员ID,积\n", "is not GB18030, as the map says"},
		{plainMap, "\xff\xfea\x00", "this is UTF-16: save it as CSV UTF-8"},
		{plainMap, "<html><table>", "this is a web page or XML, whatever it is called: open it in a spreadsheet and save it as .xlsx"},
		{plainMap, "\xd0\xcf\x11\xe0\xa1\xb1", "old .xls workbook, or one with a password"},
		{plainMap, "PK\x03\x04", "this begins as a workbook and is none, or not all of it"},
		{plainMap + "sheet: 明细\n", "会员ID\n", "the map says sheet, which a workbook has, and this is a CSV file"},
		{plainMap, "会员ID,积分变动,备注,时间\n1,1,5\"屏,20261120\n", "f.csv:2: a quotation mark stands inside a cell that has none around it: `quotes: lazy`"},
		{plainMap, "会员ID,积分变动,备注,时间\n1,1,\"x,20261120\n", "a quotation mark is not closed"},
		{plainMap, "会员ID,积分变动,备注,时间\n1,1,\"" + strings.Repeat("x\n", 1<<20) + "\",20261120\n", "a row has more than 1 MB: is a quotation mark not closed?"},
		{"columns: {member: 会员ID, at: 时间}\n", "会员ID\n", "map.yaml: the map names no column for points: add it under columns"},
	} {
		_, _, problems := all(t, parse(t, c.yaml), write(t, "f.csv", c.file), records)
		if len(problems) != 1 || !strings.Contains(problems[0].Error(), c.want) {
			t.Errorf("%.40q: %v\nwant %s", c.file, problems, c.want)
		}
	}
	if _, err := parse(t, plainMap).Open("no such file", records); err == nil || !strings.Contains(err.Error(), "open the file: open no such file") {
		t.Error(err)
	}
}
