package zhimai

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"hash"
	"net/url"
	"strings"
	"sync"
)

// DefaultPayload is the text that is signed: the names in ASCII order. It is an
// assumption, because the vendor's signing guide is not among its public pages.
const DefaultPayload = "GrantCode={GrantCode}&Nonce={Nonce}&OpenId={OpenId}&Timestamp={Timestamp}"

// Signing says how the Token is made: base64 of the HMAC-SHA1 of the payload,
// keyed with the open key. That it is 20 bytes, base64 and URL-encoded is what
// the example on every Zhimai page shows; the payload is an assumption.
type Signing struct {
	// Payload is the template of the signed text, with the placeholders
	// {OpenId}, {GrantCode}, {Timestamp}, {Nonce} and {Action}. Empty is
	// DefaultPayload.
	Payload string
	// URLEncode sends "%2B" for "+" and so on, in upper-case hex. The pages'
	// example does, and so does DefaultSigning; the zero value does not.
	URLEncode bool
}

// DefaultSigning is what is shipped.
func DefaultSigning() Signing { return Signing{Payload: DefaultPayload, URLEncode: true} }

// payloadPart is a piece of a compiled template: text, or one field.
type payloadPart struct {
	text  string
	field string
}

func compilePayload(template string) ([]payloadPart, error) {
	if template == "" {
		template = DefaultPayload
	}
	var parts []payloadPart
	for rest := template; rest != ""; {
		open := strings.IndexAny(rest, "{}")
		if open < 0 {
			return append(parts, payloadPart{text: rest}), nil
		}
		end := strings.IndexByte(rest, '}')
		if rest[open] == '}' || end < 0 {
			return nil, fmt.Errorf("signing payload: unpaired brace in %q", template)
		}
		field := rest[open+1 : end]
		switch field {
		case "OpenId", "GrantCode", "Timestamp", "Nonce", "Action":
		default:
			return nil, fmt.Errorf("signing payload: unknown placeholder {%s}", field)
		}
		if open > 0 {
			parts = append(parts, payloadPart{text: rest[:open]})
		}
		parts = append(parts, payloadPart{field: field})
		rest = rest[end+1:]
	}
	return parts, nil
}

// signer makes tokens. It is safe for concurrent use.
type signer struct {
	parts     []payloadPart
	urlEncode bool
	// macs keeps keyed HMACs: keying one anew costs more than the signature.
	macs sync.Pool
}

func newSigner(key string, parts []payloadPart, urlEncode bool) *signer {
	s := &signer{parts: parts, urlEncode: urlEncode}
	s.macs.New = func() any { return hmac.New(sha1.New, []byte(key)) }
	return s
}

// token returns the Token as it is sent, and its base64 before URL-encoding.
func (s *signer) token(e envelope, action string) (sent, plain string) {
	var space [256]byte
	payload := space[:0]
	for _, p := range s.parts {
		switch p.field {
		case "OpenId":
			payload = append(payload, e.openID...)
		case "GrantCode":
			payload = append(payload, e.grantCode...)
		case "Timestamp":
			payload = append(payload, e.timestamp...)
		case "Nonce":
			payload = append(payload, e.nonce...)
		case "Action":
			payload = append(payload, action...)
		default:
			payload = append(payload, p.text...)
		}
	}
	mac := s.macs.Get().(hash.Hash)
	mac.Reset()
	mac.Write(payload) // a hash never fails
	plain = base64.StdEncoding.EncodeToString(mac.Sum(nil))
	s.macs.Put(mac)
	if s.urlEncode {
		return url.QueryEscape(plain), plain
	}
	return plain, plain
}
