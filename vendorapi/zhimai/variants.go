package zhimai

import (
	"strconv"

	"pointsledger/vendorapi"
)

// lowerPayload is the text that public clients of a later version sign; the pages of
// this one write the names of the same fields with capitals.
const lowerPayload = "grantCode={GrantCode}&nonce={Nonce}&openId={OpenId}&timestamp={Timestamp}"

// Variants implements vendorapi.Varied: the names as OpenId and as openId, with and
// without the last URL-encoding.
func (s Settings) Variants() []vendorapi.Variant {
	var all []vendorapi.Variant
	for _, encode := range []bool{true, false} {
		for _, payload := range []string{DefaultPayload, lowerPayload} {
			if payload == s.SigningPayload && encode == s.SigningURLEncode {
				continue
			}
			other := s
			other.SigningPayload, other.SigningURLEncode = payload, encode
			all = append(all, vendorapi.Variant{Settings: other,
				Lines: []string{"signing_payload: " + payload, "signing_url_encode: " + strconv.FormatBool(encode)}})
		}
	}
	return all
}
