package money

import (
	"errors"
	"strings"
	"testing"
)

func TestValuesAreRead(t *testing.T) {
	t.Parallel()
	v := valuesOf(t, "\ufeff"+`# estimates
values:
  - from: 2026-01-01
    fen_per_point: 0.7      # not a float
    expected_redemption: 95%
  - from: "2026-07-01"
    fen_per_point: 2/3
    expected_redemption: 9700/10000
    vat: 0.13
    allocation: full
accounts:
  contract_liability: {code: 2204.01, name: 合同负债—积分}
zone: Asia/Urumqi
word: 转
prepared_by: 李会计
departments: {SH-01: 0101}
expiry_texts: [过期]
`)
	for _, want := range []struct{ got, want string }{
		{v.at("2026-06-30").FenPerPoint.RatString(), "7/10"}, {v.at("2026-06-30").Expected.RatString(), "19/20"}, {string(v.at("2026-06-30").Method), "relative"},
		{v.at("2026-07-01").FenPerPoint.RatString(), "2/3"}, {v.at("2026-07-01").Expected.RatString(), "97/100"}, {v.at("2026-07-01").VAT.RatString(), "13/100"},
		{v.Chart[ContractLiability].Code, "2204.01"}, {v.Chart[Revenue].Name, "主营业务收入"}, {v.Departments["SH-01"], "0101"}, {v.Zone.String(), "Asia/Urumqi"},
		{v.Word + v.PreparedBy + v.Expiry[0], "转李会计过期"},
	} {
		if want.got != want.want {
			t.Errorf("got %q, want %q", want.got, want.want)
		}
	}
	if v.at("2025-12-31") != nil {
		t.Error("there is an estimate before the first entry")
	}
}

func TestValuesThatAreRefused(t *testing.T) {
	t.Parallel()
	good := "values:\n" + entryText("2026-01-01", "1", "0.95")
	for _, c := range []struct{ text, want string }{
		{"", "v.yaml: values: want one entry or more"},
		{"values: []", "v.yaml: values: want one entry or more"},
		{good + entryText("2026-01-01", "2", "0.9"), "v.yaml:3: values: two entries from 2026-01-01, the other in line 2"},
		{good + entryText("2025-01-01", "2", "0.9"), "v.yaml:3: values: from 2025-01-01 stands after 2026-01-01 in line 2"},
		{"values:\n  - {fen_per_point: 1, expected_redemption: 1}", "v.yaml:2: from: want the business date"},
		{"values:\n" + entryText("20260101", "1", "1"), `v.yaml:2: from: want the business date from which it holds, such as 2026-11-01, got "20260101"`},
		{"values:\n" + entryText("2026-01-01", "1e3", "1"), `v.yaml:2: fen_per_point: want the price of a redeemed point in fen, such as 0.7, 7/10 or 1, got "1e3"`},
		{"values:\n" + entryText("2026-01-01", "0", "1"), "v.yaml:2: fen_per_point: want more than 0"},
		{"values:\n" + entryText("2026-01-01", "1/0", "1"), `v.yaml:2: fen_per_point: want the price`},
		{"values:\n" + entryText("2026-01-01", "0.0000001", "1"), "v.yaml:2: fen_per_point: want numerator and denominator of at most 1000000, got 1/10000000"},
		{"values:\n" + entryText("2026-01-01", "1", "101%"), "v.yaml:2: expected_redemption: want a share above 0 and at most 1"},
		{"values:\n" + entryText("2026-01-01", "1", "9700"), "v.yaml:2: expected_redemption: want a share above 0 and at most 1"},
		{"values:\n" + entryText("2026-01-01", "1", "1", ", vat: 13"), "v.yaml:2: vat: want a share from 0 to 1"},
		{"values:\n" + entryText("2026-01-01", "1", "1", ", allocation: residual"), `v.yaml:2: allocation: want relative`},
		{"values:\n" + entryText("2026-01-01", "1", "[1]"), "v.yaml:2: "},
		{good + "acounts: {}", "v.yaml:3: unknown key acounts; the keys are values (from"},
		{good + "accounts:\n  revenu: {code: 1, name: a}", "v.yaml:4: accounts.revenu: there is no such role; the roles are revenue, contract_liability"},
		{good + "accounts:\n  revenue: {code: '60 01', name: a}", "v.yaml:4: accounts.revenue.code: want the account's code"},
		{good + "accounts:\n  revenue: {code: 6001, name: 'a,b'}", "v.yaml:4: accounts.revenue.name: want the account's name"},
		{good + "accounts:\n  revenue: {code: 6001, name: 收入}", "accounts: 6001 is named 收入 and 主营业务收入"},
		{good + "zone: Mars", `v.yaml:3: zone: want the name of a time zone such as Asia/Shanghai, got "Mars"`},
		{good + "departments: {S: 'a b'}", "v.yaml:3: departments: want the accounting program's code of shop S"},
		{good + "prepared_by: 'a,b'", "v.yaml:3: prepared_by: want a name"},
		{"values:\n\xcb\xc4", "v.yaml: want UTF-8 text"},
	} {
		_, err := ParseValues("v.yaml", []byte(c.text))
		var wrong *ValuesError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q\ngot  %v\nwant %s", c.text, err, c.want)
		}
	}
}

// What a handed-out journal used stays as it was, to the entry; what comes after may be anything.
func TestUsedValuesStay(t *testing.T) {
	t.Parallel()
	used := valuesOf(t, "values:\n"+entryText("2026-01-01", "1", "0.95")+entryText("2026-03-01", "1", "0.9")+entryText("2026-06-01", "1", "0.8"))
	for _, c := range []struct{ text, want string }{
		{entryText("2026-01-01", "1.0", "95/100") + entryText("2026-03-01", "1", "90%") + entryText("2026-04-01", "2", "0.5"), ""},
		{entryText("2026-01-01", "1", "0.95") + entryText("2026-03-01", "1", "0.91"), "v.yaml:3: the entry from 2026-03-01 said fen_per_point 1, expected_redemption 9/10, vat 0, allocation relative; journals up to 2026-03-31 were handed out with it"},
		{entryText("2026-01-01", "1", "0.95"), "v.yaml:2: the entry from 2026-03-01 is missing"},
		{entryText("2025-01-01", "1", "0.95") + entryText("2026-01-01", "1", "0.95") + entryText("2026-03-01", "1", "0.9"), "v.yaml:2: an entry from 2025-01-01 was not there"},
		{entryText("2026-01-01", "1", "0.95") + entryText("2026-03-01", "1", "0.9") + entryText("2026-03-31", "1", "0.9"), "v.yaml:4: an entry from 2026-03-31 was not there"},
	} {
		v, err := ParseValues("v.yaml", []byte("values:\n"+c.text))
		if err != nil {
			t.Fatal(err)
		}
		err = v.keepsTo(used, "2026-03-31")
		switch {
		case c.want == "" && err != nil:
			t.Error(err)
		case c.want != "" && (!errors.Is(err, ErrValuesUsed) || !strings.HasPrefix(err.Error(), c.want)):
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}

// The example can be used as it is, and names every key.
func TestExampleOfValues(t *testing.T) {
	t.Parallel()
	v := valuesOf(t, Example)
	if len(v.Entries) != 1 || v.Entries[0].VAT.RatString() != "13/100" || v.Word != "记" || len(v.Departments) != 0 || len(v.Expiry) != 3 {
		t.Errorf("%+v", v)
	}
	for _, role := range roles {
		if !strings.Contains(Example, string(role.Role)+": {code: \""+role.usual.Code+"\", name: "+role.usual.Name+"}") {
			t.Errorf("the example lacks %s as it usually is", role.Role)
		}
	}
	for _, key := range []string{"values", "from", "fen_per_point", "expected_redemption", "vat", "allocation", "accounts", "zone", "word", "prepared_by", "departments", "expiry_texts"} {
		if !strings.Contains(keysOfValues, key) || !strings.Contains(Example, key+":") {
			t.Errorf("the example or the error about a wrong key lacks %s", key)
		}
	}
}
