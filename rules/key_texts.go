package rules

import (
	"strconv"
	"unicode/utf8"

	"pointsledger/ledger"
	"pointsledger/rules/cloudevent"
	"pointsledger/rules/spelling"
)

// checkKeyTexts refuses what a person cannot tell from another text by eye in
// all that names the fact: "SO-1" and "SO-1 " are one order to whoever reads
// them, and two keys. The rejection is for a fact that is new; an event that is
// recorded already stays what it is (TestLookAlikesThatAreRecorded).
func (x *reading) checkKeyTexts() *ledger.Rejection {
	if !x.rule.programme {
		source := x.came.Source
		if plain := spelling.Source(source); utf8.ValidString(plain) {
			source = plain
		}
		if rejection := checkKeyText("source", source); rejection != nil {
			return rejection
		}
	}
	for i := range x.rule.key {
		part := &x.rule.key[i]
		path := "data." + part.name
		switch {
		case part.kind == keyMemberID:
			path = memberPath + "." + part.name
		case part.kind != keyField || x.rule.fields[part.field].kind != kindString:
			continue
		}
		if rejection := checkKeyText(path, x.keyValues[i]); rejection != nil {
			return rejection
		}
	}
	if x.rule.refers != nil {
		return x.checkOriginTexts()
	}
	return nil
}

// checkOriginTexts looks at what names the event that is meant: by a text that looks
// like its key it would never be found.
func (x *reading) checkOriginTexts() *ledger.Rejection {
	shape := x.rule.refers.shapes[0]
	if !shape.programme {
		source := spelling.Source(x.originSource())
		if rejection := checkKeyText("data."+orderSource, source); x.values[x.rule.refers.sourceAt].present && utf8.ValidString(source) && rejection != nil {
			return rejection
		}
	}
	for _, at := range shape.key {
		if x.rule.fields[at].kind != kindString {
			continue
		}
		if rejection := checkKeyText(x.path(at), x.values[at].text); rejection != nil {
			return rejection
		}
	}
	return nil
}

// checkKeyText names the first character that makes a text look like another.
func checkKeyText(path, text string) *ledger.Rejection {
	at, what := spelling.LookAlike(text)
	if what == "" {
		return nil
	}
	c, _ := utf8.DecodeRuneInString(text[at:])
	return ledger.Rejectf(ledger.BadType, "%s: want a text that cannot be taken for another by eye, got %s with %U, %s, at character %d of %d: send it without",
		path, strconv.Quote(cloudevent.Clip(text)), c, what, utf8.RuneCountInString(text[:at])+1, utf8.RuneCountInString(text))
}
