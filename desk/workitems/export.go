package workitems

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"pointsledger/desk/wording"
)

// bom has a spreadsheet read the file as UTF-8.
const bom = "\ufeff"

// titles are the columns of the export. What is filled in stands at the end.
var titles = []string{"biz_id", "account", "to_do", "member_id", "order", "points", "shop_code", "since", "perhaps_done",
	"origin_biz_id", "origin_reference", "origin_points", "origin_posted_at", "result", "note"}

// Write writes what fits as CSV for whoever does it, times in UTC, and says how many
// rows there are. Nothing in it is masked.
func (x *Items) Write(ctx context.Context, filter Filter, to io.Writer) (rows int, err error) {
	if _, err := io.WriteString(to, bom); err != nil {
		return 0, fmt.Errorf("write work items: %w", err)
	}
	out := csv.NewWriter(to)
	if err := out.Write(titles); err != nil {
		return 0, fmt.Errorf("write work items: %w", err)
	}
	err = x.each(ctx, filter, 0, func(i Item) error {
		perhaps := ""
		if i.InDoubt {
			perhaps = "yes"
		}
		rows++
		return out.Write([]string{string(i.BizID), wording.Cell(i.Account), wording.ToDo(i.Kind), wording.DigitsCell(i.MemberID), wording.DigitsCell(i.BusinessKey),
			strconv.FormatInt(int64(i.Points), 10), wording.DigitsCell(i.ShopCode), wording.UTC(i.Since), perhaps,
			string(i.OriginBizID), i.OriginReference, strconv.FormatInt(int64(i.OriginPoints), 10), wording.UTC(i.OriginPostedAt), "", ""})
	})
	if err != nil {
		return rows, err
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return rows, fmt.Errorf("write work items: %w", err)
	}
	return rows, nil
}
