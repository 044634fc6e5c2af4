package zhimai

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"pointsledger/vendorapi"
	"pointsledger/vendorapi/wire"
)

// envelopeReply is the part of a reply that all actions share.
type envelopeReply struct {
	status  bool
	code    string
	message string
	data    json.RawMessage
}

// read says what an answer means. The HTTP status comes first; only 2xx is
// asked for the vendor's own status and code. That 401 and 403 mean refused
// credentials and 429 too many calls is an assumption about the gateway: the
// pages name no HTTP status.
func (c *Client) read(a wire.Answer, call *wire.Call) (data []byte, reply vendorapi.Reply) {
	reply = a.Reply()
	if a.Status == 0 {
		return nil, reply
	}
	var parsed envelopeReply
	err := a.Err
	if err == nil {
		parsed, err = parseReply(a.Body)
	}
	if err == nil {
		reply.Code, reply.Message = call.Words(parsed.code), call.Words(parsed.message)
	} else if a.Body != nil {
		reply.Message = call.BodyWords(a.Body)
	}
	switch {
	case a.Status == http.StatusTooManyRequests:
		reply.Outcome, reply.RetryAfter = vendorapi.Throttled, a.RetryAfter
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusForbidden:
		reply.Outcome = vendorapi.Unauthorised
	case a.Status < 200 || a.Status > 299:
		reply.Outcome = vendorapi.Unknown
	case err != nil:
		reply.Outcome, reply.Err = vendorapi.Unknown, err
	default:
		reply.Outcome = c.outcome(parsed)
		if reply.Outcome == vendorapi.Throttled {
			reply.RetryAfter = a.RetryAfter
		}
	}
	return parsed.data, reply
}

// outcome is the table of answers: status true and code 0 is success, true and
// another code a refusal unless the account lists it, false is unknown. With
// status false only the codes that say "not accepted at all" are believed.
func (c *Client) outcome(r envelopeReply) vendorapi.Outcome {
	if r.status && r.code == "0" {
		return vendorapi.Applied
	}
	listed, ok := c.codes[r.code]
	switch {
	case r.status && ok:
		return listed
	case r.status:
		return vendorapi.Refused
	case listed == vendorapi.Unauthorised, listed == vendorapi.Throttled:
		return listed
	}
	return vendorapi.Unknown
}

// parseReply reads {"status", "code", "message", "data"}. It accepts what the
// pages show (status true or "true", code 0 or "0", any data) and a byte order
// mark; a reply without a clear status and code, or with one of the names
// twice, is an error and its outcome unknown.
func parseReply(body []byte) (envelopeReply, error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if !json.Valid(body) {
		return envelopeReply{}, errors.New("parse reply: not JSON")
	}
	var status, code, message, data json.RawMessage
	err := walkObject(body, func(f field) error {
		var into *json.RawMessage
		switch f.name {
		case "status":
			into = &status
		case "code":
			into = &code
		case "message":
			into = &message
		case "data":
			into = &data
		default:
			return nil
		}
		if *into != nil {
			return fmt.Errorf("%q is there twice", f.name)
		}
		*into = f.value
		return nil
	})
	if err != nil {
		return envelopeReply{}, fmt.Errorf("parse reply: %w", err)
	}
	r := envelopeReply{data: data}
	if r.status, err = parseStatus(status); err != nil {
		return envelopeReply{}, fmt.Errorf("parse reply: %w", err)
	}
	if r.code, err = parseCode(code); err != nil {
		return envelopeReply{}, fmt.Errorf("parse reply: %w", err)
	}
	if r.message, err = parseMessage(message); err != nil {
		return envelopeReply{}, fmt.Errorf("parse reply: %w", err)
	}
	return r, nil
}

// parseStatus accepts the four spellings of the pages and nothing else: 1,
// "TRUE" or "ok" prove nothing.
func parseStatus(raw json.RawMessage) (bool, error) {
	switch string(raw) {
	case `true`, `"true"`:
		return true, nil
	case `false`, `"false"`:
		return false, nil
	case "":
		return false, errors.New("status is missing")
	}
	return false, errors.New("status is neither true nor false")
}

// parseCode returns the code as text. A code that is zero in another spelling
// ("00", 0.0, " 0") is an error: it is neither the code of success nor may it
// count as a refusal.
func parseCode(raw json.RawMessage) (string, error) {
	switch {
	case len(raw) == 0:
		return "", errors.New("code is missing")
	case raw[0] == '"':
		code, err := decodeString(raw)
		if err != nil {
			return "", err
		}
		if strings.TrimSpace(code) == "" {
			return "", errors.New("code is empty")
		}
		if code != "0" && isZero(code) {
			return "", errors.New("code is an odd zero")
		}
		return code, nil
	case raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9':
		code := string(raw)
		if strings.ContainsAny(code, ".eE") || code == "-0" {
			return "", errors.New("code is not an integer")
		}
		return code, nil
	}
	return "", errors.New("code is neither a string nor a number")
}

// isZero reports whether text is a spelling of the number zero. This is the
// only float here, and nothing is computed with it.
func isZero(text string) bool {
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	return err == nil && n == 0
}

// parseMessage returns a message that is a string, or whatever else stands
// there as it came: it is for people to read and decides nothing.
func parseMessage(raw json.RawMessage) (string, error) {
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return "", nil
	case raw[0] == '"':
		return decodeString(raw)
	}
	return string(raw), nil
}
