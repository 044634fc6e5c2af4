package custom

import (
	"maps"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"pointsledger/vendorapi"
	"pointsledger/vendorapi/wire"
)

// sampleURL is where a request is tried at the start, without sending it.
var sampleURL = &url.URL{Scheme: "http", Host: "vendor.invalid"}

// readSign reads how requests are signed; names are those that the signed text may
// use beside the request's own parts.
func (r *reader) readSign(t vendorapi.Tree, names []string) *signing {
	if !r.names(t, "a mapping with algorithm, over and into", "algorithm", "key", "over", "encode", "into") {
		return nil
	}
	s := &signing{}
	var words []string
	for _, name := range slices.Sorted(maps.Keys(algorithms())) {
		words = append(words, hmacPrefix+name, name)
	}
	if word, known := r.oneOf(t.Get("algorithm"), words); known {
		name, keyed := strings.CutPrefix(word, hmacPrefix)
		s.hash, s.keyed = algorithms()[name], keyed
	}
	key := t.Get("key")
	switch {
	case s.keyed && !key.Given():
		r.problem(t, "an hmac needs a key, such as key: \"{secret.app_secret}\"")
	case !s.keyed && s.hash != nil && key.Given():
		r.problem(key, "%s has no key; put the secret into over", t.Get("algorithm").Text)
	case key.Given():
		s.key = r.template(key, names)
		r.checkKeyIsSecret(key, s.key)
	}
	if over := t.Get("over"); over.Given() {
		s.over = r.template(over, slices.Concat(names, []string{nameMethod, namePath, nameQuery, nameBody}))
	} else {
		r.problem(t, "missing: over, the text that is signed")
	}
	if encodings := r.readEncodings(t.Get("encode")); len(encodings) > 0 {
		s.toText, s.escaped = byteEncodings()[encodings[0]], len(encodings) > 1
	}
	r.readInto(s, t.Get("into"), t)
	if s.hash == nil || s.toText == nil {
		return nil
	}
	return s
}

// checkKeyIsSecret refuses a key that is written into the file.
func (r *reader) checkKeyIsSecret(t vendorapi.Tree, key template) {
	if !slices.ContainsFunc(key, func(p part) bool { return strings.HasPrefix(p.name, secretPrefix) }) {
		r.problem(t, "want a {secret.…} in it: secrets do not stand in this file (the text is not shown)")
	}
}

func (r *reader) readEncodings(t vendorapi.Tree) []string {
	if !t.Given() {
		return []string{"hex"}
	}
	items := t.Items
	if t.Kind != vendorapi.TreeList {
		items = []vendorapi.Tree{t}
	}
	if len(items) == 0 || len(items) > 2 {
		r.problem(t, "want one of %s, and url behind it where the vendor wants that", strings.Join(slices.Sorted(maps.Keys(byteEncodings())), ", "))
		return nil
	}
	var all []string
	for i, item := range items {
		words := slices.Sorted(maps.Keys(byteEncodings()))
		if i > 0 {
			words = []string{urlEncoding}
		}
		if word, known := r.oneOf(item, words); known {
			all = append(all, word)
		}
	}
	if len(all) < len(items) {
		return nil
	}
	return all
}

// readInto reads where the signature goes.
func (r *reader) readInto(s *signing, t, sign vendorapi.Tree) {
	const want = "where the signature goes: one of {header: X-Sign}, {query: sign}, {form: sign}, {json: /Token}"
	if !t.Given() {
		r.problem(sign, "missing: into, %s", want)
		return
	}
	if !r.names(t, want, "header", "query", "form", "json") {
		return
	}
	if len(t.Names) != 1 || !t.Items[0].IsPlain() {
		r.problem(t, "want %s", want)
		return
	}
	switch text := t.Items[0].Text; t.Names[0] {
	case "header":
		s.header = textproto.CanonicalMIMEHeaderKey(text)
		if !wire.IsToken(text) || slices.Contains(refusedHeaders(), s.header) {
			r.problem(t, "%q is not a header that can be set", text)
		}
	case "query":
		s.query = text
		if !isFieldName(text) {
			r.problem(t, "want a name of letters, digits, - . _, got %q", text)
		}
	case "form":
		s.form = text
	case "json":
		s.json = r.needed(t.Items[0])
	}
	if s.inBody() && s.over.uses(nameBody) {
		r.problem(t, "the signature stands in the body, so that it cannot cover {body}")
	}
}

func isFieldName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") == ""
}

// noSign is how a call says that it is not signed, where the account's others are.
const noSign = "none"

// readCallsSign gives a call its signature: its own, the account's, or none.
func (r *reader) readCallsSign(c *call, t vendorapi.Tree, names []string) {
	c.sign = r.sign
	switch {
	case t.Given() && t.Text == noSign:
		c.sign = nil
	case t.Given():
		c.sign = r.readSign(t, names)
	default:
		t.At = "sign"
	}
	if c.sign == nil {
		return
	}
	switch {
	case c.sign.json.given() && c.json == nil:
		r.problem(t, "goes into json, but %s has no json body; say sign: none there, or give it its own sign", c.name)
	case c.sign.json.given():
		if err := c.json.placeSignature(c.sign.json); err != nil {
			r.problem(t, "into json, at %s: %w", c.name, err)
		}
	case c.sign.form != "" && !c.isForm:
		r.problem(t, "goes into a form, but %s has none; say sign: none there, or give it its own sign", c.name)
	case c.sign.form != "":
		c.placeFormSignature(r, t)
	}
}

// placeFormSignature uses an empty field of that name, or appends one.
func (c *call) placeFormSignature(r *reader, t vendorapi.Tree) {
	for i := range c.form {
		if c.form[i].name == c.sign.form {
			if len(c.form[i].value) > 0 {
				r.problem(t, "something stands in the field %s of %s; leave it empty for the signature", c.sign.form, c.name)
			}
			c.form[i].signature = true
			return
		}
	}
	c.form = append(c.form, formField{name: c.sign.form, signature: true})
}
