package rules

import (
	"fmt"
	"strings"
	"time"

	"pointsledger/ledger"
)

// operation is one vendor call of a rule.
type operation struct {
	accounts   accountChoice
	kind       ledger.Kind
	leg        string
	when       condition
	points     pointsRule
	sourceType int
	// hold is how long after the event it may be sent at the earliest.
	hold   time.Duration
	reason template
}

func (c *ruleCompiler) compileOperation(place string, file OperationFile) {
	kind, leg, ok := kindOfCall(file.Call)
	if !ok {
		c.add(place+".call", "want points_add or freeze_point, got %q", file.Call)
	}
	o := operation{kind: kind, leg: leg, sourceType: file.SourceType, accounts: c.compileAccounts(place, file, kind)}
	if file.Leg != "" {
		o.leg = file.Leg
		if len(o.leg) != ledger.LegChars || strings.Trim(o.leg, "abcdefghijklmnopqrstuvwxyz") != "" {
			c.add(place+".leg", "want two lower-case letters, got %q", file.Leg)
		}
	}
	for _, other := range c.out.operations {
		if name, both := o.accounts.shares(&other.accounts); both && other.leg == o.leg {
			c.add(place+".leg", "an operation at %s with the leg %s is there already; give one of them another leg", name, o.leg)
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
	o.hold = c.compileHold(place+".hold", file.Hold)
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
	given := 0
	for _, is := range []bool{file.Above != nil, file.Equals != nil, file.In != nil} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		c.add(place, "want exactly one of above, equals and in")
	case file.Above != nil:
		if kind != kindInteger {
			c.add(place+".above", "%s is not an integer", file.Field)
		}
		out.above, out.number = true, *file.Above
	case file.Equals != nil:
		c.compileValue(place+".equals", file.Field, file.Equals, &out)
	case len(file.In) == 0:
		c.add(place+".in", "want at least one value")
	default:
		for i, value := range file.In {
			c.compileValue(fmt.Sprintf("%s.in[%d]", place, i), file.Field, value, &out)
		}
	}
	return out
}

// compileValue adds one value that a condition's field may have.
func (c *ruleCompiler) compileValue(place, name string, value any, to *condition) {
	var number int64
	var text string
	ok := false
	switch kind := c.out.fields[to.field].kind; kind {
	case kindInteger:
		number, ok = wholeNumber(value)
	case kindBoolean:
		var yes bool
		if yes, ok = value.(bool); yes {
			number = 1
		}
	case kindChannel:
		if named, isText := value.(string); isText {
			number, ok = c.rules.channels.numbers[named]
		} else if number, ok = wholeNumber(value); ok {
			ok = 1 <= number && number <= 9
		}
	default:
		to.isText = true
		text, ok = value.(string)
	}
	if !ok {
		c.add(place, "want %s, as %s is, got %v", c.out.fields[to.field].want(), name, value)
	}
	if to.isText {
		to.texts = append(to.texts, text)
	} else {
		to.numbers = append(to.numbers, number)
	}
}
