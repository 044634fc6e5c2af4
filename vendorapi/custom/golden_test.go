package custom_test

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"pointsledger/ledger"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/custom"
	"pointsledger/vendorapi/kylin"
	"pointsledger/vendorapi/zhimai"
)

const zhimaiSuccess = `{"status":true,"code":0,"message":"ok","data":{"current_page":1,"last_page":1,"item_list":[],"user_info":{"id":"42"}}}`

var zhimaiEnvironment = []string{"ZHIMAI_OPEN_ID=6dc05b4ac175cf316d226252b05cf685", "ZHIMAI_GRANT_CODE=782c281f62", "ZHIMAI_OPEN_KEY=k3y-of-the-golden-tests"}

// momentOf reads the time and the nonce of a request of Zhimai's own client.
func momentOf(t *testing.T, raw string) (time.Time, int64) {
	t.Helper()
	_, body, _ := strings.Cut(raw, "\r\n\r\n")
	var envelope struct{ Timestamp, Nonce string }
	if err := json.NewDecoder(strings.NewReader(body)).Decode(&envelope); err != nil {
		t.Fatal(err)
	}
	seconds, err := strconv.ParseInt(envelope.Timestamp, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	nonce, err := strconv.ParseInt(envelope.Nonce, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Unix(seconds, 0), nonce
}

// Zhimai written as data sends the bytes that its own client sends: grants, records,
// and who a member is.
func TestZhimaiAsDataSendsTheSame(t *testing.T) {
	t.Parallel()
	server := newRecorder(t, zhimaiSuccess)
	own, err := zhimai.New(zhimai.Config{URL: server.url + "/api/v2", OpenID: "6dc05b4ac175cf316d226252b05cf685", GrantCode: "782c281f62",
		OpenKey: "k3y-of-the-golden-tests", Signing: zhimai.DefaultSigning()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(own.Close)
	_, asData := open(t, withURL(t, example(t, "zhimai.yaml"), server.url), server.url, zhimaiEnvironment...)
	same := func(what string, first, second func(vendorapi.Sender) vendorapi.Reply) {
		t.Helper()
		if reply := first(own); reply.Outcome != vendorapi.Applied {
			t.Fatalf("%s: own client: %+v", what, reply)
		}
		want := firstRequest(server.take())
		at, nonce := momentOf(t, want)
		custom.FixMoment(asData, at, nonce)
		if reply := second(asData); reply.Outcome != vendorapi.Applied {
			t.Fatalf("%s: as data: %+v", what, reply)
		}
		if got := firstRequest(server.take()); got != want {
			t.Errorf("%s: as data\n%s\nits own client\n%s", what, got, want)
		}
	}
	for i, operation := range corpus(ledger.PointsAdd) {
		send := func(s vendorapi.Sender) vendorapi.Reply { return s.Send(t.Context(), &operation) }
		same("grant "+strconv.Itoa(i), send, send)
	}
	records := func(s vendorapi.Sender) vendorapi.Reply {
		_, reply := s.(vendorapi.RecordReader).ReadRecords(t.Context(), "383933091455959041")
		return reply
	}
	same("records", records, records)
	member := func(s vendorapi.Sender) vendorapi.Reply {
		id, reply := s.(vendorapi.Resolver).Resolve(t.Context(), `89"\u4e2d 12`)
		if id != "42" {
			t.Errorf("resolved to %q", id)
		}
		return reply
	}
	same("member", member, member)
}

// firstRequest is the first of the requests that came one after the other.
func firstRequest(raw string) string {
	if second := strings.Index(raw[1:], "POST /api"); second >= 0 {
		return raw[:second+1]
	}
	return raw
}

// Kylin written as data sends the bytes that its own client sends.
func TestKylinAsDataSendsTheSame(t *testing.T) {
	t.Parallel()
	server := newRecorder(t, "")
	own, err := kylin.New(kylin.Config{URL: server.url, Headers: map[string]string{"Authorization": "Bearer gateway-key-0042"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(own.Close)
	text := withURL(t, example(t, "kylin.yaml"), server.url)
	_, asData := open(t, text, server.url, "KYLIN_AUTHORIZATION=Bearer gateway-key-0042")
	for i, operation := range corpus(ledger.FreezePoint) {
		var sent [2]string
		for j, s := range []vendorapi.Sender{own, asData} {
			if reply := s.Send(t.Context(), &operation); reply.Outcome != vendorapi.Applied {
				t.Fatalf("freeze %d: %+v", i, reply)
			}
			sent[j] = server.take()
		}
		if sent[0] != sent[1] || !bytes.Contains([]byte(sent[1]), []byte("POST /openapi/v2/member/freezePoint HTTP/1.1\r\n")) {
			t.Errorf("freeze %d: as data\n%s\nits own client\n%s", i, sent[1], sent[0])
		}
	}
}
