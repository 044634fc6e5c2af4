package kylin

import (
	"net/http"

	"pointsledger/vendorapi"
)

// previewFreeze shows the request that FreezePoint sends for this account, with
// the values of the configured headers masked. It needs no credentials: of cfg
// it uses URL, the names in Headers, MemberType and PointBizType. Without a
// usable URL the path stands alone.
func previewFreeze(cfg Config, f Freeze) vendorapi.Preview {
	cfg = cfg.withDefaults()
	address := freezePath
	if base, err := vendorapi.ParseURL(cfg.URL); err == nil {
		address = freezeURL(base).String()
	}
	masked := make(map[string]string, len(cfg.Headers))
	for name := range cfg.Headers {
		masked[name] = vendorapi.Mask
	}
	cfg.Headers = masked
	// Headers that the configuration must not set are left out of the preview;
	// New refuses them with an error.
	header, _ := cfg.header()
	header[tokenHeader] = []string{f.Token}
	return vendorapi.Preview{
		Method: http.MethodPost,
		URL:    address,
		Header: header,
		Body:   f.appendBody(nil, shapeOf(cfg)),
	}
}
