package custom

import (
	"fmt"
	"net/http"
	"net/url"

	"pointsledger/vendorapi"
	"pointsledger/vendorapi/wire"
)

// call is a request of the file and what its answers mean.
type call struct {
	target
	name    string
	headers []header
	json    *node // nil: none
	form    []formField
	isForm  bool

	sign *signing // nil: not signed
	// usesToken: the account's token stands in it, or in its signature.
	usesToken bool

	outcomes []outcome
	// code and words are where the vendor's own words stand, unless an outcome says.
	code, words pointer
}

// header is a header of a call; its name is in HTTP's spelling.
type header struct {
	name  string
	value template
}

// request is what is sent, and what of it nobody should see beside the account's
// secrets.
type request struct {
	url    *url.URL
	header http.Header
	body   []byte
	hidden []string
}

// build makes the request. Its error names no value.
func (c *call) build(base *url.URL, v values) (request, error) {
	var r request
	var err error
	if r.url, err = c.address(base, v); err != nil {
		return request{}, err
	}
	if c.sign == nil || !c.sign.inBody() {
		if r.body, err = c.appendBody(nil, v); err != nil {
			return request{}, err
		}
	}
	if v, err = c.signed(&r, v); err != nil {
		return request{}, err
	}
	r.header = http.Header{"Accept": {"application/json"}, "User-Agent": {"points-ledger"}}
	switch {
	case c.json != nil:
		r.header["Content-Type"] = []string{"application/json"}
	case c.isForm:
		r.header["Content-Type"] = []string{"application/x-www-form-urlencoded"}
	}
	for _, h := range c.headers {
		value := h.value.text(v)
		if !wire.IsFieldValue(value) {
			return request{}, fmt.Errorf("header %s: empty, or characters that a header cannot hold", h.name)
		}
		r.header[h.name] = []string{value}
	}
	if c.sign != nil && c.sign.header != "" {
		r.header[c.sign.header] = []string{v.texts[nameSignature]}
	}
	return r, nil
}

func (c *call) appendBody(dst []byte, v values) ([]byte, error) {
	switch {
	case c.json != nil:
		return c.json.append(dst, v)
	case c.isForm:
		return appendForm(dst, c.form, v), nil
	}
	return nil, nil
}

// signed signs the request, which has its body unless the signature goes there.
func (c *call) signed(r *request, v values) (values, error) {
	if c.sign == nil {
		return v, nil
	}
	signature := vendorapi.Mask
	if !v.shown {
		over := v.with(nameMethod, c.method)
		over.texts[namePath], over.texts[nameQuery], over.texts[nameBody] = r.url.EscapedPath(), r.url.RawQuery, string(r.body)
		signature, r.hidden = c.sign.sign(over)
	}
	v = v.with(nameSignature, signature)
	if c.sign.query != "" {
		if r.url.RawQuery != "" {
			r.url.RawQuery += "&"
		}
		r.url.RawQuery += c.sign.query + "=" + string(template{{name: nameSignature}}.expand(nil, v, escapeURL))
	}
	var err error
	if c.sign.inBody() {
		r.body, err = c.appendBody(nil, v)
	}
	return v, err
}
