package custom

import (
	"maps"
	"net/http"
	"net/textproto"
	"slices"

	"pointsledger/vendorapi"
	"pointsledger/vendorapi/wire"
)

// requestFields are the keys that say what is sent; every request has them.
func requestFields() []string { return []string{"request", "headers", "json", "form"} }

// replyFields say what comes back.
func replyFields() []string { return []string{"outcomes", "code", "words"} }

// readPointsCall reads a call that gives or takes points.
func (r *reader) readPointsCall(name string, t vendorapi.Tree) *call {
	known := slices.Concat(requestFields(), replyFields(), []string{"sign"})
	if !r.names(t, "a mapping with request and outcomes", known...) {
		return &call{name: name}
	}
	c := r.readRequest(name, t, slices.Concat(operationNames(name), r.common()))
	c.outcomes = r.readOutcomes(t.Get("outcomes"), pointsMeanings())
	if t.Get("outcomes").Kind == vendorapi.TreeList && !slices.ContainsFunc(c.outcomes, func(o outcome) bool { return o.means.outcome == vendorapi.Applied }) {
		r.problem(t.Get("outcomes"), "want at least one that means applied, or no call would ever be confirmed")
	}
	r.checkSaysAll(c, t)
	return c
}

// checkSaysAll sees to it that a points call says who and how much, and has the key
// where the account says that the vendor honours it.
func (r *reader) checkSaysAll(c *call, t vendorapi.Tree) {
	needed := map[string]string{nameMember: "it would be the same for every member"}
	switch c.name {
	case "points_add", "points_deduct", "freeze_point":
		needed["points"] = "it would be the same for any number of points"
	}
	switch c.name {
	case "unfreeze_point", "consume_frozen":
		if !c.anyTemplate(func(made template) bool { return made.uses(nameOrigin) || made.uses("points") }) {
			r.problem(t, "neither {%s} nor {points} stands in the request: the vendor could not know which freeze is meant", nameOrigin)
		}
	}
	if r.keysHonoured {
		needed["biz_id"] = "keys: honoured says that the vendor knows a repeat by its key"
	}
	for _, name := range slices.Sorted(maps.Keys(needed)) {
		if !c.anyTemplate(func(made template) bool { return made.uses(name) }) {
			r.problem(t, "{%s} stands nowhere in the request: %s", name, needed[name])
		}
	}
}

// readRequest reads what is sent, its signature, and where the vendor's words stand.
func (r *reader) readRequest(name string, t vendorapi.Tree, names []string) *call {
	c := &call{name: name, code: r.pointer(t.Get("code")), words: r.pointer(t.Get("words"))}
	r.readTarget(c, t.Get("request"), names)
	r.readHeaders(c, t.Get("headers"), names)
	r.readBody(c, t, names)
	r.readCallsSign(c, t.Get("sign"), names)
	r.checkSample(c, t, names)
	used := func(made template) bool { return made.uses(nameToken) }
	c.usesToken = c.anyTemplate(used) || c.sign != nil && (used(c.sign.over) || used(c.sign.key))
	return c
}

func (r *reader) readTarget(c *call, t vendorapi.Tree, names []string) {
	if !t.Given() {
		r.problem(t, "missing; want a method and a path such as POST /points/add")
		return
	}
	made, err := parseTarget(t.Text)
	if err != nil {
		r.problem(t, "%w", err)
		return
	}
	r.checkNames(t, slices.Concat(made.path, made.query), names)
	c.target = made
}

// refusedHeaders are written by the client, or change how a message is read.
func refusedHeaders() []string {
	return []string{"Host", "Content-Length", "Content-Encoding", "Transfer-Encoding", "Accept-Encoding", "Connection", "Trailer", "Te", "Upgrade", "Expect"}
}

// secretHeaders hold credentials.
func secretHeaders() []string {
	return []string{"Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key", "Api-Key", "X-Auth-Token", "X-Access-Token"}
}

func (r *reader) readHeaders(c *call, t vendorapi.Tree, names []string) {
	if !t.Given() {
		return
	}
	if t.Kind != vendorapi.TreeMap {
		r.problem(t, "want a mapping of header names to texts")
		return
	}
	for i, name := range t.Names {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		switch {
		case !wire.IsToken(name):
			r.problem(t.Items[i], "%q is not a header's name", name)
			continue
		case slices.Contains(refusedHeaders(), canonical):
			r.problem(t.Items[i], "%s is set by the client itself", canonical)
			continue
		case slices.ContainsFunc(c.headers, func(h header) bool { return h.name == canonical }):
			r.problem(t.Items[i], "%s stands twice", canonical)
			continue
		}
		value := r.template(t.Items[i], names)
		if slices.Contains(secretHeaders(), canonical) && !value.usesSecret() {
			r.problem(t.Items[i], "want a {secret.…} or the {token} in it: secrets do not stand in this file, it is kept in the database (the text is not shown)")
		}
		c.headers = append(c.headers, header{canonical, value})
	}
}

func (r *reader) readBody(c *call, t vendorapi.Tree, names []string) {
	body, form := t.Get("json"), t.Get("form")
	switch {
	case body.Given() && form.Given():
		r.problem(form, "want json or form, not both")
	case (body.Given() || form.Given()) && c.method == http.MethodGet:
		r.problem(t.Get("request"), "a GET has no body; put its fields into the query, or use another method")
	}
	if body.Given() {
		if body.Kind != vendorapi.TreeMap && body.Kind != vendorapi.TreeList {
			r.problem(body, "want a mapping or a list, which becomes the JSON body")
			return
		}
		c.json = r.readNode(body, names, false)
	}
	if !form.Given() {
		return
	}
	if form.Kind != vendorapi.TreeMap {
		r.problem(form, "want a mapping of fields to texts")
		return
	}
	c.isForm = true
	for i, name := range form.Names {
		c.form = append(c.form, formField{name: name, value: r.template(form.Items[i], names)})
	}
}

// The keys of a mapping that is no JSON object but says what stands in its place.
const (
	numberKey   = "number"
	optionalKey = "optional"
	objectKey   = "object"
)

// readNode reads a place of a JSON body. verbatim: a mapping is an object, whatever
// its keys.
func (r *reader) readNode(t vendorapi.Tree, names []string, verbatim bool) *node {
	n := &node{}
	switch t.Kind {
	case vendorapi.TreeText:
		n.kind, n.text = textNode, r.template(t, names)
	case vendorapi.TreeNull:
		n.kind, n.literal = literalNode, "null"
	case vendorapi.TreeBool, vendorapi.TreeNumber:
		n.kind, n.literal = literalNode, t.Text
		if t.Kind == vendorapi.TreeNumber && !isJSONNumber(t.Text) {
			r.problem(t, "%s is no number as JSON writes it; for a text put it in quotes", t.Text)
		}
	case vendorapi.TreeList:
		n.kind = listNode
		for _, item := range t.Items {
			n.items = append(n.items, r.readNode(item, names, false))
		}
	case vendorapi.TreeMap:
		if !verbatim && len(t.Names) == 1 {
			switch inner := t.Items[0]; t.Names[0] {
			case numberKey:
				return &node{kind: numberNode, text: r.template(inner, names)}
			case optionalKey:
				return &node{kind: optionalNode, text: r.template(inner, names)}
			case objectKey:
				return r.readNode(inner, names, true)
			}
		}
		n.kind = objectNode
		for i, item := range t.Items {
			n.names, n.items = append(n.names, t.Names[i]), append(n.items, r.readNode(item, names, false))
		}
	}
	return n
}

// checkSample builds the request once from values that any operation has, so that
// what could never be sent is said at the start.
func (r *reader) checkSample(c *call, t vendorapi.Tree, names []string) {
	if c.method == "" {
		return
	}
	v := values{texts: map[string]string{}}
	for _, name := range names {
		v.texts[name] = "1"
	}
	if _, err := c.build(sampleURL, v); err != nil {
		r.problem(t, "no request can be made of it: %w", err)
	}
}

// anyTemplate tells whether one of the request's templates fits.
func (c *call) anyTemplate(fits func(template) bool) bool {
	if fits(c.path) || fits(c.query) ||
		slices.ContainsFunc(c.headers, func(h header) bool { return fits(h.value) }) ||
		slices.ContainsFunc(c.form, func(f formField) bool { return fits(f.value) }) {
		return true
	}
	return c.json != nil && c.json.anyTemplate(fits)
}

func (n *node) anyTemplate(fits func(template) bool) bool {
	return fits(n.text) || slices.ContainsFunc(n.items, func(item *node) bool { return item.anyTemplate(fits) })
}
