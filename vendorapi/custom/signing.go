package custom

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/url"
	"strings"
)

// signing says how a request is signed.
type signing struct {
	hash func() hash.Hash
	// keyed: an HMAC with the key.
	keyed     bool
	key, over template
	// toText makes the signature's bytes a text, which escaped says is URL-encoded.
	toText  func([]byte) string
	escaped bool
	// Where the signature goes: one of them.
	header, form, query string
	json                pointer
}

// algorithms are by the names that a file has for them.
func algorithms() map[string]func() hash.Hash {
	return map[string]func() hash.Hash{"md5": md5.New, "sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}
}

const hmacPrefix = "hmac-"

// byteEncodings are how a signature's bytes become text, by the names that a file has
// for them.
func byteEncodings() map[string]func([]byte) string {
	return map[string]func([]byte) string{
		"hex":       hex.EncodeToString,
		"hex_upper": func(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) },
		"base64":    base64.StdEncoding.EncodeToString,
		"base64url": base64.URLEncoding.EncodeToString,
	}
}

// urlEncoding changes that text once more: %2B for +, in upper-case hex.
const urlEncoding = "url"

// inBody: the signature stands in the body, so that it cannot cover it.
func (s *signing) inBody() bool { return s.form != "" || s.json.given() }

// sign is the signature as it is sent, and what it is made of: what a vendor might
// echo, and nobody should see.
func (s *signing) sign(v values) (sent string, seen []string) {
	sum := s.hash()
	if s.keyed {
		sum = hmac.New(s.hash, []byte(s.key.text(v)))
	}
	sum.Write(s.over.expand(nil, v, plain)) // a hash never fails
	text := s.toText(sum.Sum(nil))
	if !s.escaped {
		return text, []string{text}
	}
	sent = url.QueryEscape(text)
	return sent, []string{sent, text}
}
