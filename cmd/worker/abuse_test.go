package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"pointsledger/internal/testkit"
)

// abuse is a message that must end as a reject of one code.
type abuse struct {
	about, code string
	header      nats.Header
	payload     []byte
}

const goodBody = `"specversion":"1.0","source":"shop-sh","type":"order.paid"`

// wholeEvent is a good structured event with further text in its data.
func wholeEvent(id, extra string) []byte {
	return fmt.Appendf(nil, `{"id":"%[1]s",%[2]s,"data":{"orderId":"SO-%[1]s","member":{"customerId":"383933091455959041"},"channel":"pos","amountFen":12999%[3]s}}`,
		id, goodBody, extra)
}

// onlyData is the body of a good event in binary mode.
func onlyData(id string) []byte {
	return fmt.Appendf(nil, `{"orderId":"SO-%s","member":{"customerId":"383933091455959041"},"channel":"pos","amountFen":12999}`, id)
}

// binaryHeader is the header of a good event in binary mode, with changes;
// names and values in pairs.
func binaryHeader(id string, changes ...string) nats.Header {
	h := nats.Header{"ce-specversion": {"1.0"}, "ce-id": {id}, "ce-source": {"shop-sh"}, "ce-type": {"order.paid"}, "content-type": {"application/json"}}
	for i := 0; i < len(changes); i += 2 {
		h[changes[i]] = append([]string{}, changes[i+1])
	}
	return h
}

// nearlyMost is as large as a message may be that the broker takes (1 MiB with
// its header).
const nearlyMost = 1<<20 - 4096

// mostHeader leaves some room in the 64 KiB that JetStream takes as a header.
const mostHeader = 60_000

// abuses is one of each kind; n makes them different.
func abuses(n int) []abuse {
	id := fmt.Sprintf("bad-%d", n)
	text := strings.Repeat("积分", nearlyMost/6-100)
	plain := func(about, code string, payload []byte) abuse { return abuse{about, code, nil, payload} }
	return []abuse{
		plain("1 MB event", "too_large", wholeEvent(id, `,"note":"`+text+`"`)),
		plain("1 MB of passwords", "too_large", wholeEvent(id, strings.Repeat(`,"password":"x"`, nearlyMost/15-100))),
		plain("1 MB of zeros", "too_large", make([]byte, nearlyMost)),
		plain("invalid UTF-8", "not_utf8", wholeEvent(id, ",\"note\":\"\xff\xfe\x80\"")),
		plain("250 kB of invalid UTF-8", "not_utf8", bytes.Repeat([]byte("a\xff"), 125_000)),
		plain("duplicate key", "not_json", wholeEvent(id, `,"amountFen":1`)),
		plain("duplicate key, escaped", "not_json", wholeEvent(id, `,"amount\u0046en":1`)),
		plain("20,000 levels", "too_large", wholeEvent(id, `,"deep":`+strings.Repeat(`[`, 20_000)+strings.Repeat(`]`, 20_000))),
		plain("20,000 levels, not closed", "too_large", []byte(strings.Repeat(`{"a":`, 20_000))),
		plain("250 kB of one field name", "not_json", wholeEvent(id, strings.Repeat(`,"a":1`, 40_000))),
		{"binary headers, structured body", "not_cloudevent", binaryHeader(id), wholeEvent(id, "")},
		{"structured content type, binary body", "not_cloudevent", binaryHeader(id, "content-type", "application/cloudevents+json"), onlyData(id)},
		{"batch content type", "not_cloudevent", nats.Header{"content-type": {"application/cloudevents-batch+json"}}, wholeEvent(id, "")},
		{"avro content type", "not_cloudevent", nats.Header{"Content-Type": {"application/cloudevents+avro"}}, wholeEvent(id, "")},
		{"xml content type", "bad_type", binaryHeader(id, "content-type", "application/xml"), onlyData(id)},
		{"type of another subject", "subject_mismatch", binaryHeader(id, "ce-type", "review.posted"), onlyData(id)},
		{"two ids", "bad_type", nats.Header{"ce-specversion": {"1.0"}, "ce-id": {id, id + "b"}, "ce-source": {"shop-sh"}, "ce-type": {"order.paid"}}, onlyData(id)},
		{"60 kB id in a header", "out_of_range", binaryHeader(strings.Repeat("i", mostHeader)), onlyData(id)},
		{"60 kB of percent signs in a header", "out_of_range", binaryHeader(strings.Repeat("%", mostHeader)), onlyData(id)},
		{"60 kB of other header", "not_json", nats.Header{"x-note": {strings.Repeat("x", mostHeader)}}, []byte("garbage")},
		{"many headers", "not_json", manyHeaders(), []byte("garbage")},
	}
}

// manyHeaders fills a message with headers as short as they can be.
func manyHeaders() nats.Header {
	h := nats.Header{}
	for i, left := 0, mostHeader; left > 0; i++ {
		name := strconv.FormatInt(int64(i), 36)
		h[name] = []string{""}
		left -= len(name) + len(": \r\n")
	}
	return h
}

// garbageInARow is how many small garbage messages follow each other; the
// environment can ask for more.
func garbageInARow(t *testing.T) int {
	text := os.Getenv("WORKER_TEST_GARBAGE")
	if text == "" {
		return 10_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// mostEventMemory bounds the worker's memory under abusive events. One batch is
// recorded at a time by default, while one more waits, and a fetch brings at most
// 2 MiB, so there are 4 MiB. The worst of it are messages that are all header: a
// parsed header of 7 bytes takes some 140 (a name, a list of one value, their
// places in a map), so 80 MiB for 4 MiB. The lines that are kept with the reject are 4 MiB, pgx's copies of headers and
// payloads some 4 times as much while its buffers grow. That makes 100 MiB; the
// collector may let the heap grow to the double, and 56 MiB are for the rest of
// the program.
const mostEventMemory = 256 << 20

// Whatever is published, it ends as a reject after one delivery, good events
// among it are accepted, and the memory stays bounded.
func TestAbusiveEvents(t *testing.T) {
	t.Parallel()
	w := newWatchedRig(t)
	want, good, total := map[string]int{}, 0, 0
	var messages []*nats.Msg
	add := func(a abuse) {
		want[a.code]++
		messages = append(messages, &nats.Msg{Subject: "points.events.order.paid", Header: a.header, Data: a.payload})
	}
	flush := func() {
		good++
		messages = append(messages, &nats.Msg{Subject: "points.events.order.paid", Data: wholeEvent(fmt.Sprintf("good-%d", good), "")})
		w.publish(messages...)
		total += len(messages)
		messages = messages[:0]
	}
	for n := range 8 {
		for _, a := range abuses(n) {
			add(a)
		}
		flush()
	}
	// 18 MB of nothing but header: more than one fetch may bring.
	for header, n := manyHeaders(), 0; n < 300; n++ {
		add(abuse{code: "not_json", header: header, payload: []byte("garbage")})
	}
	flush()
	for n := range garbageInARow(t) {
		add(abuse{code: "not_json", payload: fmt.Appendf(nil, "garbage %d", n)})
		if n%200 == 0 {
			flush()
		}
	}
	flush()

	began := time.Now()
	worker := w.start("run")
	testkit.Eventually(t, 3*time.Minute, "all messages to be recorded and acknowledged", w.quiet)
	took := time.Since(began)
	// The broker counts every delivery: one for each message.
	if info := w.intake(); int(info.Delivered.Consumer) != total || int(info.Delivered.Stream) != total {
		t.Errorf("%d deliveries up to message %d, want each of %d messages once", info.Delivered.Consumer, info.Delivered.Stream, total)
	}
	for code, n := range want {
		if got := w.rejects(code); got != n {
			t.Errorf("%d rejects of code %s, want %d", got, code, n)
		}
	}
	if got := w.number(`SELECT count(*) FROM rejects`); got != total-good {
		t.Errorf("%d rejects, want %d", got, total-good)
	}
	w.booksAgree(good)
	peak := worker.peakMemory()
	t.Logf("peak memory %d MiB of %d, %d messages in %v", peak>>20, mostEventMemory>>20, total, took)
	if peak > mostEventMemory {
		t.Errorf("the worker took %d MiB at its peak, want at most %d", peak>>20, mostEventMemory>>20)
	}
}

// peakMemory is the most memory in bytes that the process has held. On Linux
// it is read while the process lives; elsewhere only its end tells.
func (p *process) peakMemory() int64 {
	p.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err == nil {
		kB, err := strconv.ParseInt(regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindStringSubmatch(string(status))[1], 10, 64)
		if err != nil {
			p.t.Fatal(err)
		}
		return kB << 10
	}
	p.stop()
	usage, ok := p.cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		p.t.Fatal("no resource usage of an ended process")
	}
	return usage.Maxrss
}
