package sim

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/url"
	"strings"
)

// token is what the caller should have sent: base64 of HMAC-SHA1 over the
// template's text, URL-encoded unless plain. That it is HMAC-SHA1 is read off
// the pages' examples (URL-encoded base64 of 20 bytes); the text and the key
// are assumptions.
func token(payload []string, f map[string]string, openKey string, plain bool) string {
	var text strings.Builder
	for i, part := range payload {
		if i%2 == 1 {
			part = f[part]
		}
		text.WriteString(part)
	}
	mac := hmac.New(sha1.New, []byte(openKey))
	mac.Write([]byte(text.String()))
	sum := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if plain {
		return sum
	}
	return url.QueryEscape(sum)
}

// sameToken compares without telling where two tokens differ.
func sameToken(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }
