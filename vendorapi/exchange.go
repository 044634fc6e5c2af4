package vendorapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

// maxInterim bounds the 1xx replies before the real one.
const maxInterim = 5

// longAgo as a deadline ends what is blocked on a connection.
var longAgo = time.Unix(1, 0)

// ownHeaders are written by appendHead and not taken from the call.
var ownHeaders = map[string]bool{"Host": true, "Content-Length": true, "Transfer-Encoding": true, "Trailer": true}

// postRequest tells the reader of replies what they answer.
var postRequest = &http.Request{Method: http.MethodPost}

// exchange writes the call's request once and reads the reply's header. sent
// tells whether a byte of the request may have left this machine.
func (n *connection) exchange(call Call, deadline time.Time) (response *http.Response, sent bool, err error) {
	if err := n.prepare(call); err != nil {
		return nil, false, err
	}
	// A process that was stopped on the way here must not send after the moment
	// that its caller counts on. A stopped virtual machine stops the monotonic
	// clock as well, so the wall clock is asked too.
	if now := time.Now(); now.After(deadline) || now.Round(0).After(deadline.Round(0)) {
		return nil, false, fmt.Errorf("too late to send: %w", context.DeadlineExceeded)
	}
	before := n.wire.written
	if _, err := n.stream.Write(n.out.Bytes()); err != nil {
		return nil, n.wire.written != before, err
	}
	n.readable = maxReplyHeaderBytes
	for range maxInterim {
		response, err = http.ReadResponse(n.reader, postRequest)
		if err != nil {
			return nil, true, err
		}
		if response.StatusCode >= 200 || response.StatusCode == http.StatusSwitchingProtocols {
			n.readable = 1<<63 - 1 // the body has a bound of its own
			return response, true, nil
		}
	}
	return nil, true, errors.New("vendor gives interim replies without end")
}

// prepare writes the whole request into the buffer, so that it goes out in one
// write.
func (n *connection) prepare(call Call) error {
	n.out.Reset()
	n.out.WriteString("POST " + call.URL.RequestURI() + " HTTP/1.1\r\nHost: " + call.URL.Host + "\r\nContent-Length: ")
	n.out.Write(strconv.AppendInt(n.out.AvailableBuffer(), int64(len(call.Body)), 10))
	n.out.WriteString("\r\n")
	for name, values := range call.Header {
		for _, value := range values {
			if !IsToken(name) || !IsFieldValue(value) {
				return fmt.Errorf("%w: header %q: characters that a header cannot hold", ErrUnsendable, name)
			}
		}
	}
	if err := call.Header.WriteSubset(&n.out, ownHeaders); err != nil {
		return err
	}
	n.out.WriteString("\r\n")
	n.out.Write(call.Body)
	return nil
}

// plainError says what ended a call in terms of its context: the deadline of a
// connection is how both the timeout and the cancellation reach it.
func plainError(ctx context.Context, err error) error {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	if cause := ctx.Err(); cause != nil {
		return cause
	}
	return fmt.Errorf("the call's time is over: %w", context.DeadlineExceeded)
}

// readBody reads the body to its end, so that the connection can be used again.
// After an error the connection has to be closed: closing the body would read
// on to an end that may never come.
func readBody(response *http.Response, limit int64) ([]byte, error) {
	if response.StatusCode == http.StatusSwitchingProtocols {
		return nil, errors.New("vendor switched protocols")
	}
	if encoding := response.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, errReplyEncoded
	}
	if response.ContentLength > limit {
		return nil, errReplyTooLarge
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > limit {
		return nil, errReplyTooLarge
	}
	return body, nil
}
