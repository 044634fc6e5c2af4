package config

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// ratesOf loads the built-in rules with one account, and returns it.
func ratesOf(t *testing.T, account string, environ ...string) Account {
	t.Helper()
	bare, _, _ := strings.Cut(string(DefaultFile()), "\nvendors:")
	file := bare + "\nvendors:\n  - name: zhimai\n    kind: zhimai\n" + account + "  - {name: kylin, kind: kylin}\n"
	c := mustLoad(t, with(good, append(environ, "WORKER_CONFIG=f")...), files{"f": file})
	return c.Accounts[0]
}

func TestRates(t *testing.T) {
	shipped, _ := mustLoad(t, good, nil).Account("zhimai")
	ten := map[string]int{"points_add": 10, "records": 10, "member": 10}
	if !reflect.DeepEqual(shipped.Rates, ten) || shipped.OperationRate() != 10 || shipped.RateOf("records") != 10 {
		t.Errorf("the built-in file has the rates %v", shipped.Rates)
	}
	if kylin, _ := mustLoad(t, good, nil).Account("kylin"); kylin.Rates != nil || kylin.OperationRate() != 0 {
		t.Errorf("kylin has the rates %v", kylin.Rates)
	}
	for _, test := range []struct {
		account string
		environ []string
		all     int
		each    map[string]int
	}{
		{"", nil, 0, nil}, // a file that says nothing of it has no cap
		{"    rate_per_second: 7\n", nil, 7, nil},
		{"    rates: {points_add: 3, member: 0}\n", nil, 0, map[string]int{"points_add": 3}},
		{"    rates: {points_add: 3}\n    rate_per_second: 0\n", nil, 0, map[string]int{"points_add": 3}},
		{"    rates:\n", nil, 0, nil},
		// The environment goes before both.
		{"    rates: {points_add: 3}\n", []string{"ZHIMAI_RATE=0"}, 0, nil},
		{"    rate_per_second: 7\n", []string{"ZHIMAI_RATE=5"}, 0, map[string]int{"points_add": 5, "records": 5, "member": 5}},
	} {
		v := ratesOf(t, test.account, test.environ...)
		if v.RatePerSecond != test.all || !reflect.DeepEqual(v.Rates, test.each) {
			t.Errorf("%q %q: %d over all, %v each; want %d, %v", test.account, test.environ, v.RatePerSecond, v.Rates, test.all, test.each)
		}
	}
	if v := ratesOf(t, "    rate_per_second: 7\n"); v.RateOf("records") != 7 || v.OperationRate() != 7 {
		t.Errorf("one rate over all: %d of records, %d of operations", v.RateOf("records"), v.OperationRate())
	}
}

func TestRatesThatAreWrong(t *testing.T) {
	bare, _, _ := strings.Cut(string(DefaultFile()), "\nvendors:")
	lines := strings.Count(bare, "\n")
	_, err := Load(with(good, "WORKER_CONFIG=f", "KYLIN_RATE=many"), files{"f": bare + `
vendors:
  - name: a
    kind: zhimai
    rates: {freeze_point: 10, points_add: 1.5, records: 100001}
  - name: b
    kind: zhimai
    rates: 10
  - name: c
    kind: zhimai
    rate_per_second: 7
    rates: {records: 3}
  - name: kylin
    kind: kylin
    fresh_share: 2
  - name: own
    kind: custom
    rates: 3
`}.read)
	if err == nil {
		t.Fatal("it was accepted")
	}
	for _, want := range []string{
		"f:" + strconv.Itoa(lines+5) + " vendors.a.rates.freeze_point: Zhimai makes no such call; want points_add, records, member",
		`vendors.a.rates.points_add: want a whole number of calls a second from 0 (no cap) to 100000, got "1.5"`,
		`vendors.a.rates.records: want a whole number of calls a second from 0 (no cap) to 100000, got "100001"`,
		"f:" + strconv.Itoa(lines+8) + " vendors.b.rates: want the calls with their most in a second, such as {points_add: 10}",
		"f:" + strconv.Itoa(lines+12) + " vendors.c.rates: want rates, one for each call, or rate_per_second, one over all calls, got both: take one of them out",
		`vendors.kylin.fresh_share: want a number from 0 to 1 such as 0.5, got "2"`,
		`vendors.own.rates: want the calls with their most in a second, such as {points_add: 10}`,
		`KYLIN_RATE: want a whole number from 0 (no cap) to 100000, got "many"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
}
