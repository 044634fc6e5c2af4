package rules

import (
	"strings"
	"testing"

	"pointsledger/ledger"
)

func BenchmarkDecode(b *testing.B) {
	rules := defaultRules(b)
	large := orderWith("{", `{"x":{"y":["`+strings.Repeat("z", 10_000)+`"]},`)
	for _, bench := range []struct {
		name   string
		m      ledger.Message
		header map[string][]string
	}{
		{"structured", structured("order.paid", paid), nil},
		{"binary", message("order.paid", paid), binaryHeader()},
		{"with_freeze", structured("order.paid", `{"orderId":"SO-1","member":{"customerId":"383933091455959041","memberId":"m"},"channel":"pos","amountFen":12999,"pointsUsed":10,"shopCode":"S1"}`), nil},
		{"10kB_unknown", large, nil},
		{"rejected", orderWith("12999", `"12.50"`), nil},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(bench.m.Payload)))
			for b.Loop() {
				rules.Decode(bench.m, bench.header)
			}
		})
	}
}
