package rules

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"pointsledger/ledger"
	"pointsledger/rules/cloudevent"
)

// ruleCompiler turns one entry of a rule set into a rule.
type ruleCompiler struct {
	place    string
	file     RuleFile
	rules    *Rules
	accounts map[string]*Account
	problems *problems

	base    builtIn
	isBuilt bool
	out     *rule
}

func (c *ruleCompiler) add(place, format string, args ...any) {
	c.problems.add(c.place+place, format, args...)
}

func (c *ruleCompiler) compile() *rule {
	c.base, c.isBuilt = builtIns()[c.file.Type]
	c.isBuilt = c.isBuilt && (c.refers() || !c.base.refers)
	switch {
	case !c.isBuilt:
		c.base = c.custom()
	case c.refers() && !c.base.refers:
		c.base.fields = append(c.base.fields, orderSourceField())
	}
	c.out = &rule{
		typ: c.file.Type, place: c.place, about: c.base.about, member: c.base.member,
		programme: c.base.programme, repeatIsDuplicate: c.base.repeatIsDuplicate,
	}
	c.compileFields()
	c.compileKey()
	if c.out.maxDaysBack = c.file.MaxDaysBack; c.out.maxDaysBack < 0 || c.out.maxDaysBack > maxAgeDays {
		c.add(".max_days_back", "want 0 (no bound) to %d, got %d", maxAgeDays, c.file.MaxDaysBack)
	}
	switch {
	case c.refers():
		c.compileReference()
		return c.out
	case len(c.file.Operations) == 0:
		c.add(".operations", "want at least one, or reverses or consumes (a type that leads to nothing belongs under ignore)")
	}
	if c.file.Reason != (ReasonsFile{}) {
		c.add(".reason", "belongs into each operation; here it is for what reverses or consumes")
	}
	switch c.file.Lane {
	case "", "live":
	case "bulk":
		c.out.bulk = true
	default:
		c.add(".lane", "want live or bulk, got %q", c.file.Lane)
	}
	switch c.file.Else {
	case "", "nothing":
	case "reject":
		c.out.elseReject = true
	default:
		c.add(".else", "want nothing or reject, got %q", c.file.Else)
	}
	for i, file := range c.file.Operations {
		c.compileOperation(fmt.Sprintf(".operations[%d]", i), file)
	}
	return c.out
}

// custom declares a type that the rule file alone describes.
func (c *ruleCompiler) custom() builtIn {
	hasGrant := slices.ContainsFunc(c.file.Operations, func(o OperationFile) bool { return o.Call == "points_add" })
	b := builtIn{
		about:     "A type declared by the rule file.",
		fields:    []field{memberField(), channelField(hasGrant), pointsField(), shopCodeField(), businessDateField()},
		dateField: "businessDate",
		key:       c.file.Key,
		reasons: map[ledger.Kind]string{
			ledger.PointsAdd:   "业务单{key}积分",
			ledger.FreezePoint: "业务单{key}积分冻结",
		},
	}
	if c.refers() {
		b.fields = []field{orderSourceField(), businessDateField()}
	}
	switch c.file.Member {
	case "", "any":
	case "known":
		b.member = memberKnown
	case "customer_id":
		b.member = memberCustomer
	default:
		c.add(".member", "want any, known or customer_id, got %q", c.file.Member)
	}
	b.programme = c.file.Scope == "programme"
	if !slices.Contains([]string{"", "source", "programme"}, c.file.Scope) {
		c.add(".scope", "want source or programme, got %q", c.file.Scope)
	}
	b.repeatIsDuplicate = c.file.Repeat == "duplicate"
	if !slices.Contains([]string{"", "compare", "duplicate"}, c.file.Repeat) {
		c.add(".repeat", "want compare or duplicate, got %q", c.file.Repeat)
	}
	if len(c.file.Key) == 0 {
		c.add(".key", "want the fields that identify the business fact")
	}
	return b
}

func (c *ruleCompiler) compileFields() {
	fields := slices.Clone(c.base.fields)
	var own []field
	for _, name := range slices.Sorted(maps.Keys(c.file.Fields)) {
		own = append(own, c.compileField(".fields."+name, name, c.file.Fields[name]))
	}
	// Key fields first: what they lack is what a publisher should hear first.
	isKey := func(f field) int {
		if at := slices.Index(c.file.Key, f.name); at >= 0 {
			return at
		}
		return len(c.file.Key)
	}
	slices.SortStableFunc(own, func(a, b field) int { return isKey(a) - isKey(b) })
	if c.isBuilt {
		fields = append(fields, own...)
	} else {
		fields = append(own, fields...)
	}
	names := make([]string, len(fields))
	for i := range fields {
		fields[i].label = string(cloudevent.AppendQuoted(nil, fields[i].name)) + ":"
		names[i] = fields[i].name
	}
	slices.SortFunc(fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	c.out.fields = fields
	c.out.index = make(map[string]int, len(fields))
	for i := range fields {
		c.out.index[fields[i].name] = i
	}
	for _, name := range names {
		c.out.order = append(c.out.order, c.out.index[name])
	}
	c.out.memberAt, c.out.channelAt = c.at("member"), c.at("channel")
	c.out.dateAt, c.out.shopAt = c.at(c.base.dateField), c.at("shopCode")
	c.out.amountAt = c.at("amountFen")
	if at := c.out.amountAt; at >= 0 && fields[at].kind != kindInteger {
		c.add(".fields.amountFen.type", "want integer: the ledger keeps this field as an amount in fen")
	}
}

func (c *ruleCompiler) at(name string) int {
	if at, ok := c.out.index[name]; ok {
		return at
	}
	return -1
}

func (c *ruleCompiler) compileField(place, name string, file FieldFile) field {
	reserved := []string{"customerId", "userCode", "memberId"}
	declared := func(f field) bool { return f.name == name }
	switch {
	case !isName(name):
		c.add(place, "want a name of letters, digits and underscores, beginning with a letter")
	case cloudevent.IsSecretName([]byte(name)):
		c.add(place, "passwords are not accepted in events")
	case slices.ContainsFunc(c.base.fields, declared):
		c.add(place, "is declared already")
	case slices.Contains(reserved, name):
		c.add(place, "belongs into member")
	}
	f := field{name: name, required: file.Required, unit: file.Unit, about: file.About, min: math.MinInt64, max: math.MaxInt64}
	switch file.Type {
	case "string":
		f.kind, f.min, f.max = kindString, 1, defaultChars
	case "integer":
		f.kind = kindInteger
	case "boolean":
		f.kind = kindBoolean
	case "date":
		f.kind = kindDate
	default:
		c.add(place+".type", "want string, integer, boolean or date, got %q", file.Type)
	}
	if f.kind != kindInteger && file.Unit != "" {
		c.add(place+".unit", "only an integer has a unit")
	}
	if (f.kind == kindBoolean || f.kind == kindDate) && (file.Min != nil || file.Max != nil) {
		c.add(place, "a %s has no min and max", file.Type)
	}
	if file.Min != nil {
		f.min = *file.Min
	}
	if file.Max != nil {
		f.max = *file.Max
	}
	if f.min > f.max {
		c.add(place+".max", "want at least min, %d, got %d", f.min, f.max)
	}
	if f.kind == kindString && (f.min < 0 || f.max > maxChars) {
		c.add(place, "want a string's min and max between 0 and %d characters", maxChars)
	}
	return f
}

func (c *ruleCompiler) compileKey() {
	if c.isBuilt {
		c.checkBuiltInKey()
	}
	seen := map[string]bool{}
	for i, name := range c.base.key {
		place := fmt.Sprintf(".key[%d]", i)
		name = strings.TrimPrefix(name, "member.")
		if seen[name] {
			c.add(place, "%s is in the key twice", name)
		}
		seen[name] = true
		part := keyPart{name: name, field: c.at(name)}
		switch {
		case name == "customerId":
			part.kind = keyCustomerID
			c.out.member = memberCustomer
		case name == "memberId":
			part.kind = keyMemberID
			c.out.keyHasMemberID = true
			c.out.member = max(c.out.member, memberKnown)
		case name == c.base.dateField:
			part.kind = keyDate
			c.out.keyHasDate = true
		case part.field < 0 || name == "member":
			c.add(place, "want a declared field, member.customerId or member.memberId, got %q", name)
			continue
		case !c.out.fields[part.field].required:
			c.add(place, "%s must be required: what identifies a fact cannot be left out", name)
		case c.out.fields[part.field].kind == kindString && c.out.fields[part.field].max > defaultChars:
			c.add(place, "%s has up to %d characters, a key field at most %d", name, c.out.fields[part.field].max, defaultChars)
		}
		c.out.key = append(c.out.key, part)
	}
}

// checkBuiltInKey wants of a built-in type either nothing or what is so anyway.
func (c *ruleCompiler) checkBuiltInKey() {
	said := slices.Clone(c.file.Key)
	for i := range said {
		said[i] = strings.TrimPrefix(said[i], "member.")
	}
	if len(said) > 0 && !slices.Equal(said, c.base.key) {
		c.add(".key", "the key of %s is fixed: %s; leave it out", c.file.Type, strings.Join(c.base.key, ", "))
	}
	for _, fixed := range []struct {
		place, said, is, other string
		isOther                bool
	}{
		{".scope", c.file.Scope, "source", "programme", c.base.programme},
		{".repeat", c.file.Repeat, "compare", "duplicate", c.base.repeatIsDuplicate},
	} {
		is := fixed.is
		if fixed.isOther {
			is = fixed.other
		}
		if fixed.said != "" && fixed.said != is {
			c.add(fixed.place, "is fixed for %s: %s; leave it out", c.file.Type, is)
		}
	}
	if c.file.Member != "" {
		c.add(".member", "is fixed for %s; leave it out", c.file.Type)
	}
}
