package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pointsledger/internal/config"
)

// What an event refers to is shown with the fact that is looked for, which is the very
// one that the sale has, and with the formula in place of points.
func TestExplainReferral(t *testing.T) {
	t.Parallel()
	event := func(typ, data string) string {
		return `{"specversion":"1.0","id":"e1","source":"shop-sh","type":"` + typ + `","time":"2026-11-20T12:00:00+08:00","data":` + data + `}`
	}
	var sale, refund struct {
		FactKey  string `json:"fact_key"`
		RefersTo *struct {
			FactKey string `json:"fact_key"`
			Share   *int64 `json:"share_fen"`
		} `json:"refers_to"`
	}
	refunded := event("order.refunded", `{"refundId":"RF-1","orderId":"SO-1","amountFen":1200}`)
	for in, to := range map[string]any{refunded: &refund, event("order.paid", `{"orderId":"SO-1","member":null,"channel":"pos","amountFen":12999}`): &sale} {
		out, errs, code := runWorker(t, nil, in, "explain", "--json", "-")
		if err := json.Unmarshal([]byte(out), to); code != 0 || err != nil {
			t.Fatalf("exit %d, %v: %s", code, err, errs)
		}
	}
	if refund.RefersTo == nil || refund.RefersTo.FactKey != sale.FactKey || *refund.RefersTo.Share != 1200 || sale.RefersTo != nil {
		t.Errorf("the refund refers to %+v, the sale is %+v", refund.RefersTo, sale)
	}
	for in, words := range map[string][]string{
		refunded: {"Refers to order.paid SO-1", `orderId="SO-1"`, sale.FactKey, "⌊P × (A − Σ) ÷ A⌋ after refunds of Σ fen", "1200 fen", "订单SO-1退款扣回积分 #…", "订单SO-1退款解冻积分 #…"},
		event("order.cancelled", `{"orderId":"SO-1"}`): {"all that it granted is taken back", "what it froze is released", "订单SO-1取消扣回积分 #…"},
		event("order.completed", `{"orderId":"SO-1"}`): {"what it froze is spent", "订单SO-1完成核销积分 #…"},
	} {
		out, errs, code := runWorker(t, nil, in, "explain", "-")
		if code != 0 {
			t.Fatalf("exit %d: %s", code, errs)
		}
		for _, word := range words {
			if !strings.Contains(out, word) {
				t.Errorf("no %q in:\n%s", word, out)
			}
		}
	}
}

func TestExplainHold(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "points.yaml")
	text := strings.Replace(string(config.DefaultFile()), "# hold: 7d", "hold: 7d", 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	event := `{"specversion":"1.0","id":"e1","source":"shop-sh","type":"order.paid","time":"2026-11-20T12:00:00+08:00","data":{"orderId":"SO-1","member":{"customerId":"7"},"channel":"pos","amountFen":12999}}`
	out, errs, code := runWorker(t, []string{"WORKER_CONFIG=" + file}, event, "explain", "-")
	if code != 0 || !strings.Contains(out, "held until      2026-11-27T12:00:00+08:00") {
		t.Errorf("exit %d, %s\n%s", code, errs, out)
	}
}
