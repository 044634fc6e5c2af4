package rules

import "time"

// RulesFile is the part of the configuration file that turns events into
// operations. It is data: new types, either vendor call and any of the twelve
// source types need no code. Compile checks it.
type RulesFile struct {
	// Programme names the loyalty programme; it is the scope of keys that do
	// not depend on the shop (member.checked_in). Changing it makes new keys.
	Programme string `yaml:"programme"`
	// Timezone is the programme's zone for business dates, an IANA name.
	Timezone string `yaml:"timezone"`
	// ChannelAliases maps further channel names to one of the nine names
	// (alipay, wechat, pos, meituan, eleme, youzan, third_party, other, koubei).
	ChannelAliases map[string]string `yaml:"channel_aliases"`
	// Ignore lists types that are acknowledged and counted, nothing more.
	Ignore []string `yaml:"ignore"`
	// NoVendorCall lists types for which the vendors offer no call, with the
	// words the publisher is told (order.refunded: no deduct call).
	NoVendorCall map[string]string `yaml:"no_vendor_call"`
	// Sources binds publishers to their sources: the last token of the subject
	// (points.events.<type>.<token>) names the only source that an event on it may
	// say, in whichever spelling. The broker's permissions say who may publish on
	// which subject. Absent: no check.
	Sources map[string]string `yaml:"sources"`
	Limits  LimitsFile        `yaml:"limits"`
	// Rules are the rule sets, in order of From. The time of an event picks the
	// set, the broker's unless the set says otherwise, never the clock of the
	// moment; a used set is not edited.
	Rules []RuleSetFile `yaml:"rules"`
}

// LimitsFile holds the limits on what a rule may grant.
type LimitsFile struct {
	// PointsPerOperation is the most points of one operation; above it the
	// event is a reject over_limit. There is no call that takes points back.
	// 0 means the default, 100,000.
	PointsPerOperation int64 `yaml:"points_per_operation"`
	// PerMemberDay is the most points that one member of an account is granted on a
	// day, PerSourceDay the most that the events of one source grant: days of the
	// broker's time in Timezone. What is above is recorded, and parked (over_budget)
	// until a person releases it or gives it up. 0 is no bound.
	PerMemberDay int64 `yaml:"per_member_day"`
	PerSourceDay int64 `yaml:"per_source_day"`
}

// RuleSetFile is the rules in force from a time on.
type RuleSetFile struct {
	From time.Time `yaml:"from"`
	// By is the clock that From is held against: "broker" (default), when the
	// broker stored the event, or "event", when the event says that it happened.
	By string `yaml:"by"`
	// Within bounds how far the event's own time may be before the broker's; what
	// is further back counts as so far back. A duration such as 10m, and required
	// with By event: it is how much a publisher can gain by a wrong time.
	Within string     `yaml:"within"`
	Events []RuleFile `yaml:"events"`
}

// RuleFile says what one event type becomes.
type RuleFile struct {
	Type string `yaml:"type"`
	// Fields declares the data fields of a type that is not built in; for a
	// built-in type (order.paid, member.checked_in, review.posted, and with Reverses or
	// Consumes order.refunded, order.cancelled, order.completed) it may add
	// fields. member, channel, points and shopCode are always declared, and so
	// is businessDate, except that member.checked_in has date instead. With Reverses
	// or Consumes it is orderSource and businessDate.
	Fields map[string]FieldFile `yaml:"fields"`
	// Member says who a type that is not built in is about: "any" (default:
	// null is an anonymous sale), "known" (null is a reject) or "customer_id"
	// (a reject without customerId, as a scanned code is no key).
	Member string `yaml:"member"`
	// Key lists the data fields that identify the business fact, in order:
	// required fields, channel, businessDate (then it or the envelope's time
	// must be given), member.customerId and member.memberId (then the member
	// must have it). Built-in types have theirs fixed; it may be left out there.
	Key []string `yaml:"key"`
	// Scope is "source" (default: keys are unique within the event's source)
	// or "programme".
	Scope string `yaml:"scope"`
	// Repeat is "compare" (default: same key with other content is a conflict)
	// or "duplicate" (the key alone decides).
	Repeat string `yaml:"repeat"`
	// Operations are what the event leads to, unless it is about an earlier one:
	// then Reverses or Consumes stands in their place.
	Operations []OperationFile `yaml:"operations"`
	// Reverses: the event takes back what an earlier event gave.
	Reverses *ReversesFile `yaml:"reverses"`
	// Consumes: what an earlier event froze is spent.
	Consumes *ConsumesFile `yaml:"consumes"`
	// Reason is the text of what Reverses or Consumes leads to.
	Reason ReasonsFile `yaml:"reason"`
	// Lane is "live" (default) or "bulk": bulk operations have one place of four
	// while live ones wait at the same account.
	Lane string `yaml:"lane"`
	// Else says what an event is whose operations are all left out by their
	// conditions: "nothing" (default: recorded, nothing to send) or "reject"
	// (out_of_range, so that somebody hears of what no condition foresaw).
	Else string `yaml:"else"`
	// MaxDaysBack is how many days before the broker's day an event's business date
	// may be; what is older is a reject clock, unless the fact is known. 0 is no
	// bound but the 400 days of every event.
	MaxDaysBack int `yaml:"max_days_back"`
}

// ReversesFile names an earlier event, the origin: its key fields are fields of this
// event too, by the same names. What it granted is taken back, and what it froze is
// released.
type ReversesFile struct {
	// Type is the origin's. It has a rule with operations.
	Type string `yaml:"type"`
	// Share is a field of this event, in fen: so much of the origin's amountFen is
	// taken back, with the points that it gave. Empty is all of it.
	Share string `yaml:"share"`
}

// ConsumesFile names an earlier event, as ReversesFile does.
type ConsumesFile struct {
	Type string `yaml:"type"`
}

// ReasonsFile is the readable text of operations that the ledger makes; {field} and
// {key}, the business key of the origin, stand for values. In YAML it is one text for
// all of them, or a mapping by the call. Empty means the built-in text.
type ReasonsFile struct {
	All           string `yaml:"-"`
	PointsDeduct  string `yaml:"points_deduct"`
	UnfreezePoint string `yaml:"unfreeze_point"`
	ConsumeFrozen string `yaml:"consume_frozen"`
}

// FieldFile declares one field of an event's data.
type FieldFile struct {
	// Type is string, integer, boolean or date.
	Type string `yaml:"type"`
	// Required: absent or null is a reject missing_field.
	Required bool `yaml:"required"`
	// Min and Max bound an integer, or the characters of a string, inclusive.
	// A string without them has 1 to 64 characters.
	Min *int64 `yaml:"min"`
	Max *int64 `yaml:"max"`
	// Unit stands in error texts ("an integer in fen").
	Unit string `yaml:"unit"`
	// About is one line for the JSON Schema.
	About string `yaml:"about"`
}

// OperationFile is one vendor call that an event leads to.
type OperationFile struct {
	// Vendor is the account's name under vendors. Exactly one of Vendor and
	// Account is given.
	Vendor string `yaml:"vendor"`
	// Account picks the account by what the event says.
	Account *AccountFile `yaml:"account"`
	// Call is points_add or freeze_point.
	Call string `yaml:"call"`
	// Leg is two lower-case letters that tell apart the operations of one
	// event; the default is pa for points_add and fz for freeze_point.
	Leg string `yaml:"leg"`
	// When is the condition under which the operation exists; nil is always.
	When   *ConditionFile `yaml:"when"`
	Points PointsFile     `yaml:"points"`
	// SourceType is Zhimai's 1 to 12; required for points_add, and 0 (none) or
	// only a note in the ledger for freeze_point.
	SourceType int `yaml:"source_type"`
	// Hold is how long after the event's own time it may be sent at the earliest:
	// days, hours, minutes (7d, 1d12h, 36h, 90m), at most 400 days. Absent or 0 is at
	// once, and so is what comes to the broker after its hold is over.
	Hold any `yaml:"hold"`
	// Reason is the readable text; {field} stands for a data field's value and
	// {key} for the business key. The reference is added behind it. Empty means
	// the built-in text of the type.
	Reason string `yaml:"reason"`
}

// AccountFile picks one of several accounts, so that one deployment serves
// several brands. What fits nothing is a reject vendor_not_configured, never a
// silent zero.
type AccountFile struct {
	// By is "source", in whichever spelling it comes, or a declared field of type
	// string, such as shopCode.
	By string `yaml:"by"`
	// Of names the account for each value, exactly as it is written.
	Of map[string]string `yaml:"of"`
	// Default is the account for every other value, and for an absent field;
	// empty is none.
	Default string `yaml:"default"`
}

// ConditionFile is true when the field satisfies it: exactly one of Above, Equals
// and In is set. An absent field satisfies nothing.
type ConditionFile struct {
	Field  string `yaml:"field"`
	Above  *int64 `yaml:"above"`
	Equals any    `yaml:"equals"`
	// In lists values of which the field has one.
	In []any `yaml:"in"`
}

// PointsFile says how many points. In YAML it is a whole number, or a mapping
// with exactly one of value, field (with tiers or without) and ratio; cases need
// one of them as their end.
type PointsFile struct {
	// Value is a fixed number.
	Value *int64 `yaml:"value"`
	// Cases are tried in order before the rest; the first whose condition holds
	// gives the points.
	Cases []PointsCaseFile `yaml:"cases"`
	// Field takes the points from an integer field. With tiers it is the amount
	// that they count.
	Field string `yaml:"field"`
	// Tiers give a rate by the size of Field: the last one whose From is not above
	// it counts, for all of it. In order of From; an amount below the first gives 0.
	Tiers []TierFile `yaml:"tiers"`
	// Ratio is floor(field × points ÷ per), if Round says nothing else.
	Ratio *RatioFile `yaml:"ratio"`
	// Round says what becomes of a fraction of a point: "down" (default), "half_up"
	// or "up".
	Round string `yaml:"round"`
	// Max is the most that rates give; what is above it is cut off, and no reject.
	// 0 is no bound but limits.points_per_operation. An override is not cut.
	Max int64 `yaml:"max"`
	// Override names an optional integer field that, when present, is the
	// number of points whatever the rest says.
	Override OverrideFile `yaml:"override"`
}

// OverrideFile is a field by which an event says its points itself. In YAML it is
// the field's name, or a mapping.
type OverrideFile struct {
	// Field is empty when there is no override.
	Field string `yaml:"field"`
	// Max is the most that an event may say; what is above it is a reject
	// over_limit. 0 is limits.points_per_operation.
	Max int64 `yaml:"max"`
}

// PointsCaseFile gives Value, or Rate of the amount, when its condition holds.
type PointsCaseFile struct {
	When ConditionFile `yaml:"when"`
	// Value is a fixed number. Exactly one of Value and Rate counts: without Rate
	// no Value is 0.
	Value int64 `yaml:"value"`
	// Rate is "points/per", such as 2/100, of the field that ratio or tiers count.
	Rate string `yaml:"rate"`
}

// TierFile is a rate from an amount on.
type TierFile struct {
	From int64 `yaml:"from"`
	// Rate is "points/per", such as 1/100: 1 point for each 100.
	Rate string `yaml:"rate"`
}

// RatioFile is an integer ratio: Points for every Per units of Field.
type RatioFile struct {
	Field  string `yaml:"field"`
	Points int64  `yaml:"points"`
	Per    int64  `yaml:"per"`
	// ByChannel overrides Points and Per for channels by name.
	ByChannel map[string]RateFile `yaml:"by_channel"`
}

// RateFile is Points for every Per units.
type RateFile struct {
	Points int64 `yaml:"points"`
	Per    int64 `yaml:"per"`
}
