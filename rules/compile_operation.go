package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"pointsledger/ledger"
)

// operation is one vendor call of a rule.
type operation struct {
	account    *Account
	kind       ledger.Kind
	leg        string
	when       condition
	points     pointsRule
	sourceType int
	reason     template
}

func (c *ruleCompiler) compileOperation(place string, file OperationFile) {
	kind, leg, ok := kindOfCall(file.Call)
	if !ok {
		c.add(place+".call", "want points_add or freeze_point, got %q", file.Call)
	}
	o := operation{kind: kind, leg: leg, sourceType: file.SourceType, account: c.accounts[file.Vendor]}
	switch {
	case o.account == nil:
		c.add(place+".vendor", "want one of the accounts under vendors (%s), got %q", strings.Join(slices.Sorted(maps.Keys(c.accounts)), ", "), file.Vendor)
		o.account = &Account{Name: file.Vendor}
	case ok && o.account.Refuses[kind] != "":
		c.add(place+".vendor", "%s %s", file.Call, o.account.Refuses[kind])
	}
	if file.Leg != "" {
		o.leg = file.Leg
		if len(o.leg) != ledger.LegChars || strings.Trim(o.leg, "abcdefghijklmnopqrstuvwxyz") != "" {
			c.add(place+".leg", "want two lower-case letters, got %q", file.Leg)
		}
	}
	for _, other := range c.out.operations {
		if other.leg == o.leg && other.account.Name == o.account.Name {
			c.add(place+".leg", "an operation at %s with the leg %s is there already; give one of them another leg", o.account.Name, o.leg)
		}
	}
	lowest := 1
	if kind == ledger.FreezePoint {
		lowest = 0
	}
	if file.SourceType < lowest || file.SourceType > 12 {
		c.add(place+".source_type", "want %d to 12, got %d", lowest, file.SourceType)
	}
	if file.When != nil {
		o.when = c.compileCondition(place+".when", *file.When)
	}
	o.points = c.compilePoints(place+".points", file.Points)
	text := file.Reason
	if text == "" {
		text = c.base.reasons[kind]
	}
	o.reason = c.compileTemplate(place+".reason", text)
	c.out.operations = append(c.out.operations, o)
}

// integerAt is the position of a declared integer field.
func (c *ruleCompiler) integerAt(place, name string) int {
	at := c.at(name)
	if at < 0 || c.out.fields[at].kind != kindInteger {
		c.add(place, "want a declared integer field, got %q", name)
		return -1
	}
	return at
}

func (c *ruleCompiler) compileCondition(place string, file ConditionFile) condition {
	out := condition{set: true, field: c.at(file.Field)}
	if out.field < 0 || c.out.fields[out.field].kind == kindMember {
		c.add(place+".field", "want a declared field, got %q", file.Field)
		return condition{}
	}
	kind := c.out.fields[out.field].kind
	if (file.Above == nil) == (file.Equals == nil) {
		c.add(place, "want exactly one of above and equals")
		return condition{}
	}
	if file.Above != nil {
		if kind != kindInteger {
			c.add(place+".above", "%s is not an integer", file.Field)
		}
		out.above, out.number = true, *file.Above
		return out
	}
	ok := false
	switch kind {
	case kindInteger:
		out.number, ok = wholeNumber(file.Equals)
	case kindBoolean:
		var yes bool
		if yes, ok = file.Equals.(bool); yes {
			out.number = 1
		}
	case kindChannel:
		if name, isText := file.Equals.(string); isText {
			out.number, ok = c.rules.channels.numbers[name]
		} else if out.number, ok = wholeNumber(file.Equals); ok {
			ok = 1 <= out.number && out.number <= 9
		}
	default:
		out.isText = true
		out.text, ok = file.Equals.(string)
	}
	if !ok {
		c.add(place+".equals", "want %s, as %s is, got %v", c.out.fields[out.field].want(), file.Field, file.Equals)
	}
	return out
}

func (c *ruleCompiler) compilePoints(place string, file PointsFile) pointsRule {
	out := pointsRule{override: -1, field: -1}
	given := 0
	if file.Value != nil {
		given++
		out.source, out.value = pointsFixed, *file.Value
		c.checkPoints(place+".value", *file.Value)
	}
	if file.Field != "" {
		given++
		out.source, out.field = pointsFromField, c.integerAt(place+".field", file.Field)
	}
	if file.Ratio != nil {
		given++
		out.source = pointsRatio
		out.field = c.integerAt(place+".ratio.field", file.Ratio.Field)
		out.rates = c.compileRates(place+".ratio", *file.Ratio)
	}
	if given != 1 {
		c.add(place, "want a whole number, or exactly one of value, field and ratio")
	}
	if len(file.Cases) > 0 && file.Value == nil {
		c.add(place+".cases", "want a value beside them, for when none holds")
	}
	for i, one := range file.Cases {
		at := fmt.Sprintf("%s.cases[%d]", place, i)
		c.checkPoints(at+".value", one.Value)
		out.cases = append(out.cases, pointsCase{when: c.compileCondition(at+".when", one.When), value: one.Value})
	}
	if file.Override != "" {
		out.override = c.integerAt(place+".override", file.Override)
		if out.override >= 0 && c.out.fields[out.override].required {
			c.add(place+".override", "%s is always there, so the rest would never count", file.Override)
		}
	}
	return out
}

func (c *ruleCompiler) checkPoints(place string, value int64) {
	if value < 0 || value > c.rules.limit {
		c.add(place, "want 0 to %d (limits.points_per_operation), got %d", c.rules.limit, value)
	}
}

func (c *ruleCompiler) compileRates(place string, file RatioFile) [10]rate {
	c.checkRate(place, file.Points, file.Per)
	var out [10]rate
	for i := range out {
		out[i] = rate{points: file.Points, per: file.Per}
	}
	names := channelNames()
	for _, name := range slices.Sorted(maps.Keys(file.ByChannel)) {
		at := place + ".by_channel." + name
		number := slices.Index(names[1:], name) + 1
		if number == 0 {
			c.add(at, "want one of %s", strings.Join(names[1:], ", "))
			continue
		}
		special := file.ByChannel[name]
		c.checkRate(at, special.Points, special.Per)
		out[number] = rate{points: special.Points, per: special.Per}
	}
	return out
}

func (c *ruleCompiler) checkRate(place string, points, per int64) {
	if points < 0 {
		c.add(place+".points", "want at least 0, got %d", points)
	}
	if per < 1 {
		c.add(place+".per", "want at least 1, got %d", per)
	}
}
