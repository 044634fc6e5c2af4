package rules

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"pointsledger/ledger"
	"pointsledger/rules/cloudevent"
)

// defaultPointsLimit is the most points of one operation when the rule file
// names no limit. Zhimai and Kylin have no call that takes points back.
const defaultPointsLimit = 100_000

// Account is what the rules need to know of a vendor account.
type Account struct {
	// Name is what an operation of a rule calls its vendor.
	Name string
	// Refuses says of the calls that vendors of its kind do not offer why not, as
	// the end of a sentence that begins with the call.
	Refuses map[ledger.Kind]string
	// On: the account has a URL and credentials. Events that need an account
	// that is off are rejects vendor_not_configured.
	On bool
	// AnyMemberID: its vendor's ids may look like anything, so that an event's memberId
	// names the member for every call, or else its customerId. Otherwise a grant goes to
	// the customerId and a freeze to the memberId.
	AnyMemberID bool
	// ReasonMaxChars cuts the reason, reference included. 0 means 50.
	ReasonMaxChars int
}

// Rules turns messages into events and operations. It does not change after
// Compile and is safe for concurrent use.
type Rules struct {
	version      string
	programme    string
	zone         *time.Location
	channels     *channels
	ignored      map[string]bool
	noVendorCall map[string]string
	limit        int64
	budgets      dayLimits
	// leastText is the most characters of a text that fits, with its reference, at
	// every account.
	leastText int
	// sources are plain, by the last token of the subject; nil is no check.
	sources map[string]string
	sets    []ruleSet
	// someByEvent: the beginning of a set is held against the events' own time.
	someByEvent bool
	// shapes are by type; see factShape.
	shapes map[string][]*factShape
	// declared is the rule of day.declared, nil where the file has that type otherwise.
	declared *rule
	// readings are reused between messages: *reading.
	readings sync.Pool
}

type ruleSet struct {
	from  time.Time
	clock setClock
	rules map[string]*rule
	// order lists the types as the file does.
	order []string
}

// rule is what one event type becomes.
type rule struct {
	typ   string
	about string
	// place is where it stands in the rule file.
	place string
	// fields are in order of their names, the order of the content.
	fields []field
	index  map[string]int
	// order lists fields in the order in which problems are reported.
	order []int
	// Positions in fields; -1 where the type has no such field.
	memberAt, channelAt, dateAt, shopAt, amountAt int
	member                                        memberRule
	key                                           []keyPart
	keyHasDate                                    bool
	keyHasMemberID                                bool
	programme                                     bool
	repeatIsDuplicate                             bool
	// elseReject: an event that no operation is for is a reject.
	elseReject bool
	// bulk: its operations are sent in the bulk lane.
	bulk bool
	// maxDaysBack bounds the age of the business date; 0 is no bound.
	maxDaysBack int
	shape       *factShape
	// refers: the events are about an earlier one; then there are no operations.
	refers *reference
	// declares: the events say what was sold, and there are no operations.
	declares   bool
	operations []operation
}

// keyPart is one value of the key: a field, or something that is worked out.
type keyPart struct {
	name  string
	kind  keyKind
	field int
}

type keyKind int

const (
	keyField keyKind = iota
	keyDate
	keyCustomerID
	keyMemberID
)

// problems collects what is wrong with a rule file, each with its place.
type problems struct{ errs []error }

func (p *problems) add(place, format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf("%s: %s", place, fmt.Sprintf(format, args...)))
}

// Compile checks a rule file and makes it ready for use. version is recorded
// with each operation. The error joins every problem, each naming its place:
// "rules[0].events[2].operations[0].source_type: want 1 to 12, got 13".
func Compile(f RulesFile, version string, accounts []Account) (*Rules, error) {
	p := &problems{}
	r := &Rules{
		version:      version,
		programme:    f.Programme,
		channels:     compileChannels(f.ChannelAliases, p),
		ignored:      make(map[string]bool, len(f.Ignore)),
		noVendorCall: maps.Clone(f.NoVendorCall),
		limit:        f.Limits.PointsPerOperation,
	}
	r.readings.New = newReading
	r.compileGeneral(f, p)
	known := compileAccounts(accounts, p)
	r.leastText = leastText(known)
	if len(f.Rules) == 0 {
		p.add("rules", "want at least one rule set")
	}
	for i, file := range f.Rules {
		place := fmt.Sprintf("rules[%d]", i)
		if i > 0 && !file.From.After(f.Rules[i-1].From) {
			p.add(place+".from", "want a time after that of the rule set before it, got %s", file.From.Format(time.RFC3339))
		}
		set := r.compileSet(place, file, known, p)
		set.clock = compileClock(place, &file, i == 0, p)
		r.someByEvent = r.someByEvent || set.clock != 0
		r.sets = append(r.sets, set)
	}
	r.checkWithoutRule(p)
	r.compileShapes()
	r.compileOrigins(p)
	if r.takesDeclared() {
		r.compileDeclared(p)
	}
	if len(p.errs) > 0 {
		return nil, errors.Join(p.errs...)
	}
	return r, nil
}

func (r *Rules) compileGeneral(f RulesFile, p *problems) {
	if n := utf8.RuneCountInString(f.Programme); n == 0 || n > defaultChars || cloudevent.HasControl(f.Programme) {
		p.add("programme", "want a name of 1 to %d characters, got %q", defaultChars, f.Programme)
	}
	zone := f.Timezone
	if zone == "" {
		zone = "Asia/Shanghai"
	}
	var err error
	if r.zone, err = time.LoadLocation(zone); err != nil {
		p.add("timezone", "want an IANA name like Asia/Shanghai: %v", err)
	}
	for i, typ := range f.Ignore {
		place := fmt.Sprintf("ignore[%d]", i)
		checkType(place, typ, p)
		if _, refused := f.NoVendorCall[typ]; refused {
			p.add(place, "%s is in no_vendor_call too", typ)
		}
		r.ignored[typ] = true
	}
	for _, typ := range slices.Sorted(maps.Keys(f.NoVendorCall)) {
		place := "no_vendor_call." + typ
		checkType(place, typ, p)
		if words := f.NoVendorCall[typ]; words == "" || cloudevent.HasControl(words) {
			p.add(place, "want the words that the publisher is told, got %q", words)
		}
	}
	r.compileSources(f.Sources, p)
	r.budgets = compileBudgets(f.Limits, p)
	switch {
	case r.limit == 0:
		r.limit = defaultPointsLimit
	case r.limit < 0:
		p.add("limits.points_per_operation", "want at least 1, or 0 for %d, got %d", defaultPointsLimit, r.limit)
	}
}

func compileAccounts(accounts []Account, p *problems) map[string]*Account {
	known := make(map[string]*Account, len(accounts))
	for _, account := range accounts {
		place := "vendors." + account.Name
		if known[account.Name] != nil {
			p.add(place, "is there twice")
		}
		if account.ReasonMaxChars == 0 {
			account.ReasonMaxChars = 50
		}
		if account.ReasonMaxChars < referenceTail+1 {
			p.add(place+".reason_max_chars", "want at least %d, so that the reference fits, got %d", referenceTail+1, account.ReasonMaxChars)
		}
		known[account.Name] = &account
	}
	return known
}

// leastText is the room for a text at the account that has the least.
func leastText(accounts map[string]*Account) int {
	least := 0
	for _, account := range accounts {
		if room := account.ReasonMaxChars - referenceTail; least == 0 || room < least {
			least = room
		}
	}
	return max(least, 1)
}

func (r *Rules) compileSet(place string, file RuleSetFile, accounts map[string]*Account, p *problems) ruleSet {
	set := ruleSet{from: file.From, rules: make(map[string]*rule, len(file.Events))}
	for i, event := range file.Events {
		at := fmt.Sprintf("%s.events[%d]", place, i)
		checkType(at+".type", event.Type, p)
		if set.rules[event.Type] != nil {
			p.add(at+".type", "%s is in this rule set twice", event.Type)
		}
		c := ruleCompiler{place: at, file: event, rules: r, accounts: accounts, problems: p}
		set.rules[event.Type] = c.compile()
		set.order = append(set.order, event.Type)
	}
	return set
}

// checkWithoutRule wants ignore and no_vendor_call to be about types that some rule
// set has no rule for: there they hold. So a set that is added later can have a rule
// for such a type, and an event of before stays what it was.
func (r *Rules) checkWithoutRule(p *problems) {
	if len(r.sets) == 0 {
		return
	}
	for _, typ := range r.sets[0].order {
		rule := r.sets[0].rules[typ]
		if slices.ContainsFunc(r.sets, func(s ruleSet) bool { return s.rules[typ] == nil }) {
			continue
		}
		switch {
		case r.ignored[typ]:
			p.add(rule.place+".type", "%s is under ignore too", typ)
		case r.noVendorCall[typ] != "":
			p.add(rule.place+".type", "%s is under no_vendor_call too", typ)
		}
	}
}

// checkType wants what fits behind "points.events." in a subject.
func checkType(place, typ string, p *problems) {
	for token := range strings.SplitSeq(typ, ".") {
		token = strings.NewReplacer("_", "", "-", "").Replace(token)
		other := func(c rune) bool { return c > unicode.MaxASCII || !unicode.IsLetter(c) && !unicode.IsDigit(c) }
		if token == "" || strings.ContainsFunc(token, other) || len(typ) > defaultChars {
			p.add(place, "want words of letters, digits, _ and - joined by dots, at most %d characters, got %q", defaultChars, typ)
			return
		}
	}
}

// Version is the version given to Compile.
func (r *Rules) Version() string { return r.version }

// Zone is the programme's zone, in which a business date is a day.
func (r *Rules) Zone() *time.Location { return r.zone }

// Types lists the event types of all rule sets, and day.declared, sorted.
func (r *Rules) Types() []string {
	types := map[string]bool{}
	for _, set := range r.sets {
		for typ := range set.rules {
			types[typ] = true
		}
	}
	if r.declared != nil {
		types[dayDeclaredType] = true
	}
	return slices.Sorted(maps.Keys(types))
}

// setAt is the rule set in force at the broker's time: the last whose from is
// not after it. Messages older than the first set belong to the first.
func (r *Rules) setAt(broker time.Time) *ruleSet {
	for i := len(r.sets) - 1; i > 0; i-- {
		if !r.sets[i].from.After(broker) {
			return &r.sets[i]
		}
	}
	return &r.sets[0]
}

func kindOfCall(call string) (kind ledger.Kind, leg string, ok bool) {
	switch call {
	case "points_add":
		return ledger.PointsAdd, "pa", true
	case "freeze_point":
		return ledger.FreezePoint, "fz", true
	}
	return "", "", false
}
