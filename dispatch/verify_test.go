package dispatch

import (
	"strings"
	"testing"
	"time"

	"pointsledger/ledger"
)

func TestJudge(t *testing.T) {
	id := ledger.NewBizID("pa", "zhimai", "shop", "order.paid", "SO-1")
	reference := ledger.ReferenceOf(id)
	sent := time.Date(2026, 11, 20, 4, 0, 0, 0, time.UTC)
	row := ledger.Claimed{Points: 100, Reason: "订单SO-1消费积分 #" + reference, Reference: reference, FirstSentAt: sent}
	ours := Record{Points: 100, Text: row.Reason, At: sent}
	other := Record{Points: 100, Text: "订单SO-2 #" + ledger.ReferenceOf("pa2"), At: sent}
	plain := Record{Points: 100, Text: "消费", At: sent}
	for _, c := range []struct {
		name      string
		records   []Record
		echo      bool
		accounted int
		want      finding
		seesEcho  bool
	}{
		{"nothing, echo known", nil, true, 0, absent, true},
		{"nothing, echo not known", nil, false, 0, unproven, false},
		{"ours", []Record{other, ours}, false, 0, found, true},
		{"ours in lower case", []Record{{Points: 100, Text: strings.ToLower(row.Reason), At: sent}}, false, 0, found, true},
		{"ours with other points", []Record{{Points: 1, Text: row.Reason, At: sent}}, true, 0, foundOtherPoints, true},
		{"ours, time cannot be read", []Record{{Points: 100, Text: row.Reason}}, false, 0, found, true},
		{"another reference shows the echo", []Record{other}, false, 0, absent, true},
		{"a plain record, echo known", []Record{plain}, true, 0, absent, true},
		{"a plain record may be ours", []Record{plain}, false, 0, candidates, false},
		{"a plain record that is accounted for", []Record{plain}, false, 1, unproven, false},
		{"one more than is accounted for", []Record{plain, plain}, false, 1, candidates, false},
		{"other points", []Record{{Points: 99, Text: "消费", At: sent}}, false, 0, unproven, false},
		{"too early", []Record{{Points: 100, Text: "消费", At: sent.Add(-clockSkew - time.Second)}}, false, 0, unproven, false},
		{"within the clocks' difference", []Record{{Points: 100, Text: "消费", At: sent.Add(-clockSkew)}}, false, 0, candidates, false},
		{"a time that cannot be read may be ours", []Record{{Points: 100, Text: "消费"}}, false, 0, candidates, false},
		{"our reason cut short, echo known", []Record{{Points: 100, Text: "订单SO-1消费", At: sent}}, true, 0, candidates, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := judge(&row, c.records, c.echo, c.accounted)
			if got.finding != c.want || got.echo != c.seesEcho {
				t.Errorf("got finding %d echo %v, want %d %v", got.finding, got.echo, c.want, c.seesEcho)
			}
		})
	}
}
