package kylin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"pointsledger/vendorapi/wire"
)

// Why a 200 or 201 is not believed. They stand in the reply's Err.
var (
	errNotJSON  = errors.New("the body is not JSON, so it is not Kylin's: a page of a proxy, a firewall or of maintenance")
	errCutBody  = errors.New("the body could not be read to its end")
	errSaysElse = errors.New("the body says something else than the status")
)

// checkBody says whether the body of a 200 or 201 can be Kylin's, nil when it
// can.
//
// The page lists the statuses (200 and 201: frozen; 204: frozen, without a body
// by HTTP's rules) and shows no body at all. But a status alone is not Kylin's
// word: gateways, firewalls and maintenance pages answer 200 for it. So a body
// has to be one that an interface of the kind can give:
//
//   - none, which is what the page describes;
//   - null, true, or a JSON object that does not contradict the status: no code
//     other than 0, 200, 201, 204, ok, success or one that the account lists
//     (codes.applied), no success or ok that is false, no error that is not empty.
//
// Everything else (HTML, text, half a JSON, a body that is too large or
// compressed, false, numbers, lists) is unknown, because what is not listed is.
// That costs a resend, which is safe by its key (the page promises it), while
// a freeze that is believed and never happened is seen by nobody. A vendor whose
// every success has an unlisted code shows at once: all its rows are in doubt
// and show the code.
func (c *Client) checkBody(a wire.Answer) (code string, err error) {
	if a.Err != nil {
		return "", fmt.Errorf("%w: %w", errCutBody, a.Err)
	}
	body := bytes.TrimSpace(bytes.TrimPrefix(a.Body, []byte("\xef\xbb\xbf")))
	switch {
	case len(body) == 0:
		return "", nil
	case !json.Valid(body):
		return "", errNotJSON
	case string(body) == "null", string(body) == "true":
		return "", nil
	case body[0] != '{':
		return "", errSaysElse
	}
	return c.checkObject(body)
}

// checkObject looks at every member of the object, one that stands twice too.
func (c *Client) checkObject(body []byte) (code string, err error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if _, err := decoder.Token(); err != nil {
		return "", errNotJSON
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return "", errNotJSON
		}
		var value any
		if err := decoder.Decode(&value); err != nil {
			return "", errNotJSON
		}
		text, plain := plainText(value)
		switch envelopeField(fmt.Sprint(name)) {
		case codeField:
			if code = text; !plain || !c.goodCode(text) && text != "true" {
				return code, errSaysElse
			}
		case verdictField:
			if !plain || !goodVerdict(text) {
				return code, errSaysElse
			}
		case errorField:
			if !isEmpty(value) && !(plain && c.goodCode(text)) {
				return code, errSaysElse
			}
		}
	}
	return code, nil
}

type envelopePart int

const (
	otherField envelopePart = iota
	codeField
	verdictField
	errorField
)

// envelopeField tells by its name what a member of an answer's object is for.
func envelopeField(name string) envelopePart {
	switch strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name)) {
	case "code", "errcode", "errorcode", "errno", "retcode", "returncode", "resultcode", "respcode", "statuscode", "status":
		return codeField
	case "success", "issuccess", "succeeded", "ok":
		return verdictField
	case "error", "errors", "errmsg", "errormsg", "errormessage", "exception":
		return errorField
	}
	return otherField
}

// goodCode: an absent code (null, "") says nothing.
func (c *Client) goodCode(text string) bool {
	switch strings.ToLower(text) {
	case "", "0", "200", "201", "204", "ok", "success":
		return true
	}
	return slices.Contains(c.appliedCodes, text)
}

func goodVerdict(text string) bool {
	switch strings.ToLower(text) {
	case "", "1", "true", "ok", "success":
		return true
	}
	return false
}

// plainText is a value that is no list and no object, as it would be written.
func plainText(value any) (string, bool) {
	switch v := value.(type) {
	case nil:
		return "", true
	case string:
		return strings.TrimSpace(v), true
	case bool:
		return fmt.Sprint(v), true
	case json.Number:
		return v.String(), true
	}
	return "", false
}

func isEmpty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return strings.TrimSpace(v) == ""
	case bool:
		return !v
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}
