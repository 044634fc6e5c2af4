package money

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// maxValuesBytes bounds a values file. One has some lines for each change of an estimate.
const maxValuesBytes = 1 << 20

// maxDigits bounds numerator and denominator of an estimate, so that points times both fit
// 64 bits: see MostPoints.
const maxDigits = 1_000_000

// ReadValues reads a values file. The error is a *ValuesError, or that of reading.
func ReadValues(path string) (*Values, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the values: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxValuesBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the values: %w", err)
	}
	return ParseValues(path, text)
}

// valuesFile is a values file as it stands in YAML.
type valuesFile struct {
	Values      []entryFile            `yaml:"values"`
	Accounts    map[string]accountFile `yaml:"accounts"`
	Zone        scalar                 `yaml:"zone"`
	Word        scalar                 `yaml:"word"`
	PreparedBy  scalar                 `yaml:"prepared_by"`
	Departments map[string]scalar      `yaml:"departments"`
	Expiry      []scalar               `yaml:"expiry_texts"`
}

type entryFile struct {
	From        scalar `yaml:"from"`
	FenPerPoint scalar `yaml:"fen_per_point"`
	Expected    scalar `yaml:"expected_redemption"`
	VAT         scalar `yaml:"vat"`
	Allocation  scalar `yaml:"allocation"`
}

type accountFile struct {
	Code scalar `yaml:"code"`
	Name scalar `yaml:"name"`
}

// scalar is a value as it is written: 0.7 is not read as a float, nor 2204 as a number.
type scalar struct {
	text string
	line int
}

// UnmarshalYAML takes a node's text.
func (s *scalar) UnmarshalYAML(node ast.Node) error {
	s.line = node.GetToken().Position.Line
	switch n := node.(type) {
	case *ast.StringNode:
		s.text = n.Value
	case *ast.IntegerNode, *ast.FloatNode:
		s.text = node.GetToken().Value
	case *ast.NullNode:
	default:
		return problem(s.line, "want a text or a number, got a %s", strings.ToLower(node.Type().String()))
	}
	s.text = strings.TrimSpace(s.text)
	return nil
}

// keysOfValues stand in the error about another key.
const keysOfValues = "values (from, fen_per_point, expected_redemption, vat, allocation), accounts (code and name of a role), zone, word, prepared_by, departments, expiry_texts"

var (
	yamlPlace  = regexp.MustCompile(`^\[(\d+):\d+\] (.*)`)
	unknownKey = regexp.MustCompile(`^unknown field "(.*)"$`)
)

// ParseValues reads a values file; name stands in errors. The error is a *ValuesError.
func ParseValues(name string, text []byte) (*Values, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	switch {
	case len(text) > maxValuesBytes:
		return nil, &ValuesError{File: name, Problem: "want at most 1 MB: these are no values"}
	case !utf8.Valid(text):
		return nil, &ValuesError{File: name, Problem: "want UTF-8 text: save it as that"}
	}
	var f valuesFile
	if err := yaml.UnmarshalWithOptions(text, &f, yaml.Strict()); err != nil && !errors.Is(err, io.EOF) {
		return nil, yamlProblem(name, err)
	}
	v := &Values{Chart: UsualChart(), Word: "记", name: name, text: string(text)}
	for _, check := range []func(*valuesFile, *Values) error{(*valuesFile).entries, (*valuesFile).chart, (*valuesFile).rest} {
		if err := check(&f, v); err != nil {
			var at *ValuesError
			if errors.As(err, &at) {
				at.File = name
			}
			return nil, err
		}
	}
	return v, nil
}

// yamlProblem reduces the YAML library's error, which quotes the source over several lines.
func yamlProblem(name string, err error) *ValuesError {
	var known *ValuesError
	if errors.As(err, &known) {
		return &ValuesError{File: name, Line: known.Line, Problem: known.Problem}
	}
	first, _, _ := strings.Cut(yaml.FormatError(err, false, false), "\n")
	e := &ValuesError{File: name, Problem: first}
	if at := yamlPlace.FindStringSubmatch(first); at != nil {
		e.Line, _ = strconv.Atoi(at[1])
		e.Problem = at[2]
	}
	if key := unknownKey.FindStringSubmatch(e.Problem); key != nil {
		e.Problem = fmt.Sprintf("unknown key %s; the keys are %s", key[1], keysOfValues)
	}
	return e
}

func problem(line int, format string, args ...any) error {
	return &ValuesError{Line: line, Problem: fmt.Sprintf(format, args...)}
}

func (f *valuesFile) entries(v *Values) error {
	if len(f.Values) == 0 {
		return problem(0, "values: want one entry or more, each with from, fen_per_point and expected_redemption")
	}
	for i := range f.Values {
		e, err := f.Values[i].entry()
		if err != nil {
			return err
		}
		if i > 0 {
			switch before := &v.Entries[i-1]; {
			case before.From == e.From:
				return problem(e.Line, "values: two entries from %s, the other in line %d: one date has one estimate", e.From, before.Line)
			case before.From > e.From:
				return problem(e.Line, "values: from %s stands after %s in line %d: want the entries in the order of their dates", e.From, before.From, before.Line)
			}
		}
		v.Entries = append(v.Entries, *e)
	}
	return nil
}

func (f *entryFile) entry() (*Entry, error) {
	e := &Entry{From: Day(f.From.text), Line: f.From.line, VAT: new(big.Rat), Method: Relative}
	if _, err := time.Parse(time.DateOnly, f.From.text); err != nil {
		return nil, problem(max(f.From.line, f.FenPerPoint.line), "from: want the business date from which it holds, such as 2026-11-01, got %q", f.From.text)
	}
	var err error
	if e.FenPerPoint, err = f.FenPerPoint.rational("fen_per_point", e.Line, "the price of a redeemed point in fen, such as 0.7, 7/10 or 1"); err != nil {
		return nil, err
	}
	if e.Expected, err = f.Expected.rational("expected_redemption", e.Line, "the share of granted points that is redeemed, such as 0.95, 97/100, 9700/10000 or 95%"); err != nil {
		return nil, err
	}
	if f.VAT.text != "" {
		if e.VAT, err = f.VAT.rational("vat", e.Line, "the tax that is in amounts, such as 13%, or nothing for amounts without tax"); err != nil {
			return nil, err
		}
	}
	one := big.NewRat(1, 1)
	switch {
	case e.FenPerPoint.Sign() <= 0:
		return nil, problem(f.FenPerPoint.line, "fen_per_point: want more than 0, got %s", f.FenPerPoint.text)
	case e.Expected.Sign() <= 0 || e.Expected.Cmp(one) > 0:
		return nil, problem(f.Expected.line, "expected_redemption: want a share above 0 and at most 1, such as 0.95 or 9700/10000, got %s", f.Expected.text)
	case e.VAT.Sign() < 0 || e.VAT.Cmp(one) > 0:
		return nil, problem(f.VAT.line, "vat: want a share from 0 to 1, such as 13%%, got %s", f.VAT.text)
	}
	switch m := Method(f.Allocation.text); m {
	case "":
	case Relative, Full:
		e.Method = m
	default:
		return nil, problem(f.Allocation.line, "allocation: want relative (by relative stand-alone selling prices, which is usual) or full, got %q", m)
	}
	return e, nil
}

var rationalText = regexp.MustCompile(`^-?[0-9]{1,12}(\.[0-9]{1,12})?(/[0-9]{1,12}|%)?$`)

// rational reads 7/10, 0.7 and 70% as what they are.
func (s *scalar) rational(key string, line int, want string) (*big.Rat, error) {
	if s.line > 0 {
		line = s.line
	}
	text, percent := strings.CutSuffix(s.text, "%")
	r, ok := new(big.Rat).SetString(text)
	if !ok || !rationalText.MatchString(s.text) {
		return nil, problem(line, "%s: want %s, got %q", key, want, s.text)
	}
	if percent {
		r.Quo(r, big.NewRat(100, 1))
	}
	if !r.Num().IsInt64() || r.Num().Int64() > maxDigits || r.Denom().Int64() > maxDigits {
		return nil, problem(line, "%s: want numerator and denominator of at most %d, got %s", key, maxDigits, r.RatString())
	}
	return r, nil
}

var accountCode = regexp.MustCompile(`^[0-9A-Za-z.\-]{1,40}$`)

func (f *valuesFile) chart(v *Values) error {
	for _, name := range slices.Sorted(maps.Keys(f.Accounts)) {
		role, a := Role(name), f.Accounts[name]
		usual, known := v.Chart[role]
		switch {
		case !known:
			return problem(max(a.Code.line, a.Name.line), "accounts.%s: there is no such role; the roles are %s", name, roleNames())
		case !accountCode.MatchString(a.Code.text):
			return problem(max(a.Code.line, a.Name.line), "accounts.%s.code: want the account's code, such as %q, got %q", name, usual.Code, a.Code.text)
		case a.Name.text == "" || !plain(a.Name.text, 60):
			return problem(max(a.Code.line, a.Name.line), "accounts.%s.name: want the account's name, such as %s, without commas, semicolons and quotation marks, got %q", name, usual.Name, a.Name.text)
		}
		v.Chart[role] = Account{a.Code.text, a.Name.text}
	}
	names := map[string]string{}
	for _, r := range roles {
		a := v.Chart[r.Role]
		if other, there := names[a.Code]; there && other != a.Name {
			return problem(f.Accounts[string(r.Role)].Code.line, "accounts: %s is named %s and %s: want one name for a code", a.Code, other, a.Name)
		}
		names[a.Code] = a.Name
	}
	return nil
}

func roleNames() string {
	var names []string
	for _, r := range roles {
		names = append(names, string(r.Role))
	}
	return strings.Join(names, ", ")
}

// plain: a text that no file format takes for something else.
func plain(text string, most int) bool {
	return utf8.RuneCountInString(text) <= most && !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune(`,;|"'=@`, r)
	}) && !strings.Contains(text, "  ")
}

// usualZone is that of the programmes that this is used by, as in the rules.
const usualZone = "Asia/Shanghai"

func (f *valuesFile) rest(v *Values) error {
	zone := f.Zone.text
	if zone == "" {
		zone = usualZone
	}
	var err error
	if v.Zone, err = time.LoadLocation(zone); err != nil || zone == "Local" {
		return problem(f.Zone.line, "zone: want the name of a time zone such as %s, got %q", usualZone, zone)
	}
	if f.Word.text != "" {
		v.Word = f.Word.text
	}
	if !plain(v.Word, 4) {
		return problem(f.Word.line, "word: want the word of a voucher's number, such as 记, got %q", v.Word)
	}
	if v.PreparedBy = f.PreparedBy.text; !plain(v.PreparedBy, 20) {
		return problem(f.PreparedBy.line, "prepared_by: want a name of at most 20 characters, got %q", v.PreparedBy)
	}
	v.Departments = map[string]string{}
	for shop, code := range f.Departments {
		if !accountCode.MatchString(code.text) {
			return problem(code.line, "departments: want the accounting program's code of shop %s, got %q", shop, code.text)
		}
		v.Departments[shop] = code.text
	}
	for _, text := range f.Expiry {
		if text.text == "" {
			return problem(text.line, "expiry_texts: want a text that records of expired points hold, such as 过期")
		}
		v.Expiry = append(v.Expiry, text.text)
	}
	if f.Expiry == nil {
		v.Expiry = []string{"过期", "失效", "清零"}
	}
	return nil
}
