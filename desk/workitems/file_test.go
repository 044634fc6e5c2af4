package workitems_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"

	"pointsledger/desk/workitems"
)

// What a spreadsheet makes of the list is read; what it cannot mean is refused as a whole.
func TestRead(t *testing.T) {
	t.Parallel()
	gb, err := simplifiedchinese.GB18030.NewEncoder().String("biz_id,result,note\npd1,done,已扣回\n")
	if err != nil {
		t.Fatal(err)
	}
	points := func(n int64) *int64 { return &n }
	for name, c := range map[string]struct {
		file string
		want []workitems.Answer
	}{
		"as it is":                 {"biz_id,result,note\npd1,done,by Wu\n", []workitems.Answer{{2, "pd1", "done", "by Wu", nil}}},
		"a byte order mark":        {"\ufeffbiz_id,result\r\npd1,done\r\n", []workitems.Answer{{2, "pd1", "done", "", nil}}},
		"GB18030":                  {gb, []workitems.Answer{{2, "pd1", "done", "已扣回", nil}}},
		"semicolons":               {"note;biz_id;result\n\"a; b\";pd1;done\n", []workitems.Answer{{2, "pd1", "done", "a; b", nil}}},
		"tabs":                     {"biz_id\tresult\npd1\tdone\n", []workitems.Answer{{2, "pd1", "done", "", nil}}},
		"other columns, blanks":    {"x, Biz_ID ,RESULT,points\n1, pd1 , Not Possible ,\"1,200\"\n,,,\n9,pd2,,7\n", []workitems.Answer{{2, "pd1", "not_possible", "", points(1200)}, {4, "pd2", "", "", points(7)}}},
		"a short row":              {"biz_id,result,note\npd1\n", []workitems.Answer{{2, "pd1", "", "", nil}}},
		"a note of two lines":      {"biz_id,result,note\npd1,done,\"a\nb\"\npd2,done,\n", []workitems.Answer{{2, "pd1", "done", "a\nb", nil}, {4, "pd2", "done", "", nil}}},
		"a guard against formulas": {"biz_id,result\n'pd1,done\n", []workitems.Answer{{2, "pd1", "done", "", nil}}},
		"no rows":                  {"biz_id,result\n", nil},
	} {
		got, err := workitems.Read(strings.NewReader(c.file))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, c.want)
		}
	}
	for file, want := range map[string]string{
		"":                                  "the file is empty: want a row of titles with biz_id, result and note",
		"biz_id,note\npd1,x\n":              "line 1: there is no column result; there are: biz_id, note",
		"biz_id,result,result\n":            "line 1: the column result is there twice",
		"biz_id,result\npd1,\"done\npd2,x":  "line 3: extraneous or missing \" in quoted-field",
		"PK\x03\x04…":                       "this is a workbook: save the sheet as CSV (UTF-8)",
		"biz_id,result\npd1,\xff\xff\xff\n": "want UTF-8 or GB18030: save the sheet as CSV (UTF-8)",
	} {
		_, err := workitems.Read(strings.NewReader(file))
		var refused *workitems.FileError
		if !errors.As(err, &refused) || err.Error() != want {
			t.Errorf("%q: %v, want %s", file, err, want)
		}
	}
}

// The list that was written out is read back, however it was filled in; a spreadsheet
// keeps numbers that are names, and takes nothing for a formula.
func TestWriteAndReadBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.items("20261120000123456789", "=cmd|' /C calc'!A0", "SO-3")
	var b strings.Builder
	n, err := f.Write(t.Context(), workitems.Filter{}, &b)
	if err != nil || n != 3 || !strings.HasPrefix(b.String(), "\ufeffbiz_id,account,to_do,member_id,order,points,") || !strings.Contains(b.String(), ",result,note\n") {
		t.Fatalf("%d rows, %v: %s", n, err, b.String())
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.String(), "\ufeff"))).ReadAll()
	if err != nil || len(rows) != 4 {
		t.Fatalf("%v %v", rows, err)
	}
	grant := one[string](f, `SELECT biz_id FROM operations WHERE business_key = 'SO-3' AND kind = 'points_add'`)
	for i, order := range []string{"\t20261120000123456789", "'=cmd|' /C calc'!A0", "SO-3"} {
		row := rows[i+1]
		want(t, "order", row[4], order)
		want(t, "account, what, member and points", fmt.Sprint(row[1], row[2], row[3], row[5]), "zhimaitake_back\t38393309145595904110")
		want(t, "to fill in", row[len(row)-2]+row[len(row)-1], "")
	}
	want(t, "the grant", rows[3][9], grant)
	answers, err := workitems.Read(strings.NewReader(strings.ReplaceAll(b.String(), ",,\n", ",done,by Wu\n")))
	if err != nil || len(answers) != 3 {
		t.Fatalf("%+v %v", answers, err)
	}
	want(t, "read back", answers[2].BizID, f.key("SO-3"))
	judged, err := f.Judge(t.Context(), answers)
	if err != nil || workitems.Tally(judged).Operations != 3 {
		t.Errorf("judged %+v %v", judged, err)
	}
}
