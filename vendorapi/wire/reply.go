package wire

import (
	"errors"
	"io"
	"net/http"
)

// maxInterim bounds the 1xx replies before the real one.
const maxInterim = 5

// maxClaimedBytes is up to where a body's claimed length is believed before its
// bytes are there: the vendors' are below 1 KiB, and a claim costs nothing.
const maxClaimedBytes = 64 << 10

// postRequest tells the reader of replies what they answer.
var postRequest = &http.Request{Method: http.MethodPost}

// reply is a reply whose header is read, and whose body is not.
type reply struct {
	status int
	// bodyBytes is -1 when the header does not say it.
	bodyBytes int64
	// body may go on behind bodyBytes, where the next reply would be.
	body io.Reader
	// last tells that the connection serves no further call.
	last bool
	// encoded tells that the body has an encoding that nobody asked for.
	encoded    bool
	retryAfter string
}

// readReply reads headers up to that of the real reply.
func (n *connection) readReply() (reply, error) {
	n.readable = maxReplyHeaderBytes
	for range maxInterim {
		r, err := n.readHead()
		if err != nil {
			return reply{}, err
		}
		if r.status >= 200 || r.status == http.StatusSwitchingProtocols {
			n.readable = 1<<63 - 1 // the body has a bound of its own
			return r, nil
		}
	}
	return reply{}, errors.New("vendor gives interim replies without end")
}

// readHead reads one header: a plain one that has arrived as a whole by itself,
// any other with net/http, which costs several times as much. The plain way
// takes nothing from the reader before it is sure.
func (n *connection) readHead() (reply, error) {
	if _, err := n.reader.Peek(1); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF // as http.ReadResponse says it
		}
		return reply{}, err
	}
	arrived, err := n.reader.Peek(n.reader.Buffered())
	if err != nil {
		return reply{}, err
	}
	if head, ok := parsePlainHead(arrived); ok {
		_, err := n.reader.Discard(head.size)
		return reply{status: head.status, bodyBytes: head.bodyBytes, body: n.reader}, err
	}
	response, err := http.ReadResponse(n.reader, postRequest)
	if err != nil {
		return reply{}, err
	}
	encoding := response.Header.Get("Content-Encoding")
	return reply{
		status:     response.StatusCode,
		bodyBytes:  response.ContentLength,
		body:       response.Body,
		last:       response.Close,
		encoded:    encoding != "" && encoding != "identity",
		retryAfter: response.Header.Get("Retry-After"),
	}, nil
}

// readBody reads the body to its end, so that the connection can be used again.
// After an error the connection has to be closed: its next bytes are not the
// next reply.
func (r reply) readBody(limit int64) ([]byte, error) {
	switch {
	case r.status == http.StatusSwitchingProtocols:
		return nil, errors.New("vendor switched protocols")
	case r.encoded:
		return nil, errReplyEncoded
	case r.bodyBytes > limit:
		return nil, errReplyTooLarge
	case r.bodyBytes >= 0:
		return readClaimed(r.body, r.bodyBytes)
	}
	body, err := io.ReadAll(io.LimitReader(r.body, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > limit {
		return nil, errReplyTooLarge
	}
	return body, nil
}

// readClaimed reads a body of the claimed length, and not a byte behind it.
func readClaimed(from io.Reader, length int64) (body []byte, err error) {
	if length <= maxClaimedBytes {
		body = make([]byte, length)
		_, err = io.ReadFull(from, body)
	} else {
		body, err = io.ReadAll(io.LimitReader(from, length))
	}
	switch {
	case err == nil && int64(len(body)) == length:
		return body, nil
	case err == nil, errors.Is(err, io.EOF):
		return nil, io.ErrUnexpectedEOF
	}
	return nil, err
}
