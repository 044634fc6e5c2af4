package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

const testLimit = 1 << 20

// readWith reads one reply as a call does, and what is behind it.
func readWith(t *testing.T, from io.Reader) (r reply, body, behind []byte, err error) {
	t.Helper()
	n := &connection{reader: bufio.NewReader(from)}
	if r, err = n.readReply(); err != nil {
		return r, nil, nil, err
	}
	if body, err = r.readBody(testLimit); err != nil {
		return r, nil, nil, err
	}
	behind, err = io.ReadAll(n.reader)
	if err != nil {
		t.Fatal(err)
	}
	return r, body, behind, nil
}

// readByTheLibrary is what readWith must say, said by net/http alone.
func readByTheLibrary(t *testing.T, text []byte) (r reply, body, behind []byte, err error) {
	t.Helper()
	reader := bufio.NewReader(bytes.NewReader(text))
	response, err := http.ReadResponse(reader, postRequest)
	for more := maxInterim; err == nil && response.StatusCode < 200 && response.StatusCode != 101; {
		if more--; more == 0 {
			return r, nil, nil, errors.New("interim replies without end")
		}
		response, err = http.ReadResponse(reader, postRequest)
	}
	if err != nil {
		return r, nil, nil, err
	}
	r = reply{status: response.StatusCode, bodyBytes: response.ContentLength, last: response.Close, retryAfter: response.Header.Get("Retry-After")}
	encoding := response.Header.Get("Content-Encoding")
	if r.encoded = encoding != "" && encoding != "identity"; r.encoded {
		return r, nil, nil, errReplyEncoded
	}
	if r.bodyBytes > testLimit {
		return r, nil, nil, errReplyTooLarge
	}
	body, err = io.ReadAll(io.LimitReader(response.Body, testLimit+1))
	if err == nil && (len(body) > testLimit || r.status == 101) {
		err = errReplyTooLarge
	}
	if err != nil {
		return r, nil, nil, err
	}
	behind, err = io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return r, body, behind, nil
}

func mustAgree(t *testing.T, text []byte, from io.Reader) {
	t.Helper()
	want, wantBody, wantBehind, wantErr := readByTheLibrary(t, text)
	got, body, behind, err := readWith(t, from)
	want.body, got.body = nil, nil
	if got != want || !bytes.Equal(body, wantBody) || !bytes.Equal(behind, wantBehind) || (err == nil) != (wantErr == nil) {
		t.Fatalf("%q:\n got %+v %q, behind it %q, %v\nwant %+v %q, behind it %q, %v", text, got, body, behind, err, want, wantBody, wantBehind, wantErr)
	}
	if (body == nil) != (wantBody == nil) || errors.Is(err, io.ErrUnexpectedEOF) != errors.Is(wantErr, io.ErrUnexpectedEOF) {
		t.Fatalf("%q: body nil %v, error %v; want nil %v, %v", text, body == nil, err, wantBody == nil, wantErr)
	}
}

// plainReplies are read without net/http, the others with it.
var plainReplies = []string{
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
	"HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\ncontent-LENGTH:2 \r\nConnection: Keep-Alive\r\nX: \r\n\r\n{}HTTP/1.1 200",
	"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 200 \r\nContent-Length: 000000000000000002\r\n\r\n{}",
	"HTTP/1.1 999 a:b\r\nServer: nginx/1.2 (x)\r\nContent-Length:   1\r\nA!#$%&'*+-.^_`|~9: \"\"\r\n\r\n{}",
	"HTTP/1.1 500 Oh\r\nX-Content-Length: 9\r\nContent-Length: 3\r\nKeep-Alive: timeout=5\r\n\r\n{}",
	"HTTP/1.1 404 Not Found\r\nContent-Length: 999999999999999999\r\n\r\n{}",
	"HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n{}",
	"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + strings.Repeat("x", 69_999),
}

var otherReplies = []string{
	"", "H", "\r\n\r\n", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", "HTTP/1.1 200 OK\r\n\r\n{}",
	"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\n{}", "HTTP/1.1 200 O\rK\r\nContent-Length: 2\r\n\r\n{}",
	"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}",
	"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 2000\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 2x0 OK\r\nContent-Length: 2\r\n\r\n{}",
	"HTTP/1.1  200 OK\r\nContent-Length: 2\r\n\r\n{}", "http/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
	"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n{}",
	"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 102 P\r\nContent-Length: 2\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{}",
	"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n{}", "HTTP/1.1 200 OK\r\nUpgrade: x\r\nContent-Length: 2\r\n\r\n{}",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\nconnection: x, Close\r\n\r\n{}",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 1\r\n\r\n{}",
	"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length: 0000000000000000002\r\n\r\n{}",
	"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length: 1_0\r\n\r\n{}",
	"HTTP/1.1 200 OK\r\nContent-Length\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\n Content-Length: 2\r\n\r\n{}",
	"HTTP/1.1 200 OK\r\nX: a\r\n Content-Length: 7\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nX: a\r\n\tb\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n 3\r\n\r\n{}",
	"HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nX Y: a\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nX: \x00\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nX: 积分\r\nContent-Length: 2\r\n\r\n{}",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\ntransfer-encoding: CHUNKED\r\nTrailer: X\r\n\r\n2\r\n{}\r\n0\r\nX: 1\r\n\r\nbehind",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: gzip\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTrailer: X\r\n\r\n{}",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Encoding: gzip\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Encoding: identity\r\n\r\n{}",
	"HTTP/1.1 429 Slow\r\nContent-Length: 2\r\nRetry-After: 7\r\n\r\n{}",
	"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 5000) + "\r\nContent-Length: 2\r\n\r\n{}",
}

// TestPlainReplies also holds that the quick way is taken at all.
func TestPlainReplies(t *testing.T) {
	t.Parallel()
	for _, text := range plainReplies {
		if _, ok := parsePlainHead([]byte(text)); !ok {
			t.Errorf("%.60q: left to net/http", text)
		}
		mustAgree(t, []byte(text), strings.NewReader(text))
	}
	for _, text := range otherReplies {
		// The buffer of a connection's reader holds no more.
		if _, ok := parsePlainHead([]byte(text)[:min(len(text), 4096)]); ok {
			t.Errorf("%.60q: not left to net/http", text)
		}
		mustAgree(t, []byte(text), strings.NewReader(text))
	}
}

// A reply that comes in two pieces, or byte by byte, is the same reply. One that
// ends early is cut off, wherever that is.
func TestReplyInPieces(t *testing.T) {
	t.Parallel()
	for _, text := range append(append([]string(nil), plainReplies...), otherReplies...) {
		mustAgree(t, []byte(text), iotest.OneByteReader(strings.NewReader(text)))
		mustAgree(t, []byte(text), iotest.DataErrReader(strings.NewReader(text)))
		for at := range min(len(text), 300) {
			mustAgree(t, []byte(text), io.MultiReader(strings.NewReader(text[:at]), strings.NewReader(text[at:])))
			mustAgree(t, []byte(text[:at]), strings.NewReader(text[:at]))
		}
	}
}

// What a vendor claims is not allocated before it comes: this claim is more
// than any machine has.
func TestHugeClaimAllocatesNothing(t *testing.T) {
	t.Parallel()
	n := &connection{reader: bufio.NewReader(strings.NewReader("HTTP/1.1 200 OK\r\nContent-Length: 900000000000000000\r\n\r\n{}"))}
	r, err := n.readReply()
	if err != nil {
		t.Fatal(err)
	}
	if body, err := r.readBody(1 << 62); !errors.Is(err, io.ErrUnexpectedEOF) || body != nil {
		t.Fatalf("%d bytes, %v: want unexpected EOF", len(body), err)
	}
}

func TestBodyAroundTheClaimedLimit(t *testing.T) {
	t.Parallel()
	for _, length := range []int64{0, 1, maxClaimedBytes, maxClaimedBytes + 1} {
		text := strings.Repeat("x", int(length))
		body, err := readClaimed(strings.NewReader(text+"behind"), length)
		if err != nil || string(body) != text || body == nil {
			t.Errorf("%d bytes: read %d, %v", length, len(body), err)
		}
		if length == 0 {
			continue
		}
		body, err = readClaimed(strings.NewReader(text[1:]), length)
		if !errors.Is(err, io.ErrUnexpectedEOF) || body != nil {
			t.Errorf("%d bytes, one missing: read %d, %v", length, len(body), err)
		}
	}
}

// FuzzReply compares the connection's reading with net/http's: status, body,
// whether the connection stays, and where the next reply begins.
func FuzzReply(f *testing.F) {
	for _, text := range append(append([]string(nil), plainReplies...), otherReplies...) {
		if len(text) < 500 { // long ones only slow the search
			f.Add([]byte(text))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		mustAgree(t, text, bytes.NewReader(text))
		// The same lines where they are taken, if they are.
		wrapped := []byte("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n" + string(text) + "\r\n\r\n{}\n")
		mustAgree(t, wrapped, bytes.NewReader(wrapped))
	})
}

func BenchmarkReadReply(b *testing.B) {
	const head = "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: application/json\r\nContent-Length: 58\r\n"
	body := "\r\n" + `{"status":"true","code":"0","message":"success","data":[]}`
	for name, text := range map[string]string{"plain": head + body, "library": head + "Trailer: X\r\n" + body} {
		b.Run(name, func(b *testing.B) {
			from := strings.NewReader(text)
			n := &connection{reader: bufio.NewReader(from)}
			b.ReportAllocs()
			for b.Loop() {
				from.Reset(text)
				r, err := n.readReply()
				if err != nil {
					b.Fatal(err)
				}
				if body, err := r.readBody(testLimit); err != nil || len(body) != 58 {
					b.Fatal(err)
				}
			}
		})
	}
}
