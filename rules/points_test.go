package rules

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestRateIsExact(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		amount int64
		rate   rate
		want   int64
		fits   bool
	}{
		{12999, rate{1, 100}, 129, true},
		{0, rate{1, 100}, 0, true},
		{math.MaxInt64, rate{1, 1}, math.MaxInt64, true},
		{math.MaxInt64, rate{0, 1}, 0, true},
		{math.MaxInt64, rate{math.MaxInt64, math.MaxInt64}, math.MaxInt64, true},
		{math.MaxInt64, rate{2, 1}, 0, false},
		{math.MaxInt64, rate{math.MaxInt64, 1}, 0, false},
		{math.MaxInt64, rate{3, 2}, 0, false},
	} {
		got, fits := tc.rate.of(tc.amount, roundDown)
		if fits != tc.fits || fits && got != tc.want {
			t.Errorf("%d × %+v = %d, %v, want %d, %v", tc.amount, tc.rate, got, fits, tc.want, tc.fits)
		}
	}
	for range 5000 {
		amount := rand.Int64() >> rand.IntN(63)
		r := rate{points: rand.Int64() >> rand.IntN(63), per: 1 + rand.Int64()>>(1+rand.IntN(62))}
		want := new(big.Int).Mul(big.NewInt(amount), big.NewInt(r.points))
		want.Quo(want, big.NewInt(r.per))
		got, fits := r.of(amount, roundDown)
		if fits != want.IsInt64() || fits && got != want.Int64() {
			t.Fatalf("%d × %+v = %d, %v, want %s", amount, r, got, fits, want)
		}
	}
}

func TestHugeAmountIsOverTheLimit(t *testing.T) {
	t.Parallel()
	file := defaultRulesFile()
	file.Rules[0].Events[0].Operations[0].Points.Ratio.Points = 1000
	d := rejected(t, compiled(t, file, defaultAccounts()), orderWith("12999", "9223372036854775807"), nil)
	if !strings.Contains(d.Rejection.Error(), "over_limit: data.amountFen: gives more points than 64 bits hold") {
		t.Errorf("got %v", d.Rejection)
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	who := `"member":{"customerId":"1"},"ticketId":"1","prizePoints":1`
	for _, tc := range []struct {
		name string
		when ConditionFile
		data string
		want bool
	}{
		{"above", ConditionFile{Field: "prizePoints", Above: ptr(int64(0))}, `{` + who + `,"channel":1}`, true},
		{"not above", ConditionFile{Field: "prizePoints", Above: ptr(int64(1))}, `{` + who + `,"channel":1}`, false},
		{"an equal integer", ConditionFile{Field: "prizePoints", Equals: uint64(1)}, `{` + who + `,"channel":1}`, true},
		{"another integer", ConditionFile{Field: "prizePoints", Equals: 2}, `{` + who + `,"channel":1}`, false},
		{"an equal text", ConditionFile{Field: "ticketId", Equals: "1"}, `{` + who + `,"channel":1}`, true},
		{"another text", ConditionFile{Field: "ticketId", Equals: "2"}, `{` + who + `,"channel":1}`, false},
		{"an equal date", ConditionFile{Field: "drawnOn", Equals: "2020-02-02"}, `{` + who + `,"channel":1,"drawnOn":"2020-02-02"}`, true},
		{"true", ConditionFile{Field: "vip", Equals: true}, `{` + who + `,"channel":1,"vip":true}`, true},
		{"false", ConditionFile{Field: "vip", Equals: false}, `{` + who + `,"channel":1,"vip":false}`, true},
		{"absent is not false", ConditionFile{Field: "vip", Equals: false}, `{` + who + `,"channel":1}`, false},
		{"null is not false", ConditionFile{Field: "vip", Equals: false}, `{` + who + `,"channel":1,"vip":null}`, false},
		{"a channel's name", ConditionFile{Field: "channel", Equals: "third_party"}, `{` + who + `,"channel":"douyin"}`, true},
		{"a channel's alias", ConditionFile{Field: "channel", Equals: "jd"}, `{` + who + `,"channel":7}`, true},
		{"one of several texts", ConditionFile{Field: "ticketId", In: []any{"0", "1"}}, `{` + who + `,"channel":1}`, true},
		{"none of several", ConditionFile{Field: "ticketId", In: []any{"0", "2"}}, `{` + who + `,"channel":1}`, false},
		{"one of several channels", ConditionFile{Field: "channel", In: []any{"jd", uint64(1)}}, `{` + who + `,"channel":7}`, true},
		{"a channel's number", ConditionFile{Field: "channel", Equals: int64(7)}, `{` + who + `,"channel":"youzan"}`, false},
	} {
		file := defaultRulesFile()
		file.Rules[0].Events[3].Operations[0].Points = PointsFile{Value: ptr(int64(0)), Cases: []PointsCaseFile{{When: tc.when, Value: 9}}}
		o := accepted(t, compiled(t, file, defaultAccounts()), structured("lottery.won", tc.data), nil).Operations[0]
		if (o.Points == 9) != tc.want {
			t.Errorf("%s: holds %v, want %v", tc.name, o.Points == 9, tc.want)
		}
	}
}

// Rates in tiers and cases, rounding and a bound: what an amount gives.
func TestShapesOfPoints(t *testing.T) {
	t.Parallel()
	tiers := []TierFile{{From: 100, Rate: "1/100"}, {From: 100_000, Rate: "2/100"}}
	double := []PointsCaseFile{{When: ConditionFile{Field: "channel", Equals: "wechat"}, Rate: "3/100"}, {When: ConditionFile{Field: "channel", Equals: "koubei"}, Value: 7}}
	for _, tc := range []struct {
		name    string
		points  PointsFile
		amount  string
		channel string
		want    int64
	}{
		{"below the first tier", PointsFile{Field: "amountFen", Tiers: tiers}, "99", "pos", 0},
		{"first tier", PointsFile{Field: "amountFen", Tiers: tiers}, "99999", "pos", 999},
		{"second tier, for all of it", PointsFile{Field: "amountFen", Tiers: tiers}, "100000", "pos", 2000},
		{"nothing", PointsFile{Field: "amountFen", Tiers: tiers}, "0", "pos", 0},
		{"half up", PointsFile{Field: "amountFen", Tiers: tiers, Round: "half_up"}, "150", "pos", 2},
		{"below half", PointsFile{Field: "amountFen", Tiers: tiers, Round: "half_up"}, "149", "pos", 1},
		{"up", PointsFile{Ratio: &RatioFile{Field: "amountFen", Points: 1, Per: 100}, Round: "up"}, "101", "pos", 2},
		{"up from none", PointsFile{Ratio: &RatioFile{Field: "amountFen", Points: 1, Per: 100}, Round: "up"}, "100", "pos", 1},
		{"a case's rate beats the tier", PointsFile{Field: "amountFen", Tiers: tiers, Cases: double}, "100000", "wechat", 3000},
		{"a case's value beats the tier", PointsFile{Field: "amountFen", Tiers: tiers, Cases: double}, "100000", "koubei", 7},
		{"a case's rate beside a ratio", PointsFile{Ratio: &RatioFile{Field: "amountFen", Points: 1, Per: 100}, Cases: double}, "100000", "wechat", 3000},
		{"cut off", PointsFile{Field: "amountFen", Tiers: tiers, Max: 500}, "9000000000000000000", "pos", 500},
		{"an override is not cut", PointsFile{Field: "amountFen", Tiers: tiers, Max: 500, Override: OverrideFile{Field: "points"}}, `100000,"points":600`, "pos", 600},
	} {
		file := defaultRulesFile()
		file.Rules[0].Events[0].Operations = file.Rules[0].Events[0].Operations[:1]
		file.Rules[0].Events[0].Operations[0].Points = tc.points
		data := `{"orderId":"SO-1","amountFen":` + tc.amount + `,"channel":"` + tc.channel + `","member":{"customerId":"1"}}`
		if o := accepted(t, compiled(t, file, defaultAccounts()), structured("order.paid", data), nil).Operations[0]; int64(o.Points) != tc.want {
			t.Errorf("%s: %d points, want %d", tc.name, o.Points, tc.want)
		}
	}
}
