package rules

import (
	"strings"
	"testing"
	"time"
)

func TestCompileNamesThePlace(t *testing.T) {
	t.Parallel()
	negative, five := int64(-1), int64(5)
	order := func(f *RulesFile) *RuleFile { return &f.Rules[0].Events[0] }
	prize := func(f *RulesFile) *RuleFile { return &f.Rules[0].Events[3] }
	for _, tc := range []struct {
		want   string
		change func(f *RulesFile)
	}{
		{`programme: want a name of 1 to 64 characters, got ""`, func(f *RulesFile) { f.Programme = "" }},
		{`timezone: want an IANA name like Asia/Shanghai: `, func(f *RulesFile) { f.Timezone = "Mars/Olympus" }},
		{`channel_aliases.x: want one of alipay, wechat`, func(f *RulesFile) { f.ChannelAliases["x"] = "douyin" }},
		{`channel_aliases.pos: is the name of a channel itself`, func(f *RulesFile) { f.ChannelAliases["pos"] = "other" }},
		{`channel_aliases.3: want letters`, func(f *RulesFile) { f.ChannelAliases["3"] = "pos" }},
		{`ignore[0]: want words of letters`, func(f *RulesFile) { f.Ignore[0] = "order.*" }},
		{`ignore[1]: order.refunded is in no_vendor_call too`, func(f *RulesFile) { f.Ignore = append(f.Ignore, "order.refunded") }},
		{`no_vendor_call.order.refunded: want the words`, func(f *RulesFile) { f.NoVendorCall["order.refunded"] = "" }},
		{`limits.points_per_operation: want at least 1, or 0 for 100000, got -1`, func(f *RulesFile) { f.Limits.PointsPerOperation = -1 }},
		{`rules: want at least one rule set`, func(f *RulesFile) { f.Rules = nil }},
		{`rules[1].from: want a time after that of the rule set before it, got 2020-01-01T00:00:00Z`, func(f *RulesFile) { f.Rules = append(f.Rules, f.Rules[0]) }},
		{`rules[0].events[0].type: want words of letters`, func(f *RulesFile) { order(f).Type = "order..paid" }},
		{`rules[0].events[1].type: order.paid is in this rule set twice`, func(f *RulesFile) { f.Rules[0].Events[1].Type = "order.paid" }},
		{`rules[0].events[3].type: order.created is under ignore too`, func(f *RulesFile) { prize(f).Type = "order.created" }},
		{`rules[0].events[3].type: order.refunded is under no_vendor_call too`, func(f *RulesFile) { prize(f).Type = "order.refunded" }},
		{`rules[0].events[0].key: the key of order.paid is fixed: orderId; leave it out`, func(f *RulesFile) { order(f).Key = []string{"shopCode"} }},
		{`rules[0].events[0].scope: is fixed for order.paid: source`, func(f *RulesFile) { order(f).Scope = "programme" }},
		{`rules[0].events[0].repeat: is fixed for order.paid: compare`, func(f *RulesFile) { order(f).Repeat = "duplicate" }},
		{`rules[0].events[0].member: is fixed for order.paid`, func(f *RulesFile) { order(f).Member = "known" }},
		{`rules[0].events[0].fields.orderId: is declared already`, func(f *RulesFile) { order(f).Fields = map[string]FieldFile{"orderId": {Type: "string"}} }},
		{`rules[0].events[0].operations: want at least one`, func(f *RulesFile) { order(f).Operations = nil }},
		{`rules[0].events[0].operations[0].vendor: want one of the accounts under vendors (kylin, zhimai), got "nobody"`, func(f *RulesFile) { order(f).Operations[0].Vendor = "nobody" }},
		{`rules[0].events[0].operations[0].vendor: points_add is a call of zhimai, but the account kylin is of kind kylin`, func(f *RulesFile) { order(f).Operations[0].Vendor = "kylin" }},
		{`rules[0].events[0].operations[0].call: want points_add or freeze_point, got "deduct"`, func(f *RulesFile) { order(f).Operations[0].Call = "deduct" }},
		{`rules[0].events[0].operations[0].source_type: want 1 to 12, got 13`, func(f *RulesFile) { order(f).Operations[0].SourceType = 13 }},
		{`rules[0].events[0].operations[0].source_type: want 1 to 12, got 0`, func(f *RulesFile) { order(f).Operations[0].SourceType = 0 }},
		{`rules[0].events[0].operations[1].source_type: want 0 to 12, got -1`, func(f *RulesFile) { order(f).Operations[1].SourceType = -1 }},
		{`rules[0].events[0].operations[0].leg: want two lower-case letters, got "P1"`, func(f *RulesFile) { order(f).Operations[0].Leg = "P1" }},
		{`rules[0].events[0].operations[2].leg: an operation at zhimai with the leg pa is there already`, func(f *RulesFile) { order(f).Operations = append(order(f).Operations, order(f).Operations[0]) }},
		{`rules[0].events[0].operations[0].points: want a whole number, or exactly one of value, field and ratio`, func(f *RulesFile) { order(f).Operations[0].Points = PointsFile{} }},
		{`rules[0].events[0].operations[0].points: want a whole number, or exactly one`, func(f *RulesFile) { order(f).Operations[0].Points.Value = &five }},
		{`rules[0].events[0].operations[0].points.value: want 0 to 100000 (limits.points_per_operation), got -1`, func(f *RulesFile) { order(f).Operations[0].Points = PointsFile{Value: &negative} }},
		{`rules[0].events[0].operations[0].points.field: want a declared integer field, got "orderId"`, func(f *RulesFile) { order(f).Operations[0].Points = PointsFile{Field: "orderId"} }},
		{`rules[0].events[0].operations[0].points.ratio.per: want at least 1, got 0`, func(f *RulesFile) { order(f).Operations[0].Points.Ratio.Per = 0 }},
		{`rules[0].events[0].operations[0].points.ratio.points: want at least 0, got -1`, func(f *RulesFile) { order(f).Operations[0].Points.Ratio.Points = -1 }},
		{`rules[0].events[0].operations[0].points.ratio.by_channel.douyin: want one of alipay`, func(f *RulesFile) { order(f).Operations[0].Points.Ratio.ByChannel["douyin"] = RateFile{1, 1} }},
		{`rules[0].events[0].operations[0].points.ratio.by_channel.pos.per: want at least 1, got 0`, func(f *RulesFile) { order(f).Operations[0].Points.Ratio.ByChannel["pos"] = RateFile{1, 0} }},
		{`rules[0].events[0].operations[0].points.override: amountFen is always there`, func(f *RulesFile) { order(f).Operations[0].Points.Override.Field = "amountFen" }},
		{`rules[0].events[2].operations[0].points.cases[0].value: want 0 to 100000`, func(f *RulesFile) { f.Rules[0].Events[2].Operations[0].Points.Cases[0].Value = 100001 }},
		{`rules[0].events[0].operations[0].account: want vendor or account, not both`, func(f *RulesFile) {
			order(f).Operations[0].Account = &AccountFile{By: "source", Of: map[string]string{"a": "zhimai"}}
		}},
		{`rules[0].events[0].operations[0].account.by: want source or a declared field of type string, got "amountFen"`, func(f *RulesFile) {
			order(f).Operations[0].Account = &AccountFile{By: "amountFen", Of: map[string]string{"a": "zhimai"}}
		}},
		{`rules[0].events[0].operations[0].account.of: want at least one value`, func(f *RulesFile) { order(f).Operations[0].Account = &AccountFile{By: "source"} }},
		{`rules[0].events[0].operations[0].account.of.b: want one of the accounts under vendors (kylin, zhimai), got "nobody"`, func(f *RulesFile) {
			order(f).Operations[0].Account = &AccountFile{By: "source", Of: map[string]string{"b": "nobody"}}
		}},
		{`rules[0].events[0].operations[0].account.of.门: is there twice`, func(f *RulesFile) {
			order(f).Operations[0].Account = &AccountFile{By: "source", Of: map[string]string{"门": "zhimai", "%E9%97%A8": "zhimai"}}
		}},
		{`rules[0].events[0].operations[0].account.default: points_add is a call of zhimai`, func(f *RulesFile) {
			order(f).Operations[0].Account = &AccountFile{By: "source", Of: map[string]string{"a": "zhimai"}, Default: "kylin"}
		}},
		{`sources.a.b: want one token of a subject`, func(f *RulesFile) { f.Sources = map[string]string{"a.b": "shop"} }},
		{`sources.a: want the source that may publish there, got ""`, func(f *RulesFile) { f.Sources = map[string]string{"a": ""} }},
		{`sources: want at least one, or no sources at all`, func(f *RulesFile) { f.Sources = map[string]string{} }},
		{`rules[0].events[0].lane: want live or bulk, got "slow"`, func(f *RulesFile) { order(f).Lane = "slow" }},
		{`rules[0].events[0].max_days_back: want 0 (no bound) to 400, got 401`, func(f *RulesFile) { order(f).MaxDaysBack = 401 }},
		{`rules[0].events[0].operations[0].points.override.max: want 0 to 100000`, func(f *RulesFile) { order(f).Operations[0].Points.Override.Max = 100001 }},
		{`rules[0].events[0].operations[0].points.override: want the field beside max`, func(f *RulesFile) { order(f).Operations[0].Points.Override = OverrideFile{Max: 5} }},
		{`rules[0].events[0].else: want nothing or reject, got "drop"`, func(f *RulesFile) { order(f).Else = "drop" }},
		{`rules[0].events[0].operations[1].when: want exactly one of above, equals and in`, func(f *RulesFile) { order(f).Operations[1].When.In = []any{1} }},
		{`rules[0].events[0].operations[1].when.in: want at least one value`, func(f *RulesFile) {
			order(f).Operations[1].When = &ConditionFile{Field: "pointsUsed", In: []any{}}
		}},
		{`rules[0].events[0].operations[1].when.in[1]: want an integer`, func(f *RulesFile) {
			order(f).Operations[1].When = &ConditionFile{Field: "pointsUsed", In: []any{1, "x"}}
		}},
		{`rules[0].events[0].operations[0].points.tiers: want the field beside them that they count`, func(f *RulesFile) {
			order(f).Operations[0].Points = PointsFile{Value: &five, Tiers: []TierFile{{0, "1/100"}}}
		}},
		{`rules[0].events[0].operations[0].points.tiers[1].from: want more than the tier before, 5, got 5`, func(f *RulesFile) {
			order(f).Operations[0].Points = PointsFile{Field: "amountFen", Tiers: []TierFile{{5, "1/100"}, {5, "2/100"}}}
		}},
		{`rules[0].events[0].operations[0].points.tiers[0].rate: want points/per, such as 1/100 for a point for each 100, got "0.5"`, func(f *RulesFile) {
			order(f).Operations[0].Points = PointsFile{Field: "amountFen", Tiers: []TierFile{{5, "0.5"}}}
		}},
		{`rules[0].events[0].operations[0].points.round: want down, half_up or up, got "even"`, func(f *RulesFile) { order(f).Operations[0].Points.Round = "even" }},
		{`rules[0].events[0].operations[0].points.max: want 0 (no bound) to 100000`, func(f *RulesFile) { order(f).Operations[0].Points.Max = -1 }},
		{`rules[0].events[2].operations[0].points.max: cuts what rates give`, func(f *RulesFile) { f.Rules[0].Events[2].Operations[0].Points.Max = 5 }},
		{`rules[0].events[2].operations[0].points.round: only rates have fractions`, func(f *RulesFile) { f.Rules[0].Events[2].Operations[0].Points.Round = "up" }},
		{`rules[0].events[2].operations[0].points.cases[0]: want a value or a rate, not both`, func(f *RulesFile) { f.Rules[0].Events[2].Operations[0].Points.Cases[0].Rate = "1/2" }},
		{`rules[0].events[2].operations[0].points.cases: want a value, a ratio or tiers beside them`, func(f *RulesFile) {
			f.Rules[0].Events[2].Operations[0].Points.Value = nil
			f.Rules[0].Events[2].Operations[0].Points.Field = "rating"
		}},
		{`rules[0].events[2].operations[0].points.cases[0].when.equals: want true or false, as hasPhoto is, got yes`, func(f *RulesFile) { f.Rules[0].Events[2].Operations[0].Points.Cases[0].When.Equals = "yes" }},
		{`rules[0].events[0].operations[1].when.field: want a declared field, got "nothing"`, func(f *RulesFile) { order(f).Operations[1].When.Field = "nothing" }},
		{`rules[0].events[0].operations[1].when.above: orderId is not an integer`, func(f *RulesFile) { order(f).Operations[1].When.Field = "orderId" }},
		{`rules[0].events[0].operations[1].when: want exactly one of above, equals and in`, func(f *RulesFile) { order(f).Operations[1].When.Equals = 3 }},
		{`rules[0].events[0].operations[0].reason: {nothing}: want {key} or a declared field`, func(f *RulesFile) { order(f).Operations[0].Reason = "x{nothing}" }},
		{`rules[0].events[0].operations[0].reason: {member}: want {key}`, func(f *RulesFile) { order(f).Operations[0].Reason = "{member}" }},
		{`rules[0].events[0].operations[0].reason: the { before "orderId" has no }`, func(f *RulesFile) { order(f).Operations[0].Reason = "x{orderId" }},
		{`rules[0].events[0].operations[0].reason: the } in "x}" has no {`, func(f *RulesFile) { order(f).Operations[0].Reason = "x}" }},
		{`rules[0].events[3].key: want the fields that identify`, func(f *RulesFile) { prize(f).Key = nil }},
		{`rules[0].events[3].key[0]: want a declared field, member.customerId or member.memberId, got "nothing"`, func(f *RulesFile) { prize(f).Key[0] = "nothing" }},
		{`rules[0].events[3].key[0]: vip must be required`, func(f *RulesFile) { prize(f).Key[0] = "vip" }},
		{`rules[0].events[3].key[1]: ticketId is in the key twice`, func(f *RulesFile) { prize(f).Key = append(prize(f).Key, "ticketId") }},
		{`rules[0].events[3].key[0]: ticketId has up to 65 characters, a key field at most 64`, func(f *RulesFile) {
			prize(f).Fields["ticketId"] = FieldFile{Type: "string", Required: true, Max: ptr(int64(65))}
		}},
		{`rules[0].events[3].scope: want source or programme, got "shop"`, func(f *RulesFile) { prize(f).Scope = "shop" }},
		{`rules[0].events[3].repeat: want compare or duplicate, got "drop"`, func(f *RulesFile) { prize(f).Repeat = "drop" }},
		{`rules[0].events[3].member: want any, known or customer_id, got "all"`, func(f *RulesFile) { prize(f).Member = "all" }},
		{`rules[0].events[3].fields.x.type: want string, integer, boolean or date, got "float"`, func(f *RulesFile) { prize(f).Fields["x"] = FieldFile{Type: "float"} }},
		{`rules[0].events[3].fields.1x: want a name of letters`, func(f *RulesFile) { prize(f).Fields["1x"] = FieldFile{Type: "string"} }},
		{`rules[0].events[3].fields.member: is declared already`, func(f *RulesFile) { prize(f).Fields["member"] = FieldFile{Type: "string"} }},
		{`rules[0].events[3].fields.userCode: belongs into member`, func(f *RulesFile) { prize(f).Fields["userCode"] = FieldFile{Type: "string"} }},
		{`rules[0].events[3].fields.cardPassword: passwords are not accepted`, func(f *RulesFile) { prize(f).Fields["cardPassword"] = FieldFile{Type: "string"} }},
		{`rules[0].events[3].fields.x.max: want at least min, 5, got -1`, func(f *RulesFile) { prize(f).Fields["x"] = FieldFile{Type: "integer", Min: &five, Max: &negative} }},
		{`rules[0].events[3].fields.x: a boolean has no min and max`, func(f *RulesFile) { prize(f).Fields["x"] = FieldFile{Type: "boolean", Min: &five} }},
		{`rules[0].events[3].fields.x.unit: only an integer has a unit`, func(f *RulesFile) { prize(f).Fields["x"] = FieldFile{Type: "date", Unit: "days"} }},
		{`rules[0].events[3].fields.x: want a string's min and max between 0 and 1000 characters`, func(f *RulesFile) { prize(f).Fields["x"] = FieldFile{Type: "string", Max: ptr(int64(1001))} }},
		{`rules[0].events[3].fields.amountFen.type: want integer`, func(f *RulesFile) { prize(f).Fields["amountFen"] = FieldFile{Type: "string"} }},
	} {
		file := defaultRulesFile()
		tc.change(&file)
		rules, err := Compile(file, "v1", defaultAccounts())
		if err == nil || rules != nil {
			t.Errorf("accepted, want %s", tc.want)
			continue
		}
		found := false
		for line := range strings.SplitSeq(err.Error(), "\n") {
			found = found || strings.HasPrefix(line, tc.want)
		}
		if !found {
			t.Errorf("got  %v\nwant %s", err, tc.want)
		}
	}
}

func TestCompileNamesEveryProblem(t *testing.T) {
	t.Parallel()
	file := defaultRulesFile()
	file.Programme, file.Timezone = "", "nowhere"
	file.Rules[0].Events[0].Operations[0].SourceType = 13
	_, err := Compile(file, "v1", []Account{{Name: "zhimai", ReasonMaxChars: referenceTail}, {Name: "zhimai"}, {Name: "kylin"}})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"programme: ", "timezone: ", "rules[0].events[0].operations[0].source_type: ", "vendors.zhimai: is there twice", "vendors.zhimai.reason_max_chars: want at least 16"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
}

func TestCompileAccepts(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(f *RulesFile){
		"the key said again":  func(f *RulesFile) { f.Rules[0].Events[0].Key = []string{"orderId"} },
		"member.customerId":   func(f *RulesFile) { f.Rules[0].Events[1].Key = []string{"member.customerId", "date"} },
		"the scope said":      func(f *RulesFile) { f.Rules[0].Events[1].Scope = "programme" },
		"the repeat said":     func(f *RulesFile) { f.Rules[0].Events[1].Repeat = "duplicate" },
		"further fields":      func(f *RulesFile) { f.Rules[0].Events[0].Fields = map[string]FieldFile{"till": {Type: "string"}} },
		"the default zone":    func(f *RulesFile) { f.Timezone = "" },
		"no from":             func(f *RulesFile) { f.Rules[0].From = time.Time{} },
		"a further leg":       func(f *RulesFile) { o := f.Rules[0].Events[0].Operations; o[1].Leg = "zz" },
		"a lowest and a most": func(f *RulesFile) { f.Limits.PointsPerOperation = 1 << 62 },
	} {
		file := defaultRulesFile()
		change(&file)
		if _, err := Compile(file, "v1", defaultAccounts()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A check-in by rule file alone: a programme key of member and day.
func TestKeyOfMemberAndDayByRuleFile(t *testing.T) {
	t.Parallel()
	file := defaultRulesFile()
	file.Rules[0].Events = append(file.Rules[0].Events, RuleFile{
		Type: "member.logged_in", Key: []string{"member.customerId", "businessDate", "channel"}, Scope: "programme", Repeat: "duplicate",
		Operations: []OperationFile{{Vendor: "zhimai", Call: "points_add", SourceType: 10, Points: PointsFile{Value: ptr(int64(1))}}},
	})
	rules := compiled(t, file, defaultAccounts())
	event := accepted(t, rules, structured("member.logged_in", `{"member":{"customerId":"12"},"channel":"app"}`), nil)
	if o := event.Operations[0]; o.BusinessKey != "12/2026-11-20/8" || !event.RepeatIsDuplicate || o.Points != 1 {
		t.Errorf("got %+v", o)
	}
	for _, data := range []string{`{"member":null,"channel":1}`, `{"member":{"userCode":"1"},"channel":1}`} {
		if d := rejected(t, rules, structured("member.logged_in", data), nil); d.Rejection.Code != "missing_field" {
			t.Errorf("%s: %v", data, d.Rejection)
		}
	}
}
