package rules

import (
	"math"
	"unicode/utf8"

	"pointsledger/ledger"
	"pointsledger/rules/cloudevent"
	"pointsledger/rules/spelling"
)

// dayDeclaredType is a type that needs no rule in the file: it leads to no operation.
const dayDeclaredType = "day.declared"

// declaredSource is the field that names the source of the orders.
const declaredSource = "source"

// dayDeclared: a source says how many orders it had on a day, and of what amount. Each
// event counts for itself, by its id within its source: a source that declares a day
// again corrects what it said before.
func dayDeclared() builtIn {
	source := stringField(declaredSource, "The source of the orders, as it stands in their own events; absent: this event's source.")
	source.max = cloudevent.MaxAttributeChars
	return builtIn{
		about: "A shop or a platform says what it sold on a day. It leads to no operation; the books of the day are held against it.",
		fields: []field{
			field{name: "day", kind: kindDate, about: "The programme's calendar day, as the orders' businessDate."}.need(),
			integerField("orders", "", 0, math.MaxInt64, "How many orders were paid on that day, those without a member too.").need(),
			integerField("amountFen", "fen", 0, math.MaxInt64, "The sum of their amounts, in fen (1/100 yuan), refunds not taken off.").need(),
			source,
			stringField("shopCode", "The shop that is meant, as its orders name it; absent: all of the source."),
		},
		dateField: "day",
	}
}

// compileDeclared makes the rule of the type, which is the same in every rule set.
func (r *Rules) compileDeclared(p *problems) {
	c := ruleCompiler{place: dayDeclaredType, file: RuleFile{Type: dayDeclaredType}, rules: r, problems: p, base: dayDeclared(), isBuilt: true}
	c.out = &rule{typ: dayDeclaredType, place: dayDeclaredType, about: c.base.about, declares: true}
	c.compileFields()
	r.declared = c.out
}

// takesDeclared tells whether the type is the built-in one: a file may have a rule of its
// own for it, or have it ignored, as it could before there was one.
func (r *Rules) takesDeclared() bool {
	for i := range r.sets {
		if r.sets[i].rules[dayDeclaredType] != nil {
			return false
		}
	}
	return !r.ignored[dayDeclaredType] && r.noVendorCall[dayDeclaredType] == ""
}

// declaration makes the event of a day that is declared.
func (x *reading) declaration() *ledger.Event {
	number := func(name string) int64 { return x.values[x.rule.index[name]].number }
	source, path := x.came.Source, "source"
	if named := &x.values[x.rule.index[declaredSource]]; named.present {
		source, path = named.text, "data."+declaredSource
	}
	shop := &x.values[x.rule.shopAt]
	event := &ledger.Event{Source: x.came.Source, ID: x.came.ID, Type: x.came.Type, Time: x.time, Content: x.content(),
		FactKey: ledger.NewFactKey(spelling.SourceKey(x.came.Source), x.came.Type, x.came.ID),
		Declares: &ledger.Declaration{Source: source, SourceKey: spelling.SourceKey(source), Spellings: append([]string{source}, spelling.SourceSpellings(source)...),
			ShopCode: shop.text, Day: x.date, Orders: number("orders"), AmountFen: number("amountFen")}}
	if plain := spelling.Source(source); utf8.ValidString(plain) {
		source = plain
	}
	for _, named := range []struct{ path, text string }{{path, source}, {"data.shopCode", shop.text}} {
		if event.OnlyIfKnown == nil && named.text != "" {
			event.OnlyIfKnown = checkKeyText(named.path, named.text)
		}
	}
	return event
}
