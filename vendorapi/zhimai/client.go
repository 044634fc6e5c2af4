package zhimai

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"pointsledger/vendorapi"
	"pointsledger/vendorapi/wire"
)

// The actions, as the pages name them.
const (
	actionPointsAdd     = "user.points-add"
	actionPointsRecords = "user.user-points-records"
	actionIdentity      = "communal.user.identity"
	actionMyCards       = "user.my-cards"
)

// maxNonce keeps nonces to 15 digits: exact in every JSON reader, and so many
// that two calls of one second practically never share one.
const maxNonce = 999_999_999_999_999

// Client calls one Zhimai account. It is safe for concurrent use.
type Client struct {
	caller    *wire.Caller
	url       *url.URL
	openID    string
	grantCode string
	signer    *signer
	codes     map[string]vendorapi.Outcome
	secrets   wire.Secrets
	// header is shared by all requests; the transport only reads it.
	header http.Header
	// now and nonce are fields so that the tests can send golden requests.
	now   func() time.Time
	nonce func() int64
}

// New makes a Client, or says everything that is wrong with cfg.
func New(cfg Config) (*Client, error) {
	parts, err := cfg.check()
	if err != nil {
		return nil, err
	}
	return &Client{
		caller:    parts.caller,
		url:       parts.url,
		openID:    cfg.OpenID,
		grantCode: cfg.GrantCode,
		signer:    newSigner(cfg.OpenKey, parts.payload, cfg.Signing.URLEncode),
		codes:     parts.codes,
		secrets:   wire.NewSecrets(cfg.OpenKey, cfg.GrantCode, cfg.OpenID),
		header:    requestHeader(),
		now:       time.Now,
		nonce:     func() int64 { return 1 + rand.Int64N(maxNonce) },
	}, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.caller.Close() }

// call signs and sends one action. data is the reply's data, as it came; it is
// for the reads, and only when the outcome is Applied.
func (c *Client) call(ctx context.Context, action string, params []param, private ...string) (data []byte, reply vendorapi.Reply) {
	e := envelope{
		openID:    c.openID,
		grantCode: c.grantCode,
		timestamp: strconv.FormatInt(c.now().Unix(), 10),
		nonce:     strconv.FormatInt(c.nonce(), 10),
	}
	var plain string
	e.token, plain = c.signer.token(e, action)
	call := wire.Call{
		URL:        c.url,
		Header:     c.header,
		Body:       appendRequest(make([]byte, 0, 512), e, action, params),
		Secrets:    c.secrets,
		OwnSecrets: append(private, e.token, plain),
	}
	return c.read(c.caller.Post(ctx, call), &call)
}

func requestHeader() http.Header {
	return http.Header{
		"Content-Type": {"application/json"},
		"Accept":       {"application/json"},
		"User-Agent":   {"points-ledger"},
	}
}

// unsendable is the reply to a request that must not be sent at all.
func unsendable(action string, why error) vendorapi.Reply {
	return vendorapi.Reply{
		Outcome: vendorapi.NotSent,
		Err:     fmt.Errorf("%s: %w: %w", action, vendorapi.ErrUnsendable, why),
	}
}
