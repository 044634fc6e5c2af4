package feed_test

import (
	"strings"
	"testing"

	"pointsledger/reconcile/feed"
)

// A file holds members' numbers; what is said of it is shown to everybody, and logged.
func TestErrorsShowNoMobile(t *testing.T) {
	for _, err := range []error{
		&feed.CellError{File: "a.csv", Row: 2, Column: "at", Value: "联系13812345678", Want: "a time"},
		&feed.FileError{File: "a.csv", Problem: "no column 会员ID; the file has 13812345678, 8613912345678"},
		&feed.FileError{File: "a.csv", Row: 3, Problem: "after 13812345678"},
	} {
		if text := err.Error(); strings.Contains(text, "12345678") || !strings.Contains(text, "****5678") {
			t.Error(text)
		}
	}
}
