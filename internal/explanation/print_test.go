package explanation

import (
	"strings"
	"testing"

	"pointsledger/vendorapi"
)

// A body that is no JSON is shown as it is sent.
func TestPrintRequest(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	printRequest(&out, &vendorapi.Preview{Method: "POST", URL: "http://shop/add", Body: []byte(`"a=1&b=%E8"`)})
	printRequest(&out, &vendorapi.Preview{Method: "GET", URL: "http://shop/add?a=1"})
	if got := out.String(); got != "  request\n    POST http://shop/add\n\n    a=1&b=%E8\n  request\n    GET http://shop/add?a=1\n" {
		t.Errorf("%q", got)
	}
}
