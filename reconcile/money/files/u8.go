package files

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"

	"pointsledger/reconcile/money"
)

// u8 writes the text that 用友 U8's 总账工具 imports: a first line with the version, then a line for each
// entry, of fields with commas between; fields behind the last one that is filled may be left out.
type u8 struct {
	out  *bufio.Writer
	text io.WriteCloser
	o    Options
}

// u8First is the first line. The fields are: 制单日期, 凭证类别字, 业务号, 附单据数, 摘要, 科目编码, 借方,
// 贷方, 数量, 外币, 汇率, 制单人, 结算方式, 票号, 发生日期, 部门编码.
const u8First = "填制凭证,V800"

// u8Shop and u8Text keep a 摘要 within 60 bytes of GB18030.
const u8Shop = 10

func newU8(out io.Writer, o Options) (*u8, error) {
	u := &u8{o: o}
	u.out = bufio.NewWriter(out)
	if !o.UTF8 {
		u.text = transform.NewWriter(out, simplifiedchinese.GB18030.NewEncoder())
		u.out = bufio.NewWriter(u.text)
	}
	_, err := u.out.WriteString(u8First + "\r\n")
	return u, err
}

// Voucher implements Writer.
func (u *u8) Voucher(v *money.Voucher) error {
	for i := range v.Lines {
		l := &v.Lines[i]
		text := strings.Join(strings.Fields(u.o.what(l)+" "+shop(v.Shop, u8Shop)+" "+v.Number+" "+u.o.accrual(v)), " ")
		for _, row := range rows(l) {
			fields := []string{string(v.Day), u.o.Values.Word, v.Number, "0", text, row.Code, yuan(row.Debit), yuan(row.Credit), "0", "0", "0",
				u.o.Values.PreparedBy, "", "", "", u.o.Values.Departments[v.Shop]}
			if _, err := u.out.WriteString(strings.TrimRight(strings.Join(fields, ","), ",") + "\r\n"); err != nil {
				return fmt.Errorf("write voucher %s: %w", v.Number, err)
			}
		}
	}
	return nil
}

// Close implements Writer.
func (u *u8) Close() error {
	if err := u.out.Flush(); err != nil || u.text == nil {
		return err
	}
	return u.text.Close()
}
