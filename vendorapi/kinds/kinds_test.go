package kinds_test

import (
	"strings"
	"testing"

	"pointsledger/vendorapi/kinds"
)

// A kind's name is in keys of configuration and environment, so no two share one,
// and each of its own variables begins with it.
func TestTableIsWellFormed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, kind := range kinds.All() {
		if kind.Name == "" || kind.Title == "" || seen[kind.Name] || len(kind.Calls) == 0 && kind.Name != "custom" || kind.Read == nil || kind.ReasonMaxChars < 20 {
			t.Errorf("%+v", kind)
		}
		seen[kind.Name] = true
		for _, secret := range kind.Secrets {
			if !strings.HasPrefix(secret.Variable, strings.ToUpper(kind.Name)+"_") {
				t.Errorf("%s: variable %s", kind.Name, secret.Variable)
			}
		}
	}
}
