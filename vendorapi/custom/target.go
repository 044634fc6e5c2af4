package custom

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// target is the first line of a request: its method, path and query. The literal
// parts stand as they are sent; values are escaped.
type target struct {
	method      string
	path, query template
}

func methods() []string {
	return []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
}

// urlMarks may stand in a path or query as they are, besides letters and digits.
const urlMarks = "-._~!$&'()*+,;=:@/?%"

// parseTarget reads "POST /points/increase?access_token={token}".
func parseTarget(text string) (target, error) {
	method, rest, _ := strings.Cut(text, " ")
	if !slices.Contains(methods(), method) {
		return target{}, fmt.Errorf("want a method and a path such as POST /points/add?key={secret.key}, the method one of %s", strings.Join(methods(), " "))
	}
	path, query, _ := strings.Cut(rest, "?")
	if !strings.HasPrefix(path, "/") {
		return target{}, fmt.Errorf("want a path that begins with / after %s", method)
	}
	t := target{method: method}
	var err error
	if t.path, err = parseTemplate(path); err != nil {
		return target{}, err
	}
	if t.query, err = parseTemplate(query); err != nil {
		return target{}, err
	}
	for _, p := range slices.Concat(t.path, t.query) {
		for i := range len(p.text) {
			b := p.text[i]
			letter := b|0x20 >= 'a' && b|0x20 <= 'z' || b >= '0' && b <= '9'
			if !letter && strings.IndexByte(urlMarks, b) < 0 {
				return target{}, fmt.Errorf("%q cannot stand in a URL as it is; write it as %s", b, escapeURL(nil, string(b)))
			}
		}
		if _, err := url.PathUnescape(p.text); err != nil {
			return target{}, errors.New("want two hex digits after each %")
		}
	}
	return t, nil
}

// title names the request in errors and reports: method and path as they stand in
// the file, without query and values.
func (t target) title() string { return t.method + " " + t.path.source() }

// escapeURL escapes all but the characters that mean nothing in any part of a URL
// (RFC 3986, 2.3).
func escapeURL(dst []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		b := s[i]
		if b|0x20 >= 'a' && b|0x20 <= 'z' || b >= '0' && b <= '9' || strings.IndexByte("-._~", b) >= 0 {
			dst = append(dst, b)
			continue
		}
		dst = append(dst, '%', hex[b>>4], hex[b&15])
	}
	return dst
}

// escapeForm is escapeURL as forms have it, with + for a space.
func escapeForm(dst []byte, s string) []byte {
	for i, word := range strings.Split(s, " ") {
		if i > 0 {
			dst = append(dst, '+')
		}
		dst = escapeURL(dst, word)
	}
	return dst
}

// address is the URL of a request below base. A value that would change which path
// it is, is an error.
func (t target) address(base *url.URL, v values) (*url.URL, error) {
	path := strings.TrimRight(base.EscapedPath(), "/") + string(t.path.expand(nil, v, escapeURL))
	for _, p := range t.path {
		if p.name != "" && v.texts[p.name] == "" {
			return nil, fmt.Errorf("{%s} in the path is empty", p.name)
		}
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return nil, errors.New("a value in the path is a dot, which would make it another path")
		}
	}
	u := *base
	var err error
	if u.Path, err = url.PathUnescape(path); err != nil {
		return nil, errors.New("the path cannot be read") // not with its text: values stand in it
	}
	u.RawPath = path
	u.RawQuery = string(t.query.expand(nil, v, escapeURL))
	return &u, nil
}
