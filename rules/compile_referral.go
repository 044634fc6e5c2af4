package rules

import (
	"slices"
	"strings"

	"pointsledger/ledger"
)

// refers tells that the rule is about an earlier fact.
func (c *ruleCompiler) refers() bool { return c.file.Reverses != nil || c.file.Consumes != nil }

// compileReference reads reverses or consumes. Whether the origin fits is looked at
// when all rule sets are there (compileOrigins).
func (c *ruleCompiler) compileReference() {
	ref := &reference{shareAt: -1, sourceAt: c.at(orderSource)}
	c.out.refers = ref
	place := ".reverses"
	switch {
	case c.file.Reverses != nil && c.file.Consumes != nil:
		ref.typ = c.file.Reverses.Type
		c.add(".consumes", "want reverses or consumes, not both: what is taken back cannot be spent; give one of them a type of its own")
	case c.file.Consumes != nil:
		place, ref.typ, ref.consumes = ".consumes", c.file.Consumes.Type, true
	default:
		ref.typ = c.file.Reverses.Type
		ref.shareAt = c.compileShare(c.file.Reverses.Share)
	}
	if len(c.file.Operations) > 0 {
		c.add(".operations", "want none beside %s: the ledger makes them, one for each operation of the event that is meant; leave them out, or give them a type of their own", place[1:])
	}
	if c.file.Else != "" {
		c.add(".else", "belongs to a rule with operations; leave it out")
	}
	if c.file.Lane != "" {
		c.add(".lane", "what takes back goes in the live lane; leave it out")
	}
	if c.file.Member != "" && !c.isBuilt {
		c.add(".member", "an event that refers to another names no member: it is the other's; leave it out")
	}
	c.compileReferenceTexts(place[1:])
}

// compileShare is the position of the field that says how much is taken back.
func (c *ruleCompiler) compileShare(name string) int {
	if name == "" {
		return -1
	}
	at := c.at(name)
	if at < 0 || !isAmount(&c.out.fields[at]) || c.out.fields[at].unit != "fen" {
		c.add(".reverses.share", "want a required integer field in fen of at least 0, such as fields: {%s: {type: integer, required: true, min: 0, unit: fen}}, got %q", amountName(name), name)
		return -1
	}
	return at
}

func amountName(name string) string {
	if isName(name) {
		return name
	}
	return "amountFen"
}

func isAmount(f *field) bool { return f.kind == kindInteger && f.required && f.min >= 0 }

// compileReferenceTexts reads the texts of what the ledger makes: the rule's own, or
// those of the type, or general ones.
func (c *ruleCompiler) compileReferenceTexts(says string) {
	file := c.file.Reason
	for _, k := range []struct {
		kind         ledger.Kind
		own, general string
	}{
		{ledger.PointsDeduct, file.PointsDeduct, "业务单{key}扣回积分"},
		{ledger.UnfreezePoint, file.UnfreezePoint, "业务单{key}解冻积分"},
		{ledger.ConsumeFrozen, file.ConsumeFrozen, "业务单{key}核销积分"},
	} {
		if (k.kind == ledger.ConsumeFrozen) != c.out.refers.consumes {
			if k.own != "" {
				c.add(".reason."+string(k.kind), "a rule with %s makes no such operation; leave it out", says)
			}
			continue
		}
		place, text := ".reason", file.All
		if k.own != "" {
			place, text = place+"."+string(k.kind), k.own
		}
		if text == "" {
			text = c.base.reasons[k.kind]
		}
		if text == "" {
			text = k.general
		}
		c.out.refers.texts = append(c.out.refers.texts, referenceText{k.kind, c.compileTemplate(place, text)})
	}
}

// compileOrigins checks what the rules of all sets refer to, and learns how it may
// be named.
func (r *Rules) compileOrigins(p *problems) {
	for i := range r.sets {
		set := &r.sets[i]
		for _, typ := range set.order {
			rule := set.rules[typ]
			if rule.refers == nil {
				continue
			}
			if origin := r.originOf(set, rule, p); origin != nil {
				rule.checkOrigin(origin, p)
				rule.refers.shapes = r.originShapes(rule, origin)
			}
		}
	}
}

// originOf is the rule of what a rule refers to: that of its own set, or else of the
// newest set that has one.
func (r *Rules) originOf(set *ruleSet, rule *rule, p *problems) *rule {
	typ, place := rule.refers.typ, rule.place+rule.refers.key()+".type"
	origin := set.rules[typ]
	for i := len(r.sets) - 1; i >= 0 && origin == nil; i-- {
		origin = r.sets[i].rules[typ]
	}
	switch {
	case typ == rule.typ:
		p.add(place, "%s cannot refer to itself: want the type of the event that gave the points", typ)
	case origin == nil:
		p.add(place, "want a type that has a rule with operations in this file (%s), got %q", strings.Join(r.givers(), ", "), typ)
	case origin.refers != nil:
		p.add(place, "%s refers to %s itself: want the type of the event that gave the points", typ, origin.refers.typ)
	default:
		return origin
	}
	return nil
}

// key is the word of the rule file.
func (ref *reference) key() string {
	if ref.consumes {
		return ".consumes"
	}
	return ".reverses"
}

// givers are the types with operations, for the words of a problem.
func (r *Rules) givers() []string {
	return slices.DeleteFunc(r.Types(), func(typ string) bool {
		return !slices.ContainsFunc(r.sets, func(s ruleSet) bool { return s.rules[typ] != nil && s.rules[typ].refers == nil })
	})
}

// checkOrigin wants the origin's key among the rule's fields, and an amount where a
// share of it is taken back.
func (r *rule) checkOrigin(origin *rule, p *problems) {
	place := r.place + r.refers.key()
	for _, part := range origin.key {
		if !origin.plainKeyPart(part) {
			p.add(place+".type", "%s is in the key of %s, and an event that refers to another cannot name it; want a type whose key is made of fields of type string, integer, boolean or date", part.name, origin.typ)
			continue
		}
		of := &origin.fields[part.field]
		if at, there := r.index[part.name]; !there || r.fields[at].kind != of.kind || !r.fields[at].required {
			p.add(place+".type", "%[1]s is in the key of %[2]s: want it here too, by the same name: fields: {%[1]s: {type: %[3]s, required: true}}", part.name, origin.typ, of.kind.word())
		}
	}
	if r.refers.shareAt >= 0 && (origin.amountAt < 0 || !isAmount(&origin.fields[origin.amountAt])) {
		p.add(place+".share", "%s has no amount of which a share could be taken back: want there amountFen: {type: integer, required: true, min: 0, unit: fen}; without share all is taken back", origin.typ)
	}
}

// plainKeyPart tells that a part of the key is a field that another type can have.
func (r *rule) plainKeyPart(part keyPart) bool {
	return part.kind == keyField && r.fields[part.field].kind != kindChannel
}

// originShapes are the ways in which rule sets name the origin, as far as the rule
// has their fields; that of the origin's rule comes first.
func (r *Rules) originShapes(rule, origin *rule) (shapes []originShape) {
	for i, shape := range append([]*factShape{origin.shape}, r.shapes[origin.typ]...) {
		if i > 0 && shape == origin.shape || len(shape.legs) == 0 {
			continue
		}
		if key, readable := rule.positions(shape.rule); readable {
			shapes = append(shapes, originShape{programme: shape.rule.programme, key: key})
		}
	}
	return shapes
}

// positions are the rule's fields that hold the origin's key; false when it lacks one.
func (r *rule) positions(origin *rule) (at []int, readable bool) {
	for _, part := range origin.key {
		here, there := r.index[part.name]
		if !there || !origin.plainKeyPart(part) || r.fields[here].kind != origin.fields[part.field].kind {
			return nil, false
		}
		at = append(at, here)
	}
	return at, true
}
