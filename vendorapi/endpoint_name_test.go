package vendorapi

import (
	"strings"
	"testing"
)

// Another address or another key id is another endpoint; the same written in
// another way is not. The key id does not stand in the name.
func TestEndpointName(t *testing.T) {
	t.Parallel()
	name := func(address, keyID string) string {
		u, err := ParseURL(address)
		if err != nil {
			t.Fatal(err)
		}
		return EndpointName(u, keyID)
	}
	base := name("http://vendor.example/api/v2", "open-1")
	if !strings.HasPrefix(base, "vendor.example ") || strings.Contains(base, "open-1") || len(base) > 40 {
		t.Errorf("got %q", base)
	}
	for address, keyID := range map[string]string{
		"http://vendor.example/api/v2/": "open-1", "http://VENDOR.example/api/v2": "open-1",
	} {
		if got := name(address, keyID); got != base {
			t.Errorf("%s %s: %q, want %q", address, keyID, got, base)
		}
	}
	for _, other := range [][2]string{
		{"http://vendor.example/api/v2", "open-2"}, {"http://vendor.example/api/v2", ""}, {"https://vendor.example/api/v2", "open-1"},
		{"http://vendor.example:8080/api/v2", "open-1"}, {"http://vendor.example/api/v3", "open-1"}, {"http://127.0.0.1:9000", "open-1"},
	} {
		if got := name(other[0], other[1]); got == base {
			t.Errorf("%v has the name of another endpoint", other)
		}
	}
}
