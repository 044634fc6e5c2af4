package zhimai

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"pointsledger/vendorapi"
)

func TestOutcomes(t *testing.T) {
	t.Parallel()
	const applied, already, refused = vendorapi.Applied, vendorapi.AlreadyApplied, vendorapi.Refused
	const unauthorised, throttled = vendorapi.Unauthorised, vendorapi.Throttled
	const unknown, retryable = vendorapi.Unknown, vendorapi.Retryable
	tests := []struct {
		name   string
		status int
		body   string
		want   vendorapi.Outcome
		code   string
	}{
		{"success", 200, success, applied, "0"},
		{"success in strings", 200, `{"status":"true","code":"0","message":"说明","data":[]}`, applied, "0"},
		{"success, data absent", 200, `{"status":true,"code":0}`, applied, "0"},
		{"success, data an object", 200, `{"data":{"a":[1,{"status":false,"code":5}]},"code":0,"status":true}`, applied, "0"},
		{"success, data a string", 200, `{"status":true,"code":0,"data":""}`, applied, "0"},
		{"success, message null", 200, `{"status":true,"code":0,"message":null,"data":null}`, applied, "0"},
		{"success, odd message", 200, `{"status":true,"code":0,"message":["x"]}`, applied, "0"},
		{"success after BOM and space", 200, "\xef\xbb\xbf \n{ \"status\" : true ,\t\"code\" : 0 } \n", applied, "0"},
		{"success, escaped name", 200, `{"st\u0061tus":true,"code":0}`, applied, "0"},
		{"success with 201", 201, success, applied, "0"},
		{"already applied", 200, `{"status":true,"code":2001}`, already, "2001"},
		{"already applied, text code", 200, `{"status":"true","code":"dup"}`, already, "dup"},
		{"refused", 200, `{"status":true,"code":"1001","message":"查询的信息不存在"}`, refused, "1001"},
		{"refused, negative code", 200, `{"status":true,"code":-1}`, refused, "-1"},
		{"refused, code by its case", 200, `{"status":true,"code":"DUP"}`, refused, "DUP"},
		{"refused, text code with a zero", 200, `{"status":true,"code":"0error"}`, refused, "0error"},
		{"auth code", 200, `{"status":true,"code":"4001"}`, unauthorised, "4001"},
		{"auth code, status false", 200, `{"status":false,"code":4001}`, unauthorised, "4001"},
		{"throttled code", 200, `{"status":true,"code":4290}`, throttled, "4290"},
		{"throttled code, status false", 200, `{"status":"false","code":"4290"}`, throttled, "4290"},
		{"retryable code", 200, `{"status":true,"code":"5030"}`, retryable, "5030"},

		{"status false", 200, `{"status":false,"code":500,"message":"系统错误"}`, unknown, "500"},
		{"status false, code 0", 200, `{"status":false,"code":0}`, unknown, "0"},
		{"status false, code of a repeat", 200, `{"status":false,"code":2001}`, unknown, "2001"},
		{"status false, retryable code", 200, `{"status":false,"code":5030}`, unknown, "5030"},
		{"status absent", 200, `{"code":0}`, unknown, ""},
		{"status 1", 200, `{"status":1,"code":0}`, unknown, ""},
		{"status TRUE", 200, `{"status":"TRUE","code":0}`, unknown, ""},
		{"status null", 200, `{"status":null,"code":0}`, unknown, ""},
		{"name in another case", 200, `{"Status":true,"Code":0}`, unknown, ""},
		{"code absent", 200, `{"status":true}`, unknown, ""},
		{"code null", 200, `{"status":true,"code":null}`, unknown, ""},
		{"code empty", 200, `{"status":true,"code":" "}`, unknown, ""},
		{"code true", 200, `{"status":true,"code":true}`, unknown, ""},
		{"code 0.0", 200, `{"status":true,"code":0.0}`, unknown, ""},
		{"code -0", 200, `{"status":true,"code":-0}`, unknown, ""},
		{"code 00", 200, `{"status":true,"code":"00"}`, unknown, ""},
		{"code ' 0'", 200, `{"status":true,"code":" 0"}`, unknown, ""},
		{"code a list", 200, `{"status":true,"code":[0]}`, unknown, ""},
		{"code twice", 200, `{"status":true,"code":0,"code":1001}`, unknown, ""},
		{"status twice", 200, `{"status":false,"status":true,"code":0}`, unknown, ""},
		{"a list", 200, `[{"status":true,"code":0}]`, unknown, ""},
		{"a string", 200, `"ok"`, unknown, ""},
		{"empty", 200, ``, unknown, ""},
		{"HTML", 200, `<html>ok</html>`, unknown, ""},
		{"cut JSON", 200, `{"status":true,"code":0,"message":"o`, unknown, ""},
		{"two objects", 200, success + success, unknown, ""},
		{"PHP warning first", 200, "Warning: x\n" + success, unknown, ""},
		{"too deep", 200, `{"status":true,"code":0,"data":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, unknown, ""},

		{"no content", 204, ``, unknown, ""},
		{"redirect", 302, success, unknown, "0"},
		{"bad request", 400, success, unknown, "0"},
		{"unauthorised", 401, `no`, unauthorised, ""},
		{"forbidden", 403, success, unauthorised, "0"},
		{"not found", 404, `<html>`, unknown, ""},
		{"request timeout", 408, ``, unknown, ""},
		{"throttled", 429, `{"status":false,"code":9}`, throttled, "9"},
		{"server error", 500, success, unknown, "0"},
		{"bad gateway", 502, `<html>bad gateway</html>`, unknown, ""},
		{"unlisted", 299, `{"status":true,"code":"1001"}`, refused, "1001"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t, test.status, test.body)
			v.header.Set("Retry-After", "17")
			reply := newTestClient(t, testConfig(v.URL)).AddPoints(t.Context(), sampleAdd())
			if reply.Outcome != test.want || reply.Code != test.code || reply.HTTPStatus != test.status || reply.Duration <= 0 {
				t.Fatalf("reply %+v: want %v, code %q", reply, test.want, test.code)
			}
			var pause time.Duration
			if test.want == throttled {
				pause = 17 * time.Second
			}
			if reply.RetryAfter != pause {
				t.Fatalf("retry after %v, want %v", reply.RetryAfter, pause)
			}
			if test.want != unknown && reply.Err != nil {
				t.Fatalf("error %v beside an answer of the vendor", reply.Err)
			}
		})
	}
}

func TestWordsOfAReply(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status              int
		body, code, message string
	}{
		{200, `{"status":true,"code":"1001","message":"异常说明\u0000:<b>"}`, "1001", "异常说明 :<b>"},
		{200, `{"status":true,"code":"` + strings.Repeat("9", 600) + `","message":"` + strings.Repeat("积", 600) + `"}`,
			strings.Repeat("9", 500), strings.Repeat("积", 166)},
		{200, `{"status":true,"code":1,"message":{"a": 1}}`, "1", `{"a": 1}`},
		{200, `<html>maintenance</html>`, "", "<html>maintenance</html>"},
		{502, "bad\ngateway", "", "bad gateway"},
	} {
		v := newVendor(t, test.status, test.body)
		reply := newTestClient(t, testConfig(v.URL)).AddPoints(t.Context(), sampleAdd())
		if reply.Code != test.code || reply.Message != test.message {
			t.Errorf("%s: code %q, message %q", test.body, reply.Code, reply.Message)
		}
	}
}

// A vendor that echoes all that it was sent must not put it into our logs.
func TestNoSecretInAnyReply(t *testing.T) {
	t.Parallel()
	const token, plain = "8EHlFZqBY%2FGqu9Ym2wSsnVSeKhk%3D", "8EHlFZqBY/Gqu9Ym2wSsnVSeKhk="
	const password = "hunter2-password"
	echo := strings.Join([]string{testOpenID, testGrantCode, testOpenKey, token, plain, password}, " ")
	quoted, err := json.Marshal(echo)
	if err != nil {
		t.Fatal(err)
	}
	bodies := []string{
		echo,
		`{"status":true,"code":` + string(quoted) + `,"message":` + string(quoted) + `}`,
		`{"status":false,"code":1,"message":{"echo":` + string(quoted) + `}}`,
		`{"status":true,"code":0,"data":{"user_info":` + string(quoted) + `}}`,
		`{"status":` + string(quoted) + `,"code":0}`,
	}
	for _, status := range []int{200, 302, 401, 429, 500} {
		for _, body := range bodies {
			c := newTestClient(t, testConfig(newVendor(t, status, body).URL))
			_, reply := c.Identity(t.Context(), IdentityQuery{Type: ByAccount, Mobile: "1", Password: password})
			mustHoldNo(t, reply, testOpenID, testGrantCode, testOpenKey, token, plain, password)
		}
	}
	// Port 1 is never handed out, and nobody listens there.
	reply := newTestClient(t, testConfig("http://127.0.0.1:1")).AddPoints(t.Context(), sampleAdd())
	if reply.Outcome != vendorapi.NotSent || reply.HTTPStatus != 0 {
		t.Errorf("refused port: %+v", reply)
	}
	mustHoldNo(t, reply, testOpenID, testGrantCode, testOpenKey, token, plain)
}

func mustHoldNo(t *testing.T, reply vendorapi.Reply, secrets ...string) {
	t.Helper()
	text := reply.Code + "\n" + reply.Message
	for err := reply.Err; err != nil; err = errors.Unwrap(err) {
		text += "\n" + err.Error()
	}
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("reply holds %q: %s", secret, text)
		}
	}
}

func TestCancelledCall(t *testing.T) {
	t.Parallel()
	v := newVendor(t, 200, success)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	reply := newTestClient(t, testConfig(v.URL)).AddPoints(ctx, sampleAdd())
	if reply.Outcome != vendorapi.NotSent || !errors.Is(reply.Err, context.Canceled) || v.got != nil {
		t.Fatalf("%+v", reply)
	}
}

// FuzzReply holds three things: no panic; the walker sees what encoding/json
// sees; and nothing but a clear status and code is ever Applied.
func FuzzReply(f *testing.F) {
	for _, seed := range []string{
		success, `{"status":"true","code":"0","data":{"data":{"item_list":[{"type":1,"points":"5"}]}}}`,
		`{"status":true,"code":0,"data":{"item_list":{"0":{"type":"1","points":5}},"last_page":"3"}}`,
		`{"status":true,"code":0,"data":{"user_info":{"id":383933091455959041,"pay_rule":[]}}}`,
		`{"a\"}":{"x":"]}"},"status":true,"code":0}`, `{"status":true,"code":0,"data":[{"id":1}]}`, `{}`, `[]`, `{"":"`, "\xef\xbb\xbf{}",
	} {
		f.Add([]byte(seed))
	}
	c := &Client{}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := parseReply(body)
		if err != nil {
			return
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal([]byte(strings.TrimPrefix(string(body), "\xef\xbb\xbf")), &fields); err != nil {
			t.Fatalf("accepted %q, which is not an object: %v", body, err)
		}
		if string(r.data) != string(fields["data"]) {
			t.Fatalf("data %q, want %q", r.data, fields["data"])
		}
		status, code := string(fields["status"]), string(fields["code"])
		isSuccess := (status == "true" || status == `"true"`) && (code == "0" || code == `"0"`)
		if !isSuccess && !strings.Contains(code, `\`) && c.outcome(r) == vendorapi.Applied {
			t.Fatalf("%q counts as applied", body)
		}
		_, _ = parseRecords(r.data, RecordsQuery{Page: 1, PageSize: 10})
		_, _ = parseIdentity(r.data)
		_, _ = parseCards(r.data)
	})
}

func BenchmarkBuildRequest(b *testing.B) {
	c := newTestClient(b, testConfig("http://host/"))
	add := sampleAdd()
	b.ReportAllocs()
	for b.Loop() {
		e := envelope{openID: c.openID, grantCode: c.grantCode, timestamp: "1547186244", nonce: "658965"}
		e.token, _ = c.signer.token(e, actionPointsAdd)
		if len(appendRequest(make([]byte, 0, 512), e, actionPointsAdd, add.params())) < 100 {
			b.Fatal("short request")
		}
	}
}

func BenchmarkToken(b *testing.B) {
	c := newTestClient(b, testConfig("http://host/"))
	e := envelope{openID: c.openID, grantCode: c.grantCode, timestamp: "1547186244", nonce: "658965"}
	b.ReportAllocs()
	for b.Loop() {
		if sent, plain := c.signer.token(e, actionPointsAdd); len(sent) < len(plain) {
			b.Fatal("short token")
		}
	}
}

// BenchmarkAddPoints is a whole call. The server, in this process too, repeats
// one reply and allocates nothing for it.
func BenchmarkAddPoints(b *testing.B) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		request := make([]byte, 4096) // a request comes in one write, and is smaller
		for {
			if _, err := conn.Read(request); err != nil {
				return
			}
			if _, err := conn.Write(benchmarkReply); err != nil {
				return
			}
		}
	}()
	c := newTestClient(b, testConfig("http://"+listener.Addr().String()+"/api/v2"))
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	add := sampleAdd()
	b.ReportAllocs()
	for b.Loop() {
		if reply := c.AddPoints(ctx, add); reply.Outcome != vendorapi.Applied {
			b.Fatal(reply)
		}
	}
}

var benchmarkReply = []byte("HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: application/json\r\nContent-Length: 58\r\n\r\n" +
	`{"status":"true","code":"0","message":"success","data":[]}`)

func BenchmarkParseReply(b *testing.B) {
	body := []byte(`{"status":"true","code":"0","message":"success","data":[]}`)
	b.ReportAllocs()
	for b.Loop() {
		if r, err := parseReply(body); err != nil || r.code != "0" {
			b.Fatal(err)
		}
	}
}
