package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"pointsledger/dispatch"
	"pointsledger/ledger"
)

// mostPerSecond bounds a rate.
const mostPerSecond = 100_000

// paced are the calls of an account that can have a rate of their own.
func (f *accountFields) paced() (calls []string) {
	for _, kind := range f.kind.Calls {
		calls = append(calls, string(kind))
	}
	if f.kind.Records {
		calls = append(calls, dispatch.CallRecords)
	}
	if f.kind.Records || f.kind.ScannedCodes {
		calls = append(calls, dispatch.CallMember)
	}
	return calls
}

// rates reads how many calls may start in a second: one number over all calls, one
// for each, or for a kind's own account one for each from the environment, which
// goes before what the file says. A call that is not named has no cap.
func (f *accountFields) rates() (all int, each map[string]int) {
	all = f.integer("rate_per_second", 0, 0, mostPerSecond)
	each, from := f.eachRate()
	if f.own {
		variable := strings.ToUpper(f.kind.Name) + "_RATE"
		if text := f.e.get(variable); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 || n > mostPerSecond {
				f.e.addf(variable, "want a whole number from 0 (no cap) to %d, got %q", mostPerSecond, text)
			}
			all, each, from = 0, nil, fromEnvironment
			if n > 0 {
				each = map[string]int{}
				for _, call := range f.paced() {
					each[call] = n
				}
			}
		}
	}
	if all > 0 && len(each) > 0 {
		f.addf("rates", "want rates, one for each call, or rate_per_second, one over all calls, got both: take one of them out")
	}
	shown := make([]string, 0, len(each))
	for _, call := range slices.Sorted(maps.Keys(each)) {
		shown = append(shown, fmt.Sprintf("%s %d", call, each[call]))
	}
	f.note("rates", orUnset(strings.Join(shown, ", ")), from)
	return all, each
}

// RateOf is the most calls of a name that may start in a second; 0 is no cap.
func (v Account) RateOf(call string) int {
	if v.RatePerSecond > 0 {
		return v.RatePerSecond
	}
	return v.Rates[call]
}

// OperationRate is the most calls of operations that may start in a second, of the
// kind that goes fastest; 0 is no cap.
func (v Account) OperationRate() (most int) {
	most = v.RatePerSecond
	for call, rate := range v.Rates {
		if call != dispatch.CallRecords && call != dispatch.CallMember {
			most = max(most, rate)
		}
	}
	return most
}

// eachRate reads the mapping of calls to their rates. 0 is no cap.
func (f *accountFields) eachRate() (each map[string]int, from string) {
	f.known = append(f.known, "rates")
	node, ok := f.nodes["rates"]
	if !ok || node.Type() == ast.NullType {
		return nil, fromDefault
	}
	mapping, ok := node.(ast.MapNode)
	if !ok {
		f.addf("rates", "want the calls with their most in a second, such as {%s: 10}", append(f.paced(), string(ledger.PointsAdd))[0])
		return nil, f.from
	}
	for entries := mapping.MapRange(); entries.Next(); {
		call, value := keyText(entries.Key()), entries.Value()
		place := fmt.Sprintf("%s:%d %s.rates.%s", f.file, lineOf(entries.Key()), f.path, call)
		text, _ := scalarText(value)
		n, err := strconv.Atoi(text)
		switch {
		case !slices.Contains(f.paced(), call):
			f.e.addf(place, "%s makes no such call; want %s", f.kind.Title, strings.Join(f.paced(), ", "))
		case err != nil || n < 0 || n > mostPerSecond:
			f.e.addf(place, "want a whole number of calls a second from 0 (no cap) to %d, got %q", mostPerSecond, text)
		case n > 0:
			if each == nil {
				each = map[string]int{}
			}
			each[call] = n
		}
	}
	return each, f.from
}
