package report

import (
	"strconv"
	"testing"
	"time"
)

// A program that cuts off what is below a second shows an instant's own second, from the
// 15 digits that a cell keeps.
func TestInstantsKeepTheirSecond(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 28, 0, 0, 0, 0, time.FixedZone("", 8*3600))
	for second := range 86400 {
		at := day.Add(time.Duration(second)*time.Second + 999*time.Millisecond)
		kept, err := strconv.ParseFloat(strconv.FormatFloat(serial(at), 'g', 15, 64), 64)
		if err != nil {
			t.Fatal(err)
		}
		if shown := int((kept - 46354) * 86400); shown != second {
			t.Fatalf("second %d is shown as %d", second, shown)
		}
	}
}
