package wire

import (
	"bytes"
	"strconv"
)

// plainHead is what a reply's header says when it is of the common kind.
type plainHead struct {
	status int
	// bodyBytes is the Content-Length. The sender may lie.
	bodyBytes int64
	// size is the header's own length, with the empty line.
	size int
}

// maxLengthDigits keeps a Content-Length inside an int64.
const maxLengthDigits = 18

// parsePlainHead reads the header that b begins with if it is one that cannot
// be read in two ways: HTTP/1.1, a final status that has a body, one
// Content-Length, nothing else that says how long the body is, whether the
// connection stays or what the client should do. Everything else, a header that
// is not complete too, is left to http.ReadResponse; a refusal here costs time
// and nothing else (FuzzReply compares the two).
func parsePlainHead(b []byte) (head plainHead, ok bool) {
	line, rest, ok := cutLine(b)
	if !ok {
		return plainHead{}, false
	}
	head.status, ok = plainStatus(line)
	if !ok {
		return plainHead{}, false
	}
	head.bodyBytes = -1
	for {
		line, rest, ok = cutLine(rest)
		if !ok {
			return plainHead{}, false
		}
		if len(line) == 0 {
			head.size = len(b) - len(rest)
			return head, head.bodyBytes >= 0
		}
		if !head.takeField(line) {
			return plainHead{}, false
		}
	}
}

// cutLine cuts a line that ends in CR LF and holds nothing but printable ASCII.
func cutLine(b []byte) (line, rest []byte, ok bool) {
	end := bytes.IndexByte(b, '\n') - 1
	if end < 0 || b[end] != '\r' {
		return nil, nil, false
	}
	line = b[:end]
	for _, c := range line {
		if c < ' ' || c > '~' {
			return nil, nil, false
		}
	}
	return line, b[end+2:], true
}

// plainStatus reads a status line whose status is final and has a body.
func plainStatus(line []byte) (status int, ok bool) {
	const version, size = "HTTP/1.1 ", len("HTTP/1.1 200")
	if len(line) < size || string(line[:len(version)]) != version || len(line) > size && line[size] != ' ' {
		return 0, false
	}
	for _, c := range line[len(version):size] {
		if c < '0' || c > '9' {
			return 0, false
		}
		status = 10*status + int(c-'0')
	}
	return status, status >= 200 && status != 204 && status != 304
}

// takeField looks at one header line. It is false for a line that is no plain
// field, and for a field that asks for more than reading the body.
func (h *plainHead) takeField(line []byte) bool {
	colon := bytes.IndexByte(line, ':')
	if colon < 1 {
		return false
	}
	name, value := line[:colon], bytes.Trim(line[colon+1:], " ")
	for _, c := range name {
		if !isTokenByte(c) {
			return false
		}
	}
	switch {
	case isName(name, "content-length"):
		return h.takeLength(value)
	case isName(name, "connection"):
		return isName(value, "keep-alive")
	case isName(name, "transfer-encoding"), isName(name, "content-encoding"),
		isName(name, "trailer"), isName(name, "upgrade"), isName(name, "retry-after"):
		return false
	}
	return true
}

// takeLength takes the only Content-Length, in plain digits.
func (h *plainHead) takeLength(value []byte) bool {
	if h.bodyBytes >= 0 || len(value) > maxLengthDigits {
		return false
	}
	length, err := strconv.ParseUint(string(value), 10, 63)
	h.bodyBytes = int64(length)
	return err == nil
}

// isName compares without case; lower is the name in lower case.
func isName(name []byte, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
