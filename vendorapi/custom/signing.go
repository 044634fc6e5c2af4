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
	encodings []string
	// Where the signature goes: one of them.
	header, form, query string
	json                pointer
}

// algorithms are by the names that a file has for them.
func algorithms() map[string]func() hash.Hash {
	return map[string]func() hash.Hash{"md5": md5.New, "sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}
}

const hmacPrefix = "hmac-"

// encodings are what may be done to a signature: first its bytes become text, then
// that may be changed.
var byteEncodings = map[string]func([]byte) string{
	"hex":       hex.EncodeToString,
	"hex_upper": func(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) },
	"base64":    base64.StdEncoding.EncodeToString,
	"base64url": base64.URLEncoding.EncodeToString,
}

// urlEncoding is the one that changes a text: %2B for +, in upper-case hex.
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
	for i, name := range s.encodings {
		if i == 0 {
			sent = byteEncodings[name](sum.Sum(nil))
		} else {
			sent = url.QueryEscape(sent)
		}
		seen = append(seen, sent)
	}
	return sent, seen
}
