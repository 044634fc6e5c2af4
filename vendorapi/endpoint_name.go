package vendorapi

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
)

// EndpointName names where an account's calls go: the host, and a short hash of
// the address and of the key id by which the vendor knows us, which may be empty.
// It shows neither the key id nor the path, and takes no secret.
func EndpointName(address *url.URL, keyID string) string {
	host := strings.ToLower(address.Host)
	sum := sha256.Sum256([]byte(address.Scheme + "\x00" + host + "\x00" + strings.TrimRight(address.EscapedPath(), "/") + "\x00" + keyID))
	return host + " " + hex.EncodeToString(sum[:5])
}
