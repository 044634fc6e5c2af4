package custom

import (
	"bytes"
	"fmt"
	"slices"

	"pointsledger/vendorapi"
	"pointsledger/vendorapi/wire"
)

// meaning is what an outcome of the file says. Those of calls that grant or take
// points are vendorapi's outcomes; a read is answered, or names nobody.
type meaning struct {
	outcome vendorapi.Outcome
	// reads: it is a word for reads alone; nobody: there is no such member.
	reads, nobody bool
}

// outcome is one entry of a call's outcomes.
type outcome struct {
	statuses []statuses
	// empty: the answer has no body. at: what must stand in the body, all of it.
	empty bool
	at    []condition
	means meaning
	// code and words are where the vendor's own words stand.
	code, words pointer
}

// statuses are HTTP statuses from least to most. A class (4xx) leaves out those
// that do not say whether a call was applied: they count only when they are named.
type statuses struct {
	least, most int
	class       bool
}

func (s statuses) has(status int) bool {
	if s.class && (status == 408 || status == 409 || status == 425) {
		return false
	}
	return status >= s.least && status <= s.most
}

// condition is a place of the body and the values that it may have.
type condition struct {
	at     pointer
	values []wanted
}

// wanted is a value that fits. A text fits a number with the same digits: vendors
// write one for the other.
type wanted struct {
	kind wantedKind
	text string
}

type wantedKind int

const (
	wantedText wantedKind = iota
	wantedNull
	wantedEmptyList
	wantedEmptyObject
	// wantedPresent fits whatever is not null and not an empty text.
	wantedPresent
)

func (w wanted) fits(value any) bool {
	text, plain := plainText(value)
	switch w.kind {
	case wantedNull:
		return value == nil
	case wantedEmptyList:
		list, is := value.([]any)
		return is && len(list) == 0
	case wantedEmptyObject:
		o, is := value.(*object)
		return is && len(o.fields) == 0
	case wantedPresent:
		return value != nil && (!plain || text != "")
	}
	return plain && text == w.text
}

// fits tells whether all conditions hold in a document.
func fits(all []condition, document any) bool {
	for _, c := range all {
		value, found := c.at.find(document)
		if !found || !slices.ContainsFunc(c.values, func(w wanted) bool { return w.fits(value) }) {
			return false
		}
	}
	return true
}

// answer is what came back, as far as it can be read.
type answer struct {
	wire.Answer
	document any
	// unread is why there is no document.
	unread error
}

func readAnswer(a wire.Answer) answer {
	if a.Err != nil {
		return answer{Answer: a, unread: a.Err}
	}
	document, err := parseDocument(a.Body)
	return answer{a, document, err}
}

// isEmpty tells of an answer that was read to its end and has no body.
func (a answer) isEmpty() bool { return a.Err == nil && len(bytes.TrimSpace(a.Body)) == 0 }

func (o *outcome) fits(a answer) bool {
	switch {
	case !slices.ContainsFunc(o.statuses, func(s statuses) bool { return s.has(a.Status) }):
		return false
	case o.empty && !a.isEmpty():
		return false
	case len(o.at) > 0 && a.unread != nil:
		return false
	}
	return fits(o.at, a.document)
}

// read says what an answer means: what the first outcome that fits it says, and
// unknown when none does.
func (c *call) read(a answer, sent *wire.Call) vendorapi.Reply {
	reply := a.Reply()
	if a.Status == 0 {
		reply.Err = fmt.Errorf("%s: %w", c.title(), a.Err)
		return reply
	}
	code, words := c.code, c.words
	at := slices.IndexFunc(c.outcomes, func(o outcome) bool { return o.fits(a) })
	if at >= 0 {
		o := &c.outcomes[at]
		reply.Outcome = o.means.outcome
		if o.code.given() {
			code = o.code
		}
		if o.words.given() {
			words = o.words
		}
		reply.Err = nil
		if o.means.nobody {
			reply.Err = vendorapi.ErrNoMember
		}
	}
	text, _ := code.text(a.document)
	reply.Code = sent.Words(text)
	if text, told := words.text(a.document); told {
		reply.Message = sent.Words(text)
	} else if reply.Outcome != vendorapi.Applied {
		reply.Message = sent.BodyWords(a.Body)
	}
	if reply.Outcome == vendorapi.Throttled {
		reply.RetryAfter = a.RetryAfter
	}
	switch {
	case at >= 0:
	case a.unread != nil && !a.isEmpty():
		reply.Err = fmt.Errorf("%s: no outcome fits status %d: %w", c.title(), a.Status, a.unread)
	default:
		reply.Err = fmt.Errorf("%s: no outcome fits status %d with this body", c.title(), a.Status)
	}
	return reply
}
