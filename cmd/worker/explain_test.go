package main

import (
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	event := `{"specversion":"1.0","id":"e1","source":"shop-sh","type":"order.paid","time":"2026-11-20T12:00:00+08:00","data":{"orderId":"SO-1","member":{"customerId":"383933091455959041"},"channel":"pos","amountFen":12999}}`
	secret := []string{"ZHIMAI_OPEN_ID=open-id-secret", "ZHIMAI_GRANT_CODE=grant-secret", "ZHIMAI_OPEN_KEY=key-secret"}
	for _, env := range [][]string{nil, secret} {
		out, errs, code := runWorker(t, env, event, "explain", "-")
		if code != 0 {
			t.Fatalf("exit %d: %s", code, errs)
		}
		for _, part := range []string{"points          129", "sourceType      1", "pointsChannel   3", `orderId="SO-1"`, `"shop-sh"`,
			"biz_id          pajwgi7fm3svrndg2zioa45cgmpi", `"balance": "129"`, `"customerId": "383933091455959041"`, `"Token": "***"`,
			`"pointsChannel": "3"`, "POST http://openapi.zvcms.com/api/v2"} {
			if !strings.Contains(out, part) {
				t.Errorf("no %q in:\n%s", part, out)
			}
		}
		if strings.Contains(out, "-secret") {
			t.Errorf("a secret is shown:\n%s", out)
		}
	}
	_, errs, code := runWorker(t, nil, strings.Replace(event, "12999", `"12.50"`, 1), "explain", "-")
	if code != 1 || !strings.Contains(errs, `bad_type: data.amountFen: want an integer in fen, got "12.50"`) {
		t.Errorf("rejected event: exit %d, %s", code, errs)
	}
}

// The request of a vendor that is only described is shown as of any other, a form as
// it is sent.
func TestExplainDescribedVendor(t *testing.T) {
	t.Parallel()
	event := `{"specversion":"1.0","id":"e1","source":"shop","type":"order.paid","time":"2026-11-20T12:00:00+08:00","data":{"orderId":"SO-1","member":{"memberId":"oX-1_a"},"channel":"pos","amountFen":12999}}`
	for file, parts := range map[string][]string{
		"wechat-shop": {"POST https://api.weixin.qq.com/channels/ec/vip/user/score/increase?access_token=***", `"openid": "oX-1_a"`, `"score": "129"`},
		"zhimai":      {"POST http://openapi.zvcms.com/api/v2", `"Token": "***"`, `"customerId": "oX-1_a"`},
	} {
		out, errs, code := runWorker(t, []string{"WORKER_CONFIG=../../docs/vendors/" + file + ".yaml"}, event, "explain", "-")
		if code != 0 {
			t.Fatalf("exit %d: %s", code, errs)
		}
		for _, part := range parts {
			if !strings.Contains(out, part) {
				t.Errorf("no %q in:\n%s", part, out)
			}
		}
	}
}
