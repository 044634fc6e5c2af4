package custom

import (
	"slices"
	"strings"

	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

// reader compiles what stands in a file and says what is wrong with it.
type reader struct {
	problem func(t vendorapi.Tree, format string, args ...any)
	suggest func(wrong string, known []string) string
	// secrets are the names of the account's secrets; hasToken: it has a token.
	secrets  []string
	hasToken bool
	sign     *signing
	// keysHonoured: the account says so of its vendor.
	keysHonoured bool
}

// readSettings reads an account. All of it is read, whatever is wrong with a part.
func readSettings(f vendorapi.Fields) vendorapi.Settings {
	r := &reader{problem: f.ProblemAt, suggest: f.Suggest, keysHonoured: f.Tree("keys").Text == "honoured"}
	s := Settings{Values: r.readSecrets(f), calls: map[ledger.Kind]*call{}}
	token := f.Tree("token")
	if token.Given() {
		s.token = r.readToken(token)
	}
	r.hasToken = s.token != nil
	if sign := f.Tree("sign"); sign.Given() {
		r.sign = r.readSign(sign, r.common())
	}
	calls := f.Tree("calls")
	if !r.names(calls, "a mapping of calls", slices.Concat(pointsCalls(), []string{recordsName, memberName})...) {
		return s
	}
	for _, name := range pointsCalls() {
		if t := calls.Get(name); t.Given() {
			s.calls[ledger.Kind(name)] = r.readPointsCall(name, t)
		}
	}
	if len(s.calls) == 0 {
		r.problem(calls, "want at least one of %s", strings.Join(pointsCalls(), ", "))
	}
	if t := calls.Get(recordsName); t.Given() {
		s.records = r.readRecords(t)
	}
	if t := calls.Get(memberName); t.Given() {
		s.member = r.readMember(t)
	}
	s.shape = shapeText(calls)
	sealed, today := *r, s.calls
	s.compile = func(shape string) (map[ledger.Kind]*call, error) { return compileShape(sealed, today, shape) }
	return s.whole()
}

// whole is s, as what it is when its calls are signed.
func (s Settings) whole() vendorapi.Settings {
	signs := s.records != nil && s.records.sign != nil || s.member != nil && s.member.sign != nil
	for _, c := range s.calls {
		signs = signs || c.sign != nil
	}
	if signs {
		return Signed{s}
	}
	return s
}

// readSecrets reads the secrets and their names.
func (r *reader) readSecrets(f vendorapi.Fields) map[string]vendorapi.Secret {
	all := map[string]vendorapi.Secret{}
	t := f.Tree("secrets")
	if !t.Given() {
		return all
	}
	if t.Kind != vendorapi.TreeMap {
		r.problem(t, "want a mapping of names to environment variables, such as app_secret: SHOP_APP_SECRET")
		return all
	}
	for i, name := range t.Names {
		if !isName(name) {
			r.problem(t.Items[i], "want a name of a-z, 0-9 and _, got %q", name)
			continue
		}
		all[name] = f.Variable(t.Items[i])
		r.secrets = append(r.secrets, name)
	}
	return all
}

func isName(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// common are the names that every template of a call may use.
func (r *reader) common() []string {
	names := momentNames()
	for _, secret := range r.secrets {
		names = append(names, secretPrefix+secret)
	}
	if r.hasToken {
		names = append(names, nameToken)
	}
	return names
}

// names wants a mapping with no other keys than known; what says what it is. It is
// false when there is nothing to read.
func (r *reader) names(t vendorapi.Tree, what string, known ...string) bool {
	if t.Kind != vendorapi.TreeMap {
		r.problem(t, "want %s", what)
		return false
	}
	for i, name := range t.Names {
		if !slices.Contains(known, name) {
			r.problem(t.Items[i], "not a known field here; want %s%s", strings.Join(known, ", "), r.suggest(name, known))
		}
	}
	return true
}

// template reads a plain value that may use these names.
func (r *reader) template(t vendorapi.Tree, names []string) template {
	if !t.IsPlain() {
		r.problem(t, "want a text")
		return nil
	}
	made, err := parseTemplate(t.Text)
	if err != nil {
		r.problem(t, "%w", err)
		return nil
	}
	r.checkNames(t, made, names)
	return made
}

func (r *reader) checkNames(t vendorapi.Tree, made template, names []string) {
	for _, p := range made {
		switch {
		case p.name == "" && p.text != "", slices.Contains(names, p.name):
		case p.name == nameToken && !r.hasToken:
			r.problem(t, "{token} is not known: the account has no token; say under token how it is fetched")
		case strings.HasPrefix(p.name, secretPrefix):
			r.problem(t, "{%s} is not known; name its variable under secrets%s", p.name, r.suggest(p.name, names))
		default:
			shown := strings.Join(names, " ")
			r.problem(t, "{%s} is not known here; want one of %s%s", p.name, shown, r.suggest(p.name, names))
		}
	}
}

// pointer reads a JSON pointer; one that is absent is empty.
func (r *reader) pointer(t vendorapi.Tree) pointer {
	if !t.Given() {
		return pointer{}
	}
	p, err := parsePointer(t.Text)
	if err != nil || t.Kind != vendorapi.TreeText {
		r.problem(t, "want a JSON pointer such as /data/id, got %q", t.Text)
	}
	return p
}

// needed is pointer for one that must be there.
func (r *reader) needed(t vendorapi.Tree) pointer {
	if !t.Given() {
		r.problem(t, "missing; want a JSON pointer such as /data/id")
	}
	return r.pointer(t)
}

// oneOf reads a word of a list.
func (r *reader) oneOf(t vendorapi.Tree, words []string) (string, bool) {
	if t.IsPlain() && slices.Contains(words, t.Text) {
		return t.Text, true
	}
	if !t.Given() {
		r.problem(t, "missing; want one of %s", strings.Join(words, ", "))
		return "", false
	}
	r.problem(t, "want one of %s, got %q%s", strings.Join(words, ", "), t.Text, r.suggest(t.Text, words))
	return "", false
}
