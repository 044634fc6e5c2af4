package custom

import (
	"encoding/json"
	"net/url"

	"pointsledger/vendorapi"
	"pointsledger/vendorapi/wire"
)

// preview shows the request with what is masked in v. A form is a text there.
func (c *call) preview(address string, v values) vendorapi.Preview {
	p := vendorapi.Preview{Method: c.method}
	base, err := vendorapi.ParseURL(address)
	if err != nil {
		base = &url.URL{} // the path stands alone
	}
	r, err := c.build(base, v)
	if err != nil {
		p.URL = vendorapi.PreviewURL(address)
		p.Body, _ = json.Marshal("cannot be sent: " + err.Error()) // a text always can be
		return p
	}
	p.URL, p.Header, p.Body = r.url.String(), r.header, r.body
	if c.isForm {
		p.Body = wire.AppendJSONString(nil, string(r.body))
	}
	return p
}
