package vendorapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestWords(t *testing.T) {
	t.Parallel()
	secrets := NewSecrets("abcd", "abcdefgh", "", "xyz", "签名密钥")
	tests := []struct{ name, in, want string }{
		{"empty", "", ""},
		{"plain", "积分不足 <b>&", "积分不足 <b>&"},
		{"NUL and controls", "a\x00b\r\nc\x1b[31m\u0085d", "a b  c [31m d"},
		{"not UTF-8", "a\xffb", "a\uFFFDb"},
		{"secrets", "key abcdefgh, part abcd, 签名密钥", "key ***, part ***, ***"},
		{"too short to be a secret", "xyz", "xyz"},
		{"at the limit", strings.Repeat("x", MaxWords), strings.Repeat("x", MaxWords)},
		{"above the limit", strings.Repeat("x", MaxWords+1), strings.Repeat("x", MaxWords)},
		{"cut between characters", strings.Repeat("积", 200), strings.Repeat("积", MaxWords/3)},
		{"secret across the cut", strings.Repeat("x", MaxWords-2) + "abcdefgh", strings.Repeat("x", MaxWords-2) + "**"},
	}
	for _, test := range tests {
		if got := secrets.Words(test.in); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add("plain")
	f.Add(strings.Repeat("积\x00\xff", 300))
	f.Fuzz(func(t *testing.T, in string) {
		got := NewSecrets("secret!").Words(in)
		if len(got) > MaxWords || !utf8.ValidString(got) || strings.ContainsAny(got, "\x00\n\x1b") || strings.Contains(got, "secret!") {
			t.Fatalf("Words(%q) = %q", in, got)
		}
	})
}

func TestSecretsWith(t *testing.T) {
	t.Parallel()
	base := NewSecrets("base-secret")
	more := base.With("a-much-longer-secret", "base-secret", "abc")
	if len(base) != 1 || len(more) != 2 || more[0] != "a-much-longer-secret" {
		t.Fatalf("base %d, more %d, first %q", len(base), len(more), more[0])
	}
}

func TestCleanErrorUnwraps(t *testing.T) {
	t.Parallel()
	err := NewSecrets("key-12345").clean("read reply", errors.Join(errors.New("bad key-12345\n"), io.ErrUnexpectedEOF))
	if !errors.Is(err, io.ErrUnexpectedEOF) || err.Error() != "read reply: bad ***  unexpected EOF" {
		t.Fatalf("%q", err)
	}
}

func TestParseRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	in := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for text, want := range map[string]time.Duration{
		"":                         0,
		"soon":                     0,
		"1.5":                      0,
		"0":                        0,
		"-5":                       0,
		"-99999999999999999999":    0,
		"1":                        time.Second,
		" 30 ":                     30 * time.Second,
		"600":                      MaxRetryAfter,
		"601":                      MaxRetryAfter,
		"9223372036854775807":      MaxRetryAfter,
		"99999999999999999999":     MaxRetryAfter,
		in(90 * time.Second):       90 * time.Second,
		in(-time.Second):           0,
		in(24 * time.Hour):         MaxRetryAfter,
		"Fri, 32 Nov 2026 12:00 X": 0,
	} {
		if got := ParseRetryAfter(text, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestAppendJSONStringLeavesHTMLAlone(t *testing.T) {
	t.Parallel()
	if got := string(AppendJSONString([]byte("x:"), "a<b>&\"\\\n\t\x01积分")); got != `x:"a<b>&\"\\\n\t\u0001积分"` {
		t.Fatal(got)
	}
}

// The standard encoder is the oracle: with HTML escaping off it differs only in
// U+2028 and U+2029, which it escapes, and in two control characters.
func FuzzAppendJSONString(f *testing.F) {
	for _, seed := range []string{"", "积分 <&>", "\xff\xfe", "a\x00\x1f\x7f", `"\`, "\u2028", "😀", "\xe7\xa7"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := AppendJSONString(nil, s)
		var back, want string
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		var buffer bytes.Buffer
		if err := json.NewEncoder(&buffer).Encode(s); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(buffer.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		if back != want {
			t.Fatalf("%q reads back as %q, want %q", s, back, want)
		}
	})
}
