package wire

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"pointsledger/vendorapi"
)

// A call has the method that it names, and a length wherever it may have a body.
func TestMethods(t *testing.T) {
	t.Parallel()
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = r.Method + " " + r.URL.RequestURI() + " " + r.Header.Get("Content-Length") + " " + string(body)
		_, _ = io.WriteString(w, "well")
	}))
	t.Cleanup(server.Close)
	caller, err := NewCaller(vendorapi.HTTPConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(caller.Close)
	address, err := url.Parse(server.URL + "/a%2Fb?c=d")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ method, body, want string }{
		{"", "x", "POST /a%2Fb?c=d 1 x"}, {"POST", "", "POST /a%2Fb?c=d 0 "}, {"GET", "", "GET /a%2Fb?c=d  "},
		{"PUT", "y", "PUT /a%2Fb?c=d 1 y"}, {"DELETE", "", "DELETE /a%2Fb?c=d 0 "},
	} {
		a := caller.Do(t.Context(), Call{Method: c.method, URL: address, Body: []byte(c.body)})
		if got != c.want || string(a.Body) != "well" {
			t.Errorf("sent %q, want %q; %+v", got, c.want, a)
		}
	}
	if caller.Post(t.Context(), Call{Method: "GET", URL: address}); got != "POST /a%2Fb?c=d 0 " {
		t.Errorf("a post is %q", got)
	}
}
