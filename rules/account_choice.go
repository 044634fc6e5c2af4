package rules

import (
	"maps"
	"slices"
	"strings"

	"pointsledger/ledger"
	"pointsledger/rules/spelling"
)

// accountChoice says which account an operation is for: one, or one by what the
// event says.
type accountChoice struct {
	// only is the account when nothing is chosen, and the default of a choice; nil
	// is none.
	only *Account
	// of is by the source as the fact key has it, or by the text of field; nil when nothing is chosen.
	of    map[string]*Account
	field int // -1: by the source
	// place is where the choice stands in the rule file.
	place string
}

// all are the accounts that can be chosen, sorted by name, each once.
func (c *accountChoice) all() (accounts []*Account) {
	if c.only != nil {
		accounts = append(accounts, c.only)
	}
	for _, account := range c.of {
		accounts = append(accounts, account)
	}
	slices.SortFunc(accounts, func(a, b *Account) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(accounts, func(a, b *Account) bool { return a.Name == b.Name })
}

// shares names an account that both may choose.
func (c *accountChoice) shares(other *accountChoice) (name string, both bool) {
	for _, one := range c.all() {
		if slices.ContainsFunc(other.all(), func(a *Account) bool { return a.Name == one.Name }) {
			return one.Name, true
		}
	}
	return "", false
}

// with is a copy whose accounts were replaced.
func (c accountChoice) with(replace func(*Account) *Account) accountChoice {
	if c.only != nil {
		c.only = replace(c.only)
	}
	c.of = maps.Clone(c.of)
	for value, account := range c.of {
		c.of[value] = replace(account)
	}
	return c
}

// accountOf is the account of an operation for this event.
func (x *reading) accountOf(o *operation) (*Account, *ledger.Rejection) {
	choice := &o.accounts
	if choice.of == nil {
		return choice.only, nil
	}
	name, value, present := "source", spelling.SourceKey(x.came.Source), true
	if choice.field >= 0 {
		v := &x.values[choice.field]
		name, value, present = x.path(choice.field), v.text, v.present
	}
	if account := choice.of[value]; present && account != nil {
		return account, nil
	}
	if choice.only != nil {
		return choice.only, nil
	}
	if !present {
		return nil, ledger.Rejectf(ledger.VendorNotConfigured, "%s: is absent, and %s.account.of chooses the account by it and has no default", name, choice.place)
	}
	return nil, ledger.Rejectf(ledger.VendorNotConfigured, "%s: %q is not in %s.account.of, and there is no default: no account is known for it", name, value, choice.place)
}

// compileAccounts reads an operation's vendor or account.
func (c *ruleCompiler) compileAccounts(place string, file OperationFile, kind ledger.Kind) accountChoice {
	out := accountChoice{field: -1, place: c.place + place}
	if file.Account == nil {
		out.only = c.accountNamed(place+".vendor", file.Vendor, kind, file.Call)
		return out
	}
	by := place + ".account"
	if file.Vendor != "" {
		c.add(by, "want vendor or account, not both")
	}
	if file.Account.By != "source" {
		out.field = c.at(file.Account.By)
		if out.field < 0 || c.out.fields[out.field].kind != kindString {
			c.add(by+".by", "want source or a declared field of type string, got %q", file.Account.By)
		}
	}
	if len(file.Account.Of) == 0 {
		c.add(by+".of", "want at least one value with its account")
	}
	out.of = make(map[string]*Account, len(file.Account.Of))
	for _, value := range slices.Sorted(maps.Keys(file.Account.Of)) {
		at := by + ".of." + value
		key := value
		if out.field < 0 {
			key = spelling.SourceKey(value)
		}
		if out.of[key] != nil {
			c.add(at, "is there twice, in another spelling")
		}
		out.of[key] = c.accountNamed(at, file.Account.Of[value], kind, file.Call)
	}
	if file.Account.Default != "" {
		out.only = c.accountNamed(by+".default", file.Account.Default, kind, file.Call)
	}
	return out
}

// accountNamed finds an account that offers the call.
func (c *ruleCompiler) accountNamed(place, name string, kind ledger.Kind, call string) *Account {
	account := c.accounts[name]
	if account == nil {
		c.add(place, "want one of the accounts under vendors (%s), got %q", strings.Join(slices.Sorted(maps.Keys(c.accounts)), ", "), name)
		return &Account{Name: name}
	}
	if account.Refuses[kind] != "" {
		c.add(place, "%s %s", call, account.Refuses[kind])
	}
	return account
}
