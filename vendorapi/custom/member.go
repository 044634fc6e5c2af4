package custom

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"pointsledger/vendorapi"
)

// memberCall asks whose a code is: one that was scanned at the till, or whatever else
// of a member the event carries as its code (a mobile number, say).
type memberCall struct {
	*call
	// id is where the member's id stands.
	id pointer
}

// readMember reads how a member is looked up.
func (r *reader) readMember(t vendorapi.Tree) *memberCall {
	known := slices.Concat(requestFields(), replyFields(), []string{"sign", "id"})
	if !r.names(t, "a mapping with request and id", known...) {
		return nil
	}
	made := &memberCall{call: r.readRequest(memberName, t, append(r.common(), nameCode)), id: r.needed(t.Get("id"))}
	made.outcomes = r.readOutcomesOrDefault(t.Get("outcomes"), memberMeanings())
	if !made.anyTemplate(func(x template) bool { return x.uses(nameCode) }) {
		r.problem(t.Get("request"), "{code} stands nowhere in it: it would name the same member for every code")
	}
	return made
}

// resolver implements vendorapi.Resolver.
type resolver struct{ c *client }

// maxIDBytes bounds a member's id.
const maxIDBytes = 128

// Resolve implements vendorapi.Resolver. An id that is null, empty or 0 is nobody's;
// where none stands, the answer is another one than the file describes.
func (r resolver) Resolve(ctx context.Context, code string) (string, vendorapi.Reply) {
	member := r.c.settings.member
	v := r.c.values()
	v.texts[nameCode] = code
	start := time.Now()
	a, _, reply := r.c.authorised(ctx, member.call, v)
	reply.Duration = time.Since(start)
	if reply.Outcome != vendorapi.Applied {
		return "", reply
	}
	if a.unread != nil {
		reply.Outcome, reply.Err = vendorapi.Unknown, fmt.Errorf("%s: %w", member.title(), a.unread)
		return "", reply
	}
	value, found := member.id.find(a.document)
	id, plain := plainText(value)
	_, truth := value.(bool)
	switch {
	case !found:
		reply.Outcome, reply.Err = vendorapi.Unknown, fmt.Errorf("%s: nothing at %s", member.title(), member.id.source)
		return "", reply
	case value == nil, plain && strings.Trim(id, "0 ") == "":
		reply.Outcome, reply.Err = vendorapi.Refused, fmt.Errorf("%s: %w at %s", member.title(), vendorapi.ErrNoMember, member.id.source)
		return "", reply
	case !plain, truth, len(id) > maxIDBytes, id != strings.TrimSpace(id), !isVisible(id):
		reply.Outcome, reply.Err = vendorapi.Unknown, fmt.Errorf("%s: what stands at %s is no member's id", member.title(), member.id.source)
		return "", reply
	}
	return id, reply
}

// isVisible tells of a text without control characters.
func isVisible(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}
