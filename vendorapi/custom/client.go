package custom

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strconv"
	"time"

	"pointsledger/ledger"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/wire"
)

// maxNonce keeps nonces to 15 digits: exact in every JSON reader.
const maxNonce = 999_999_999_999_999

// client makes the points calls of one account. It is safe for concurrent use.
type client struct {
	settings Settings
	caller   *wire.Caller
	base     *url.URL
	secrets  wire.Secrets
	// texts are the secrets by the names that templates have for them.
	texts   map[string]string
	tokens  *tokens
	timeout time.Duration
	// calls are those of the shape in which the client sends, and shape its text.
	calls map[ledger.Kind]*call
	shape string
	// now and nonce are fields so that tests can send golden requests.
	now   func() time.Time
	nonce func() int64
}

// Open implements vendorapi.Settings.
func (s Settings) Open(address string, http vendorapi.HTTPConfig) (vendorapi.Sender, error) {
	c, err := s.open(address, http)
	if err != nil {
		return nil, err
	}
	return c.offering(), nil
}

func (s Settings) open(address string, http vendorapi.HTTPConfig) (*client, error) {
	base, err := vendorapi.ParseURL(address)
	if err != nil {
		return nil, fmt.Errorf("custom: %w", err)
	}
	caller, err := wire.NewCaller(http)
	if err != nil {
		return nil, fmt.Errorf("custom: %w", err)
	}
	c := &client{settings: s, caller: caller, base: base, texts: map[string]string{}, tokens: &tokens{}, timeout: http.Timeout,
		calls: s.calls, shape: s.shape, now: time.Now, nonce: func() int64 { return 1 + rand.Int64N(maxNonce) }}
	if c.timeout == 0 {
		c.timeout = defaultTimeout
	}
	for name, secret := range s.Values {
		text := secret.Reveal()
		c.texts[secretPrefix+name] = text
		c.secrets = c.secrets.With(spellings(text)...)
	}
	return c, nil
}

// spellings are a secret in the forms in which it is sent, and may be echoed.
func spellings(secret string) []string {
	inJSON := string(wire.AppendJSONString(nil, secret))
	return []string{secret, inJSON[1 : len(inJSON)-1], string(escapeURL(nil, secret)), string(escapeForm(nil, secret))}
}

// defaultTimeout is that of wire.
const defaultTimeout = 10 * time.Second

// Close implements vendorapi.Closer.
func (c *client) Close() { c.caller.Close() }

// Endpoint implements vendorapi.Endpointed, by address: which of the secrets is the
// vendor's id for us nobody says.
func (c *client) Endpoint() string { return vendorapi.EndpointName(c.base, "") }

// Send implements vendorapi.Sender: the call that the file has for the operation's
// kind.
func (c *client) Send(ctx context.Context, o *ledger.VendorCall) vendorapi.Reply {
	made, offered := c.calls[o.Kind]
	if !offered {
		return vendorapi.NotOffered(o.Kind, "this account")
	}
	if o.BizID == "" || o.MemberID == "" {
		return vendorapi.Reply{Outcome: vendorapi.NotSent, Err: fmt.Errorf("%s: %w: dedup key and member are required", made.title(), vendorapi.ErrUnsendable)}
	}
	v := c.values()
	addOperation(v, o)
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, c.timeout) // with the token's fetch: the row's lease counts on it
	defer cancel()
	_, _, reply := c.authorised(ctx, made, v)
	reply.Duration = time.Since(start)
	return reply
}

// values are those of any request at this moment, secrets included.
func (c *client) values() values {
	v := values{texts: make(map[string]string, len(c.texts)+16)}
	for name, text := range c.texts {
		v.texts[name] = text
	}
	c.atThisMoment(v)
	return v
}

// atThisMoment gives values what each request has anew.
func (c *client) atThisMoment(v values) {
	now := c.now()
	v.texts[nameTimestamp] = strconv.FormatInt(now.Unix(), 10)
	v.texts[nameTimestampMS] = strconv.FormatInt(now.UnixMilli(), 10)
	v.texts[nameTimestampText] = now.In(chinasTime).Format(time.DateTime)
	v.texts[nameNonce] = strconv.FormatInt(c.nonce(), 10)
}

// addOperation adds the fields of an operation.
func addOperation(v values, o *ledger.VendorCall) {
	v.texts["biz_id"], v.texts["points"] = string(o.BizID), strconv.FormatInt(int64(o.Points), 10)
	v.texts[nameMember], v.texts["reason"], v.texts["shop_code"] = o.MemberID, o.Reason, o.ShopCode
	v.texts[nameOrigin] = string(o.Origin)
	v.texts["source_type"], v.texts["points_channel"] = strconv.Itoa(o.SourceType), strconv.Itoa(o.PointsChannel)
}

// authorised makes a call with the account's token. A token that the vendor refuses is dropped and fetched once; what is refused with
// another one is the account's trouble, and the reply says so. Nothing is sent twice
// unseen: a call that was refused for its token was not applied.
func (c *client) authorised(ctx context.Context, made *call, v values) (answer, *wire.Call, vendorapi.Reply) {
	if !made.usesToken {
		return c.exchange(ctx, made, v)
	}
	token, reply, ok := c.tokens.get(ctx, c.now, c.fetchToken)
	if !ok {
		return answer{}, nil, reply
	}
	a, sent, reply := c.exchange(ctx, made, v.with(nameToken, token))
	if reply.Outcome != vendorapi.Unauthorised {
		return a, sent, reply
	}
	c.tokens.drop(token)
	another, _, ok := c.tokens.get(ctx, c.now, c.fetchToken)
	if !ok || another == token {
		return a, sent, reply
	}
	v = v.with(nameToken, another)
	c.atThisMoment(v)
	return c.exchange(ctx, made, v)
}

// exchange sends one request and reads what its answer means.
func (c *client) exchange(ctx context.Context, made *call, v values) (answer, *wire.Call, vendorapi.Reply) {
	r, err := made.build(c.base, v)
	if err != nil {
		return answer{}, nil, vendorapi.Reply{Outcome: vendorapi.NotSent, Err: fmt.Errorf("%s: %w: %w", made.title(), vendorapi.ErrUnsendable, err)}
	}
	sent := &wire.Call{Method: made.method, URL: r.url, Header: r.header, Body: r.body, Secrets: c.secrets,
		OwnSecrets: append(r.hidden, spellings(v.texts[nameToken])...)}
	a := readAnswer(c.caller.Do(ctx, *sent))
	return a, sent, made.read(a, sent)
}

// offering is the client with the ports that its account has.
func (c *client) offering() vendorapi.Sender {
	records, balance, member := c.settings.records != nil, c.settings.records != nil && c.settings.records.balance.given(), c.settings.member != nil
	switch {
	case balance && member:
		return struct {
			*client
			recordReader
			balanceReader
			resolver
		}{c, recordReader{c}, balanceReader{c}, resolver{c}}
	case balance:
		return struct {
			*client
			recordReader
			balanceReader
		}{c, recordReader{c}, balanceReader{c}}
	case records && member:
		return struct {
			*client
			recordReader
			resolver
		}{c, recordReader{c}, resolver{c}}
	case records:
		return struct {
			*client
			recordReader
		}{c, recordReader{c}}
	case member:
		return struct {
			*client
			resolver
		}{c, resolver{c}}
	}
	return c
}
