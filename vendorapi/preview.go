package vendorapi

import (
	"encoding/json"
	"net/http"
)

// Mask stands where a secret was.
const Mask = "***"

// Preview is a request as it would be sent, with Mask where a secret or a
// value of the moment (signature, nonce, time) stands. Making one needs no
// credentials and sends nothing.
type Preview struct {
	Method string      `json:"method"`
	URL    string      `json:"url"`
	Header http.Header `json:"headers"`
	// Body is JSON; a body of another kind is a JSON text of it, and none is empty.
	Body json.RawMessage `json:"body"`
}

// PreviewURL is a URL that may be shown: one that ParseURL accepts, as it is;
// anything else is masked, because it may hold a password.
func PreviewURL(text string) string {
	u, err := ParseURL(text)
	if err != nil {
		return Mask
	}
	return u.String()
}
