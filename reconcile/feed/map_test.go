package feed_test

import (
	"errors"
	"strings"
	"testing"

	"pointsledger/reconcile/feed"
)

// A map that cannot be used is refused by the line, the key and what to write.
func TestMapsThatAreRefused(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		"":                      "map.yaml: columns: want a field and its column's heading",
		"columns: {}\n":         "map.yaml:1: columns: want a field",
		"colums: {member: x}\n": "map.yaml:1: unknown key colums; the keys of a map are columns, sign, zone, time_formats",
		"columns: {member: x}\nsign: {colum: y}\n":                                           "map.yaml:2: unknown key colum; ",
		"columns:\n  member: x\n  membr: x\n":                                                "map.yaml:3: columns.membr: there is no such field; the fields are member, points, points_in, points_out, text, at, order, amount, shop",
		"columns:\n  member: x\n  member: y\n":                                               "map.yaml:3: ",
		"columns: {member: [a, b]}\n":                                                        "columns.member: want one column; only at",
		"columns:\n\tmember: x\n":                                                            `map.yaml:2: this is not YAML (a map says which column is what`,
		"columns: {member: ''}\n":                                                            "map.yaml:1: columns.member: want a column's heading, a list of headings, or {column: C}",
		"columns: {member: {column: 3}}\n":                                                   "want a column's heading",
		"columns: {member: {column: ZZZZ}}\n":                                                "want a column's heading",
		"columns: {member: []}\n":                                                            "columns.member: want a column's heading",
		"columns: {points_in: a}\n":                                                          "points_in and points_out go together",
		"columns: {points_in: a, points_out: b, points: c}\n":                                "want points, or points_in and points_out, and not both",
		"columns: {member: x}\nheader_row: 0\n":                                              "map.yaml:1: columns.member: a file without headings (header_row: 0) has columns by their letters",
		"columns: {member: x}\nheader_row: -1\n":                                             "map.yaml:2: header_row: want the row that has the headings, 1 to 1000, or 0",
		"columns: {member: x}\nzone: Peking\n":                                               "map.yaml:2: zone: want the name of a time zone such as Asia/Shanghai or UTC, got \"Peking\"",
		"columns: {member: x}\nzone: Local\n":                                                "zone: want the name",
		"columns: {member: x}\n\ntime_formats: [DD.MM.YYYY]\n":                               "map.yaml:3: time_formats: want yyyy MM dd HH mm ss",
		"columns: {member: x}\ntime_formats: [HH:mm]\n":                                      "want a format with a year",
		"columns: {member: x}\namount_unit: jiao\n":                                          "amount_unit: want yuan or fen, as the file has it, got \"jiao\"",
		"columns: {member: x}\ndelimiter: ',,'\n":                                            "delimiter: want one character",
		"columns: {member: x}\nencoding: latin1\n":                                           "encoding: want utf-8 or gb18030 (which reads gbk too), got \"latin1\"",
		"columns: {member: x}\nquotes: none\n":                                               "quotes: want strict, or lazy",
		"columns: {member: x}\nfooters: ['']\n":                                              "footers: want what the first cell",
		"columns: {member: x}\nsign: {plus: [a]}\n":                                          "sign.column: want the heading",
		"columns: {member: x}\nsign: {column: y}\n":                                          "sign: want plus and minus",
		"columns: {member: x}\nsign: {column: y, plus: [a], minus: [a]}\n":                   "\"a\" is there twice",
		"columns: {points_in: a, points_out: b}\nsign: {column: y, plus: [a], minus: [b]}\n": "leave sign out",
		"columns: [a]\n":                                                                     "map.yaml:1: ",
		"\xff":                                                                               "map.yaml: want UTF-8 text",
		strings.Repeat("#", 2<<20):                                                           "map.yaml: want at most 1 MB",
	} {
		_, err := feed.ParseMap("map.yaml", []byte(yaml))
		var refused *feed.MapError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80q: %v\nwant %s", yaml, err, want)
		}
	}
	if _, err := feed.ReadMap("no such map"); err == nil || !strings.Contains(err.Error(), "open the map: open no such map") {
		t.Error(err)
	}
	if m, err := feed.ReadMap(write(t, "m.yaml", plainMap)); err != nil || m == nil {
		t.Error(err)
	}
}
