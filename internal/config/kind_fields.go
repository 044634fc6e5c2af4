package config

import (
	"strings"

	"github.com/goccy/go-yaml/ast"

	"pointsledger/vendorapi"
)

// Codes implements vendorapi.Fields. One code in two of the lists has no meaning.
func (f *accountFields) Codes(refuse func(list, code string) string, lists ...string) map[string][]string {
	f.known = append(f.known, "codes")
	node, ok := f.nodes["codes"]
	if !ok || node.Type() == ast.NullType {
		return nil
	}
	mapping, ok := node.(ast.MapNode)
	if !ok {
		f.addf("codes", "want a mapping of already_applied, auth, throttled, retryable to lists of codes")
		return nil
	}
	inner := &accountFields{e: f.e, file: f.file, from: f.from, path: f.path + ".codes", line: lineOf(node), nodes: map[string]ast.Node{}}
	for entries := mapping.MapRange(); entries.Next(); {
		inner.nodes[keyText(entries.Key())] = entries.Value()
	}
	owner := map[string]string{}
	read := func(field string) []string {
		list, given := inner.list(field)
		for _, code := range list {
			switch {
			case code == "" || len(code) > 100:
				inner.addf(field, "want codes of 1 to 100 characters, got %q", code)
			case refuse(field, code) != "":
				inner.addf(field, "%s", refuse(field, code))
			case owner[code] != "":
				inner.addf(field, "code %s stands in %s too", code, owner[code])
			}
			owner[code] = field
		}
		if given {
			inner.note(field, orNone(strings.Join(list, " ")), f.from)
		}
		return list
	}
	codes := make(map[string][]string, len(lists))
	for _, field := range lists {
		codes[field] = read(field)
	}
	inner.unknown()
	return codes
}

// variable is the name of the environment variable of a secret: the account's
// own choice, or the fixed one of the kind's own account. Empty is none.
func (f *accountFields) variable(secret vendorapi.SecretField) string {
	field := secret.Field + "_env"
	name, ok := f.scalar(field)
	switch {
	case !ok && f.own:
		return secret.Variable
	case ok && !variableName.MatchString(name):
		f.addf(field, "want the name of an environment variable in capital letters (the text is not shown)")
		return ""
	}
	return name
}

// secretField is the kind's secret of that name.
func (f *accountFields) secretField(field string) vendorapi.SecretField {
	for _, secret := range f.kind.Secrets {
		if secret.Field == field {
			return secret
		}
	}
	return vendorapi.SecretField{Field: field}
}

// Secret implements vendorapi.Fields.
func (f *accountFields) Secret(field string) vendorapi.Secret {
	secret := f.secretField(field)
	variable := f.variable(secret)
	if variable == "" {
		f.lacks(secret, "")
		return ""
	}
	value, from := f.e.oneLineSecret(variable)
	f.note(field, value.String(), from)
	if value == "" {
		f.lacks(secret, variable)
	}
	f.some = f.some || value != ""
	return value
}

// lacks notes that a secret has no value: its variable is not set, or none is
// named.
func (f *accountFields) lacks(secret vendorapi.SecretField, variable string) {
	switch {
	case secret.Optional:
	case variable == "" && f.unnamed == "":
		f.unnamed = secret.Field + "_env"
	case variable != "" && f.off == "":
		f.off = variable + " is not set"
	}
}

// Headers implements vendorapi.Fields.
func (f *accountFields) Headers(field string, own ...string) []vendorapi.Header {
	secret := f.secretField(field)
	variable := f.variable(secret)
	if variable == "" {
		f.lacks(secret, "")
		return nil
	}
	list, from := f.e.headers(variable, own)
	names := make([]string, len(list))
	for i, header := range list {
		names[i] = header.Name + ": " + header.Value.String()
	}
	f.note(field, orUnset(strings.Join(names, ", ")), from)
	if len(list) == 0 {
		f.lacks(secret, variable)
	}
	f.some = f.some || len(list) > 0
	return list
}
