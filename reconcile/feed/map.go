package feed

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
)

// Map says which column of a file is what, and how its cells are written. It is safe for
// concurrent use.
type Map struct {
	columns   map[Field][]columnRef
	sign      *signFile
	zone      *time.Location
	layouts   []layout
	decimals  int // of an amount: 2 for yuan, 0 for fen
	sheet     string
	headerRow int
	footers   []string
	delimiter rune // 0: found by the headings
	encoding  string
	lazy      bool
	// onlyCSV and onlyWorkbook name the keys that one kind of file alone has.
	onlyCSV, onlyWorkbook string
	name                  string
}

// mapFile is a map as it stands in YAML.
type mapFile struct {
	Columns     map[string]any `yaml:"columns"`
	Sign        *signFile      `yaml:"sign"`
	Zone        string         `yaml:"zone"`
	TimeFormats []string       `yaml:"time_formats"`
	AmountUnit  string         `yaml:"amount_unit"`
	Sheet       string         `yaml:"sheet"`
	HeaderRow   *int           `yaml:"header_row"`
	Footers     []string       `yaml:"footers"`
	Delimiter   string         `yaml:"delimiter"`
	Encoding    string         `yaml:"encoding"`
	Quotes      string         `yaml:"quotes"`
}

// mapKeys stand in the error about another one.
const mapKeys = "columns, sign, zone, time_formats, amount_unit, sheet, header_row, footers, delimiter, encoding, quotes"

// signFile says which way the points of a row go, where that is a column of its own.
type signFile struct {
	Column any `yaml:"column"`
	ref    columnRef
	Plus   []string `yaml:"plus"`
	Minus  []string `yaml:"minus"`
	// Ignore are kinds of rows that are left out.
	Ignore []string `yaml:"ignore"`
}

// columnRef is a column by its heading or, when that is empty, by its place from 0.
type columnRef struct {
	heading string
	// written is the heading as the map has it, for errors.
	written string
	place   int
}

// refsOf reads the three ways to name a column: a heading, a list of headings, or
// {column: C}.
func refsOf(value any) (refs []columnRef, problem string) {
	list, many := value.([]any)
	if !many {
		list = []any{value}
	}
	for _, item := range list {
		ref, ok := refOf(item)
		if !ok {
			return nil, fmt.Sprintf("want a column's heading, a list of headings, or {column: C} for one without a heading of its own, got %v", item)
		}
		refs = append(refs, ref)
	}
	if refs == nil {
		return nil, "want a column's heading"
	}
	return refs, ""
}

func refOf(item any) (columnRef, bool) {
	switch v := item.(type) {
	case string:
		heading := headingKey(v)
		return columnRef{heading: heading, written: v}, heading != ""
	case map[string]any:
		letters, isText := v["column"].(string)
		place, ok := placeOf(letters)
		return columnRef{place: place}, isText && ok && len(v) == 1
	case int, int64, uint64, float64:
		return columnRef{heading: fmt.Sprint(v)}, true
	}
	return columnRef{}, false
}

// placeOf is the place of a column from 0, by its letters.
func placeOf(letters string) (int, bool) {
	n := 0
	for _, c := range strings.ToUpper(letters) {
		if c < 'A' || c > 'Z' || n > maxColumns {
			return 0, false
		}
		n = n*26 + int(c-'A') + 1
	}
	return n - 1, n > 0 && n <= maxColumns
}

func lettersOf(place int) string {
	text := ""
	for n := place + 1; n > 0; n = (n - 1) / 26 {
		text = string(rune('A'+(n-1)%26)) + text
	}
	return text
}

// maxMapBytes bounds a map. One has some lines.
const maxMapBytes = 1 << 20

// ReadMap reads a map from a YAML file. The error is a *MapError, or that of reading.
func ReadMap(path string) (*Map, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the map: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxMapBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the map: %w", err)
	}
	return ParseMap(path, text)
}

// ParseMap reads a map; name stands in errors. The error is a *MapError.
func ParseMap(name string, text []byte) (*Map, error) {
	switch {
	case len(text) > maxMapBytes:
		return nil, &MapError{File: name, Problem: "want at most 1 MB: this is no map"}
	case !utf8.Valid(text):
		return nil, &MapError{File: name, Problem: "want UTF-8 text"}
	}
	var f mapFile
	if err := yaml.UnmarshalWithOptions(text, &f, yaml.Strict()); err != nil && !errors.Is(err, io.EOF) {
		return nil, mapError(name, err)
	}
	m, err := f.check()
	if err != nil {
		return nil, &MapError{File: name, Line: lineOfKey(text, err.key), Problem: err.key + ": " + err.problem}
	}
	m.name = name
	return m, nil
}

var errorPlace = regexp.MustCompile(`^\[(\d+):\d+\] (.*)`)
var unknownKey = regexp.MustCompile(`^unknown field "(.*)"$`)

// mapError reduces the YAML library's error, which quotes the source over several lines.
func mapError(name string, err error) *MapError {
	first, _, _ := strings.Cut(yaml.FormatError(err, false, false), "\n")
	e := &MapError{File: name, Problem: first}
	if at := errorPlace.FindStringSubmatch(first); at != nil {
		e.Line, _ = strconv.Atoi(at[1])
		e.Problem = at[2]
	}
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) {
		e.Problem = "this is not YAML (a map says which column is what, as columns: {…}; indent with spaces): " + strings.ReplaceAll(e.Problem, "\t", "\\t")
	}
	if key := unknownKey.FindStringSubmatch(e.Problem); key != nil {
		e.Problem = fmt.Sprintf("unknown key %s; the keys of a map are %s; those of sign are column, plus, minus, ignore", key[1], mapKeys)
	}
	return e
}

// lineOfKey finds the line of a key such as columns.membr, by its last part.
func lineOfKey(text []byte, key string) int {
	last := key[strings.LastIndexByte(key, '.')+1:]
	found := regexp.MustCompile(`(?m)(^|[\s{,"'])` + regexp.QuoteMeta(last) + `["']?\s*:`).FindIndex(text)
	if found == nil {
		return 0
	}
	return 1 + strings.Count(strings.TrimRight(string(text[:found[1]]), "\r\n"), "\n")
}

// keyError is about a key of the map.
type keyError struct{ key, problem string }

func (f *mapFile) check() (*Map, *keyError) {
	m := &Map{columns: map[Field][]columnRef{}, sign: f.Sign, sheet: f.Sheet, footers: f.Footers, headerRow: 1}
	for _, check := range []func(*mapFile, *Map) *keyError{
		(*mapFile).checkColumns, (*mapFile).checkSign, (*mapFile).checkTimes, (*mapFile).checkAmounts, (*mapFile).checkSheet, (*mapFile).checkCSV,
	} {
		if err := check(f, m); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (f *mapFile) checkColumns(m *Map) *keyError {
	if len(f.Columns) == 0 {
		return &keyError{"columns", "want a field and its column's heading for each line: " + fieldNames()}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Columns)) {
		field := Field(name)
		refs, problem := refsOf(f.Columns[name])
		switch {
		case field.bit() == 0:
			return &keyError{"columns." + name, "there is no such field; the fields are " + fieldNames()}
		case problem != "":
			return &keyError{"columns." + name, problem}
		case len(refs) > 1 && field != At && field != Text:
			return &keyError{"columns." + name, "want one column; only at (a date and a time) and text may have several"}
		}
		m.columns[field] = refs
	}
	in, out := m.columns[PointsIn] != nil, m.columns[PointsOut] != nil
	switch {
	case in != out:
		return &keyError{"columns", "points_in and points_out go together"}
	case in && m.columns[Points] != nil:
		return &keyError{"columns.points", "want points, or points_in and points_out, and not both"}
	}
	return nil
}

func fieldNames() string {
	var names []string
	for _, f := range fields {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}

func (f *mapFile) checkSign(m *Map) *keyError {
	s := f.Sign
	if s == nil {
		return nil
	}
	refs, problem := refsOf(s.Column)
	if problem == "" && len(refs) == 1 {
		s.ref = refs[0]
	}
	switch {
	case problem != "" || len(refs) != 1:
		return &keyError{"sign.column", "want the heading of the column that says which way a row's points go"}
	case m.columns[PointsIn] != nil:
		return &keyError{"sign", "points_in and points_out say the way already: leave sign out"}
	case len(s.Plus) == 0 && len(s.Minus) == 0 && len(s.Ignore) == 0:
		return &keyError{"sign", "want plus and minus: the texts of that column for points given and taken"}
	}
	seen := map[string]bool{}
	for _, list := range [][]string{s.Plus, s.Minus, s.Ignore} {
		for i, text := range list {
			list[i] = cleaned(text)
			if seen[list[i]] {
				return &keyError{"sign", fmt.Sprintf("%q is there twice", text)}
			}
			seen[list[i]] = true
		}
	}
	return nil
}

// defaultZone is that of the programmes this is used by, as in the rules.
const defaultZone = "Asia/Shanghai"

func (f *mapFile) checkTimes(m *Map) *keyError {
	name := f.Zone
	if name == "" {
		name = defaultZone
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return &keyError{"zone", fmt.Sprintf("want the name of a time zone such as %s or UTC, got %q", defaultZone, name)}
	}
	m.zone = zone
	for _, text := range f.TimeFormats {
		l, problem := layoutOf(text)
		if problem != "" {
			return &keyError{"time_formats", problem}
		}
		m.layouts = append(m.layouts, l)
	}
	return nil
}

func (f *mapFile) checkAmounts(m *Map) *keyError {
	switch f.AmountUnit {
	case "", "yuan":
		m.decimals = 2
	case "fen":
	default:
		return &keyError{"amount_unit", fmt.Sprintf("want yuan or fen, as the file has it, got %q", f.AmountUnit)}
	}
	return nil
}

func (f *mapFile) checkSheet(m *Map) *keyError {
	if f.Sheet != "" {
		m.onlyWorkbook = "sheet"
	}
	if f.HeaderRow != nil {
		m.headerRow = *f.HeaderRow
	}
	if m.headerRow < 0 || m.headerRow > maxHeaderRow {
		return &keyError{"header_row", fmt.Sprintf("want the row that has the headings, 1 to %d, or 0 for a file without headings, got %d", maxHeaderRow, m.headerRow)}
	}
	if m.headerRow == 0 {
		for _, field := range fields {
			if slices.ContainsFunc(m.columns[field], func(r columnRef) bool { return r.heading != "" }) {
				return &keyError{"columns." + string(field), "a file without headings (header_row: 0) has columns by their letters: write {column: A}"}
			}
		}
	}
	for i, text := range m.footers {
		if m.footers[i] = cleaned(text); m.footers[i] == "" {
			return &keyError{"footers", "want what the first cell of such a row begins with, and not an empty text"}
		}
	}
	return nil
}

func (f *mapFile) checkCSV(m *Map) *keyError {
	switch d := []rune(f.Delimiter); {
	case f.Delimiter == "":
	case f.Delimiter == "tab" || f.Delimiter == `\t`:
		m.delimiter = '\t'
	case len(d) == 1 && !strings.ContainsRune("\"\r\n\ufffd", d[0]):
		m.delimiter = d[0]
	default:
		return &keyError{"delimiter", fmt.Sprintf(`want one character, such as "," ";" "|" or tab, got %q`, f.Delimiter)}
	}
	switch strings.ToLower(f.Encoding) {
	case "", "utf-8", "utf8":
		m.encoding = utf8Name
	case "gb18030", "gbk", "gb2312":
		m.encoding = gbName
	default:
		return &keyError{"encoding", fmt.Sprintf("want utf-8 or gb18030 (which reads gbk too), got %q", f.Encoding)}
	}
	switch f.Quotes {
	case "", "strict":
	case "lazy":
		m.lazy = true
	default:
		return &keyError{"quotes", fmt.Sprintf("want strict, or lazy for a file with quotation marks inside its cells, got %q", f.Quotes)}
	}
	for _, k := range []struct{ name, value string }{{"delimiter", f.Delimiter}, {"encoding", f.Encoding}, {"quotes", f.Quotes}} {
		if k.value != "" {
			m.onlyCSV = k.name
		}
	}
	return nil
}
