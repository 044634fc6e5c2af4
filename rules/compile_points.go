package rules

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

func (c *ruleCompiler) compilePoints(place string, file PointsFile) pointsRule {
	out := pointsRule{override: -1, field: -1, most: file.Max}
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
	if file.Tiers != nil {
		c.compileTiers(place+".tiers", file, &out)
	}
	c.compileCases(place+".cases", file, &out)
	c.compileRounding(place, file, &out)
	out.overrideMost = c.rules.limit
	if field := file.Override.Field; field != "" {
		out.override = c.integerAt(place+".override", field)
		if out.override >= 0 && c.out.fields[out.override].required {
			c.add(place+".override", "%s is always there, so the rest would never count", field)
		}
	}
	if most := file.Override.Max; most != 0 {
		out.overrideMost = most
		c.checkPoints(place+".override.max", most)
		if file.Override.Field == "" {
			c.add(place+".override", "want the field beside max")
		}
	}
	return out
}

func (c *ruleCompiler) compileCases(place string, file PointsFile, to *pointsRule) {
	if len(file.Cases) > 0 && file.Value == nil && file.Ratio == nil && file.Tiers == nil {
		c.add(place, "want a value, a ratio or tiers beside them, for when none holds")
	}
	for i, one := range file.Cases {
		at := fmt.Sprintf("%s[%d]", place, i)
		special := pointsCase{when: c.compileCondition(at+".when", one.When), value: one.Value}
		c.checkPoints(at+".value", one.Value)
		switch {
		case one.Rate == "":
		case one.Value != 0:
			c.add(at, "want a value or a rate, not both")
		case to.source == pointsFixed:
			c.add(at+".rate", "want a ratio or tiers beside the cases: nothing says which field a rate is of")
		default:
			special.rate = c.compileRate(at+".rate", one.Rate)
		}
		to.cases = append(to.cases, special)
	}
}

func (c *ruleCompiler) compileTiers(place string, file PointsFile, to *pointsRule) {
	if file.Field == "" {
		c.add(place, "want the field beside them that they count")
	}
	if len(file.Tiers) == 0 {
		c.add(place, "want at least one")
	}
	to.source = pointsTiers
	for i, one := range file.Tiers {
		at := fmt.Sprintf("%s[%d]", place, i)
		if one.From < 0 {
			c.add(at+".from", "want at least 0, got %d", one.From)
		}
		if i > 0 && one.From <= file.Tiers[i-1].From {
			c.add(at+".from", "want more than the tier before, %d, got %d", file.Tiers[i-1].From, one.From)
		}
		to.tiers = append(to.tiers, tier{one.From, c.compileRate(at+".rate", one.Rate)})
	}
}

func (c *ruleCompiler) compileRounding(place string, file PointsFile, to *pointsRule) {
	rates := to.source == pointsRatio || to.source == pointsTiers
	switch file.Round {
	case "", "down":
	case "half_up":
		to.round = roundHalfUp
	case "up":
		to.round = roundUp
	default:
		c.add(place+".round", "want down, half_up or up, got %q", file.Round)
	}
	if file.Round != "" && !rates {
		c.add(place+".round", "only rates have fractions: want ratio or tiers beside it")
	}
	if file.Max < 0 || file.Max > c.rules.limit {
		c.add(place+".max", "want 0 (no bound) to %d (limits.points_per_operation), got %d", c.rules.limit, file.Max)
	}
	if file.Max != 0 && !rates {
		c.add(place+".max", "cuts what rates give: want ratio or tiers beside it")
	}
}

func (c *ruleCompiler) checkPoints(place string, value int64) {
	if value < 0 || value > c.rules.limit {
		c.add(place, "want 0 to %d (limits.points_per_operation), got %d", c.rules.limit, value)
	}
}

// compileRate reads "points/per".
func (c *ruleCompiler) compileRate(place, text string) rate {
	points, per, ok := strings.Cut(text, "/")
	out := rate{per: 1}
	var err, errPer error
	out.points, err = strconv.ParseInt(strings.TrimSpace(points), 10, 64)
	out.per, errPer = strconv.ParseInt(strings.TrimSpace(per), 10, 64)
	if !ok || err != nil || errPer != nil || out.points < 0 || out.per < 1 {
		c.add(place, "want points/per, such as 1/100 for a point for each 100, got %q", text)
		return rate{per: 1}
	}
	return out
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
