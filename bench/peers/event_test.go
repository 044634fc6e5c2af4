package peers

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestEventIsReadByThePeers(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	for _, freeze := range []bool{false, true} {
		raw := Event("run", 7, 1_000_000_000_007, freeze, at)
		if !json.Valid(raw) || len(raw) < 300 || len(raw) > 500 {
			t.Errorf("event of %d bytes: %s", len(raw), raw)
		}
		r, err := decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		if r.key != "shop/branch-0042/run-000000007" || !json.Valid(r.body) {
			t.Errorf("key %q, body %s", r.key, r.body)
		}
		for _, want := range []string{`"balance":"10"`, `"bizId":"shop/branch-0042/run-000000007"`, `"customerId":"1000000000007"`} {
			if !strings.Contains(string(r.body), want) {
				t.Errorf("no %s in %s", want, r.body)
			}
		}
	}
}

func TestUnusableEvents(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{``, `{}`, `{"type":"order.paid","data":{}}`, `{"type":"order.paid","data":{"orderId":"a\"b"}}`, `{"type":"other","data":{"orderId":"a"}}`} {
		if _, err := decode([]byte(raw)); err == nil {
			t.Errorf("%s: no error", raw)
		}
	}
}
