package peers

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Subject is the subject of all events of the benchmark.
const Subject = "points.events.order.paid"

// Event is event number n of a run, as a shop would publish it: a CloudEvent
// of about 400 bytes. Each has an order and a member of its own. freeze adds
// points that were used, which are a call at the second vendor.
func Event(run string, n int, member int64, freeze bool, at time.Time) []byte {
	b := make([]byte, 0, 512)
	b = append(b, `{"specversion":"1.0","id":"`...)
	b = append(b, run...)
	b = append(b, '-')
	b = strconv.AppendInt(b, int64(n), 10)
	b = append(b, `","source":"shop/branch-0042","type":"order.paid","datacontenttype":"application/json","time":"`...)
	b = at.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","data":{"orderId":"`...)
	b = append(b, run...)
	b = append(b, '-')
	b = append(b, fmt.Sprintf("%09d", n)...)
	b = append(b, `","member":{"customerId":"`...)
	b = strconv.AppendInt(b, member, 10)
	if freeze {
		b = append(b, `","memberId":"`...)
		b = strconv.AppendInt(b, member, 10)
	}
	b = append(b, `"},"channel":"pos","amountFen":`...)
	b = strconv.AppendInt(b, int64(1000+n%90_000), 10)
	if freeze {
		b = append(b, `,"pointsUsed":100`...)
	}
	return append(b, `,"shopCode":"branch-0042","note":"purchase completed at the counter, paid in full"}}`...)
}

// ReviewSubject is the subject of reviews.
const ReviewSubject = "points.events.review.posted"

// Review is review number n of a run, of a member of its own.
func Review(run string, n int, member int64, at time.Time) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"%[1]s-r%[2]d","source":"shop/branch-0042","type":"review.posted","datacontenttype":"application/json",`+
		`"time":"%[3]s","data":{"reviewId":"%[1]s-%[2]d","member":{"customerId":"%[4]d"},"channel":"wechat"}}`, run, n, at.UTC().Format(time.RFC3339Nano), member)
}

// row is one event on its way.
type row struct {
	id   int64 // of the operation, once it has one
	key  string
	body []byte
}

// decode reads an event and makes the vendor's request: the worker's, without
// the signed envelope.
func decode(raw []byte) (row, error) {
	var e struct {
		Source string `json:"source"`
		Type   string `json:"type"`
		Data   struct {
			OrderID string `json:"orderId"`
			Member  struct {
				CustomerID string `json:"customerId"`
			} `json:"member"`
			AmountFen int64 `json:"amountFen"`
		} `json:"data"`
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return row{}, fmt.Errorf("decode event: %w", err)
	}
	if e.Type != "order.paid" || e.Data.OrderID == "" || strings.ContainsAny(e.Data.OrderID+e.Data.Member.CustomerID, `"\`) {
		return row{}, fmt.Errorf("decode event: unusable: %s", raw)
	}
	key := e.Source + "/" + e.Data.OrderID
	b := make([]byte, 0, 320)
	b = append(b, `{"Action":"user.points-add","Params":{"balance":"`...)
	b = strconv.AppendInt(b, e.Data.AmountFen/100, 10)
	b = append(b, `","bizId":"`...)
	b = append(b, key...)
	b = append(b, `","customerId":"`...)
	b = append(b, e.Data.Member.CustomerID...)
	b = append(b, `","reason":"订单`...)
	b = append(b, e.Data.OrderID...)
	b = append(b, `消费积分","sourceType":"1","pointsChannel":"3"}}`...)
	return row{key: key, body: b}, nil
}
