package kylin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"pointsledger/vendorapi"
	"pointsledger/vendorapi/wire"
)

const (
	freezePath = "/openapi/v2/member/freezePoint"
	// channelType is fixed, and idempotentMode 1 is the default, by the page.
	channelType    = "WECHAT"
	idempotentMode = "1"
	// MaxDescription is the page's limit, in characters.
	MaxDescription = 255
	// maxPoint is the largest whole number that every double up to it is exact.
	maxPoint = 1 << 53
)

// Client calls one Kylin account. It is safe for concurrent use.
type Client struct {
	caller       *wire.Caller
	url          *url.URL
	header       http.Header
	secrets      wire.Secrets
	shape        shape
	appliedCodes []string
	statuses     map[int]vendorapi.Outcome
}

// New makes a Client, or says everything that is wrong with cfg.
func New(cfg Config) (*Client, error) {
	cfg = cfg.withDefaults()
	base, urlErr := vendorapi.ParseURL(cfg.URL)
	header, headerErr := cfg.header()
	caller, callerErr := wire.NewCaller(cfg.HTTP)
	var errs []error
	for _, err := range []error{urlErr, headerErr, callerErr} {
		if err != nil {
			errs = append(errs, fmt.Errorf("kylin: %w", err))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	var values []string
	for _, value := range cfg.Headers {
		// "Bearer abc" may come back as "abc" alone.
		values = append(append(values, value), strings.Fields(value)...)
	}
	return &Client{
		caller:       caller,
		url:          freezeURL(base),
		header:       header,
		secrets:      wire.NewSecrets(values...),
		shape:        shapeOf(cfg),
		appliedCodes: slices.Clone(cfg.AppliedCodes),
		statuses:     maps.Clone(cfg.Statuses),
	}, nil
}

// freezeURL appends the path of the call to the configured base.
func freezeURL(base *url.URL) *url.URL {
	rooted := *base
	if rooted.Path == "" {
		rooted.Path = "/" // JoinPath would keep an empty path relative
	}
	return rooted.JoinPath(freezePath)
}

// Close closes idle connections.
func (c *Client) Close() { c.caller.Close() }

// Freeze is one freezePoint. Nothing of it is changed on the way: what the page
// does not allow is refused instead of cut.
type Freeze struct {
	// Token is the idempotency key (X-Business-Token): one per request, the
	// same one when the request is sent again. Not a secret.
	Token    string
	MemberID string
	// Description says the kind of event and the event; at most MaxDescription
	// characters.
	Description string
	// ShopCode is left out when empty.
	ShopCode string
	// Point is the points to freeze, 1 or more.
	Point int64
}

func (f Freeze) check() error {
	switch {
	case !wire.IsFieldValue(f.Token):
		return errors.New("token: empty, or characters that a header cannot hold")
	case f.MemberID == "":
		return errors.New("member id is required")
	case f.Description == "" || utf8.RuneCountInString(f.Description) > MaxDescription:
		return fmt.Errorf("description: want 1 to %d characters", MaxDescription)
	case f.Point < 1 || f.Point > maxPoint:
		return errors.New("point: want 1 to 2^53")
	}
	return nil
}

// FreezePoint freezes points. A Freeze that must not be sent is NotSent with
// vendorapi.ErrUnsendable.
func (c *Client) FreezePoint(ctx context.Context, f Freeze) vendorapi.Reply {
	if err := f.check(); err != nil {
		return vendorapi.Reply{Outcome: vendorapi.NotSent, Err: fmt.Errorf("freeze point: %w: %w", vendorapi.ErrUnsendable, err)}
	}
	header := maps.Clone(c.header)
	header[tokenHeader] = []string{f.Token}
	answer := c.caller.Post(ctx, wire.Call{
		URL:     c.url,
		Header:  header,
		Body:    f.appendBody(make([]byte, 0, 512), c.shape),
		Secrets: c.secrets,
	})
	reply := c.read(answer)
	if outcome, configured := c.statuses[reply.HTTPStatus]; configured {
		reply.Outcome = outcome
	}
	return reply
}

// appendBody writes the body in the order of the page's example. The points are
// a double there; they are written from the integer, as 5.0, never computed.
func (f Freeze) appendBody(dst []byte, s shape) []byte {
	dst = append(dst, `{"memberId":`...)
	dst = wire.AppendJSONString(dst, f.MemberID)
	dst = append(dst, `,"description":`...)
	dst = wire.AppendJSONString(dst, f.Description)
	dst = append(dst, `,"channelType":`...)
	dst = wire.AppendJSONString(dst, s.ChannelType)
	dst = append(dst, `,"memberType":`...)
	dst = wire.AppendJSONString(dst, s.MemberType)
	if f.ShopCode != "" {
		dst = append(dst, `,"shopCode":`...)
		dst = wire.AppendJSONString(dst, f.ShopCode)
	}
	dst = append(dst, `,"pointBizType":`...)
	dst = wire.AppendJSONString(dst, s.PointBizType)
	dst = append(dst, `,"idempotentMode":`+s.IdempotentMode+`,"point":`...)
	dst = strconv.AppendInt(dst, f.Point, 10)
	return append(dst, `.0}`...)
}

// read says what an answer means. On this page the status is the answer, as far
// as the answer can be Kylin's (checkBody). Words are kept for what a person may
// have to look at.
func (c *Client) read(a wire.Answer) vendorapi.Reply {
	reply := a.Reply()
	if a.Status == 0 {
		return reply
	}
	reply.Outcome = statusOutcome(a.Status)
	if reply.Outcome == vendorapi.Applied {
		if a.Status == http.StatusNoContent {
			reply.Err = nil
			return reply
		}
		code, err := c.checkBody(a)
		if err == nil {
			return reply
		}
		reply.Outcome, reply.Code = vendorapi.Unknown, c.secrets.Words(code)
		reply.Err = fmt.Errorf("status %d is not believed: %w", a.Status, err)
	}
	// Not only with 429: an account may be configured to take a 503 as throttled.
	reply.RetryAfter = a.RetryAfter
	reply.Message = c.secrets.BodyWords(a.Body)
	return reply
}

// statusOutcome is the page's table of answers. Where it is silent we decide: 429
// is throttled, 408 unknown, any other 4xx a refusal; and the rest is unknown.
func statusOutcome(status int) vendorapi.Outcome {
	switch status {
	case http.StatusOK, http.StatusCreated, http.StatusNoContent:
		return vendorapi.Applied
	case http.StatusUnauthorized, http.StatusForbidden:
		return vendorapi.Unauthorised
	case http.StatusTooManyRequests:
		return vendorapi.Throttled
	case http.StatusRequestTimeout:
		return vendorapi.Unknown
	}
	if status >= 400 && status <= 499 {
		return vendorapi.Refused
	}
	return vendorapi.Unknown
}
