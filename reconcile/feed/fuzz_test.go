package feed_test

import (
	"errors"
	"strings"
	"testing"

	"pointsledger/reconcile/feed"
)

// Whatever stands in a file, it is rows or errors that say where, and each row has what
// must be there.
func FuzzFile(f *testing.F) {
	for _, seed := range []string{"1,100,x,2026-11-20 09:05:00\n", "\ufeff1,(1,x\r\n", "合计,１\n\n", "1,\"1,234\",\"a\nb\",46346.5\n", "\"", "=\"1\",-0,,2026年1月2日9点\n"} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, text string, lazy bool) {
		yaml := plainMap
		if lazy {
			yaml += "quotes: lazy\nsign: {column: 备注, plus: [x], minus: ['']}\n"
		}
		path := write(t, "f.csv", "会员ID,积分变动,备注,时间\n"+text)
		rows, left, problems := all(t, parse(t, yaml), path, records)
		for _, r := range rows {
			if r.Member == "" || r.At.IsZero() || r.Number < 2 || strings.TrimSpace(r.Text) != r.Text || !r.Has(feed.Points) {
				t.Errorf("%q: %+v", text, r)
			}
		}
		for i, err := range problems {
			var cell *feed.CellError
			var file *feed.FileError
			if !errors.As(err, &cell) && (i < len(problems)-1 || !errors.As(err, &file)) {
				t.Errorf("%q: %v", text, err)
			}
		}
		if n := len(rows) + len(problems) + left.Blank + left.Footers; n > strings.Count(text, "\n")+strings.Count(text, "\r")+1 {
			t.Errorf("%q: %d rows", text, n)
		}
	})
}
