package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/internal/testkit"
)

// orderLine is an order as one line, with an id of its event.
func orderLine(id, order string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"shop-sh","type":"order.paid","data":{"orderId":%q,"member":{"customerId":"7"},"channel":"pos","amountFen":12900}}`, id, order)
}

// The broker drops what comes under an id a second time, also a correction.
func TestPublishSaysWhatIsNotStored(t *testing.T) {
	t.Parallel()
	url := testkit.NATS(t)
	env := []string{"NATS_URL=" + url}
	for _, c := range []struct {
		name, in, out string
		errs          []string
		code          int
	}{
		{"first", orderLine("fix-1", "F-typo"), "published 1 message, 0 of them known", nil, 0},
		{"the same again", orderLine("fix-1", "F-typo"), "published 1 message, 1 of them known to the broker (duplicates)\n", nil, 0},
		{"the same with other spaces", strings.ReplaceAll(orderLine("fix-1", "F-typo"), ":", " : "), "published 1 message, 1 of them known to the broker (duplicates)\n", nil, 0},
		{"corrected under the same id", orderLine("fix-2", "F-2") + "\n" + orderLine("fix-1", "F-right") + "\n" + orderLine("fix-3", "F-3"),
			"published 2 messages, 0 of them known to the broker (duplicates); 1 not stored (not_stored)",
			[]string{"line 2: not_stored:", "under the id shop-sh/fix-1 (stream sequence 1)", "give this event an id of its own", "1 line not stored"}, 3},
		{"an amount that reads as the same float", strings.Replace(orderLine("fix-1", "F-typo"), "12900", "12900.0", 1), "published 0 messages", []string{"line 1: not_stored:"}, 3},
		{"under a new id", orderLine("fix-4", "F-right"), "published 1 message, 0 of them known", nil, 0},
	} {
		out, errs, code := runWorker(t, env, c.in, "publish", "--create-stream", "-")
		if code != c.code || !strings.Contains(out, c.out) {
			t.Errorf("%s: exit %d, %q %q, want %d and %q", c.name, code, out, errs, c.code, c.out)
		}
		for _, text := range c.errs {
			if !strings.Contains(errs, text) {
				t.Errorf("%s: %q is not in %q", c.name, text, errs)
			}
		}
	}
	// The binary twin, as a shop's SDK publishes it, is the same event.
	js := jetstreamOf(t, url)
	m := nats.NewMsg("points.events.order.paid")
	for name, value := range map[string]string{"ce-specversion": "1.0", "ce-id": "b-1", "ce-source": "shop-sh", "ce-type": "order.paid",
		"Content-Type": "application/json", jetstream.MsgIDHeader: "shop-sh/b-1"} {
		m.Header.Set(name, value)
	}
	whole := orderLine("b-1", "B-1")
	m.Data = []byte(whole[strings.Index(whole, `"data":`)+len(`"data":`) : len(whole)-1])
	if _, err := js.PublishMsg(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if out, errs, code := runWorker(t, env, whole, "publish", "-"); code != 0 || !strings.Contains(out, "1 of them known") {
		t.Errorf("the binary twin: exit %d, %q %q", code, out, errs)
	}
	// What cannot be compared is said, and is not called stored.
	stream, err := js.Stream(t.Context(), "POINTS")
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.DeleteMsg(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if out, errs, code := runWorker(t, env, orderLine("fix-1", "F-right"), "publish", "-"); code != 3 || !strings.Contains(errs, "cannot be compared") {
		t.Errorf("deleted meanwhile: exit %d, %q %q", code, out, errs)
	}
}

func jetstreamOf(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// Files as Windows writes them: a byte order mark, lines that end with CR LF.
func TestPublishReadsWindowsFiles(t *testing.T) {
	t.Parallel()
	env := []string{"NATS_URL=" + testkit.NATS(t)}
	lines := orderLine("b0", "B-0") + "\r\n" + orderLine("b1", "B-1") + "\r\n\r\n" + byteOrderMark + orderLine("b2", "B-2") + "\r\n"
	if out, errs, code := runWorker(t, env, byteOrderMark+lines, "publish", "--create-stream", "-"); code != 0 || !strings.Contains(out, "published 3 messages, 0") {
		t.Errorf("exit %d, %q %q", code, out, errs)
	}
	for name, c := range map[string]struct{ in, want string }{
		"UTF-16":                {utf16Of("\ufeff"+orderLine("u", "U"), false), "line 1 is not a JSON object: the file is UTF-16, want UTF-8"},
		"UTF-16, big end first": {utf16Of("\ufeff"+orderLine("u", "U"), true), "the file is UTF-16"},
		"UTF-16 without a mark": {utf16Of(orderLine("u", "U"), false), "the file is UTF-16"},
		"a list":                {"[" + orderLine("l", "L") + "]", "it is a list, want one event a line (jq -c '.[]' FILE makes it so)"},
	} {
		if out, errs, code := runWorker(t, env, c.in, "publish", "-"); code != 1 || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit %d, %q %q, want %q", name, code, out, errs, c.want)
		}
	}
}

// utf16Of writes ASCII text and the byte order mark as UTF-16.
func utf16Of(text string, bigEnd bool) string {
	var out strings.Builder
	for _, c := range text {
		high, low := byte(c>>8), byte(c)
		if bigEnd {
			out.Write([]byte{high, low})
		} else {
			out.Write([]byte{low, high})
		}
	}
	return out.String()
}

// explain reads the same files as publish, and takes an event's time as the
// worker does.
func TestExplainReadsWindowsFiles(t *testing.T) {
	t.Parallel()
	old := strings.Replace(orderLine("e", "E-1"), `"data"`, `"time":"2021-03-01t12:00:00z","data"`, 1)
	out, errs, code := runWorker(t, nil, byteOrderMark+old+"\r\n", "explain", "-")
	if code != 0 || !strings.Contains(out, "2021-03-01T12:00:00Z (its own time;") {
		t.Errorf("a byte order mark: exit %d, %q %q", code, out, errs)
	}
	for name, c := range map[string]struct{ in, want string }{
		"UTF-16":               {utf16Of("\ufeff"+old, false), "not_utf8: the message is not UTF-8 but UTF-16"},
		"UTF-16, without mark": {utf16Of(old, true), "not_utf8: the message is not UTF-8 but UTF-16"},
		"gzip":                 {"\x1f\x8b\x08\x00\x00\x00\x00\x00", "not_utf8: the message is compressed (gzip)"},
		"a look-alike":         {orderLine("e", "E-1\u200b"), "bad_type: data.orderId: "},
		"a comma":              {strings.Replace(old, "00z", "00,123Z", 1), "bad_type: time: want RFC 3339"},
	} {
		if out, errs, code := runWorker(t, nil, c.in, "explain", "-"); code != 1 || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit %d, %q %q, want %q", name, code, out, errs, c.want)
		}
	}
}
