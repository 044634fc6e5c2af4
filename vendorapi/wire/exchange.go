package wire

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"pointsledger/vendorapi"
)

// longAgo as a deadline ends what is blocked on a connection.
var longAgo = time.Unix(1, 0)

// ownHeaders are written by appendHead and not taken from the call.
var ownHeaders = map[string]bool{"Host": true, "Content-Length": true, "Transfer-Encoding": true, "Trailer": true}

// exchange writes the call's request once and reads the reply's header. sent
// tells whether a byte of the request may have left this machine.
func (n *connection) exchange(call Call, deadline time.Time) (r reply, sent bool, err error) {
	if err := n.prepare(call); err != nil {
		return reply{}, false, err
	}
	// A process that was stopped on the way here must not send after the moment
	// that its caller counts on. A stopped virtual machine stops the monotonic
	// clock as well, so the wall clock is asked too.
	if now := time.Now(); now.After(deadline) || now.Round(0).After(deadline.Round(0)) {
		return reply{}, false, fmt.Errorf("too late to send: %w", context.DeadlineExceeded)
	}
	before := n.wire.written
	if _, err := n.stream.Write(n.out.Bytes()); err != nil {
		return reply{}, n.wire.written != before, err
	}
	r, err = n.readReply()
	return r, true, err
}

// prepare writes the whole request into the buffer, so that it goes out in one
// write.
func (n *connection) prepare(call Call) error {
	n.out.Reset()
	method := cmp.Or(call.Method, http.MethodPost)
	for _, text := range [...]string{method, " ", call.URL.RequestURI(), " HTTP/1.1\r\nHost: ", call.URL.Host, "\r\n"} {
		n.out.WriteString(text)
	}
	if method != http.MethodGet || len(call.Body) > 0 {
		n.out.WriteString("Content-Length: ")
		n.out.Write(strconv.AppendInt(n.out.AvailableBuffer(), int64(len(call.Body)), 10))
		n.out.WriteString("\r\n")
	}
	for name, values := range call.Header {
		for _, value := range values {
			if !IsToken(name) || !IsFieldValue(value) {
				return fmt.Errorf("%w: header %q: characters that a header cannot hold", vendorapi.ErrUnsendable, name)
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
