package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pointsledger/vendorapi"
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

// A secret at each position around the border, alone, after others that shrink
// to their masks, overlapping another, and at the very end: none of its parts of
// four bytes is left.
func TestWordsAtTheBorder(t *testing.T) {
	t.Parallel()
	const long, overlapping = "Q7w!Zk93-LpX2mVb8#Tc", "2mVb8#Tc0RfY"
	secrets := NewSecrets(long, overlapping)
	for name, secret := range map[string]string{"one": long, "overlapping": long + "0RfY", "two": long + long} {
		for _, masked := range []int{0, 1, 40} { // before it
			border := MaxWords - 3*masked
			for position := border - 2*len(long); position < border+2*len(long); position++ {
				for _, after := range []string{"", strings.Repeat("y", 3*MaxWords)} {
					in := strings.Repeat(long, masked) + strings.Repeat("x", position) + secret + after
					got := secrets.Words(in)
					if again := secrets.BodyWords([]byte(in)); again != got {
						t.Fatalf("Words %q, BodyWords %q", got, again)
					}
					mustHidePartsOf(t, got, long+"0RfY")
					if len(got) > MaxWords || after == "" && len(got) != min(MaxWords, 3*masked+position+3*(1+len(secret)/(2*len(long)))) {
						t.Fatalf("%s, %d masked, at %d: %d bytes: %q", name, masked, position, len(got), got)
					}
				}
			}
		}
	}
}

func mustHidePartsOf(t *testing.T, got, secret string) {
	t.Helper()
	for i := range len(secret) - 3 {
		if strings.Contains(got, secret[i:i+4]) {
			t.Fatalf("%q shows %q of the secret", got, secret[i:i+4])
		}
	}
}

// What a text costs does not grow with it. Not parallel: it counts what the
// whole program allocates.
func TestWordsAllocation(t *testing.T) {
	secrets := NewSecrets("a-secret-key", "积分密钥", "aaaa")
	for name, text := range map[string]string{
		"text": strings.Repeat("积分 ", 150_000), "secrets": strings.Repeat("a-secret-key", 80_000), "one long run": strings.Repeat("a", 1<<20),
		"not UTF-8": strings.Repeat("\xff", 1<<20), "controls": strings.Repeat("\x00", 1<<20), "secret at the end": strings.Repeat("x", 1<<20) + "a-secret-key",
	} {
		body := []byte(text)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 4 {
			secrets.Words(text)
			secrets.BodyWords(body)
		}
		runtime.ReadMemStats(&after)
		if each := (after.TotalAlloc - before.TotalAlloc) / 8; each > 8*MaxWords {
			t.Errorf("%s: %d bytes for a text of %d", name, each, len(text))
		}
	}
}

// The words of a whole text, masked before it is cut, are the oracle, where no
// two secrets overlap.
func FuzzWords(f *testing.F) {
	f.Add("plain")
	f.Add(strings.Repeat("积\x00\xff", 300))
	f.Add(strings.Repeat("secret!", 200))
	f.Add(strings.Repeat("x", 497) + "secret!")
	f.Add("\xe7secret!\xff\xffa")
	f.Fuzz(func(t *testing.T, in string) {
		secrets := NewSecrets("secret!")
		got := secrets.Words(in)
		if len(got) > MaxWords || !utf8.ValidString(got) || strings.ContainsAny(got, "\x00\n\x1b") || strings.Contains(got, "secret!") {
			t.Fatalf("Words(%q) = %q", in, got)
		}
		whole := strings.Map(func(r rune) rune {
			if r < ' ' || r >= 0x7f && r < 0xa0 {
				return ' '
			}
			return r
		}, strings.ToValidUTF8(strings.ReplaceAll(in, "secret!", vendorapi.Mask), "\uFFFD"))
		end := min(len(whole), MaxWords)
		for end < len(whole) && !utf8.RuneStart(whole[end]) {
			end--
		}
		if want := strings.TrimSpace(whole[:end]); got != want {
			t.Fatalf("Words(%q) = %q, masked and then cut it is %q", in, got, want)
		}
		// A secret that is no UTF-8 may begin within what looks like a character.
		odd := NewSecrets("\x80\xa0key")
		if got := odd.Words(in + "\xe7\x80\xa0key" + in); strings.Contains(got, "key") && !strings.Contains(in, "key") {
			t.Fatalf("%q shows a secret", got)
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

// What a call leaves out to be quick must not show: its words are those of all
// its secrets together.
func FuzzCallWords(f *testing.F) {
	for _, seed := range []string{"", "0", "success", " ok ", "操作成功", "a\x00b", "\xff", "base-secret", "own-secret!", "base-secret-own", "se", "own-secret", "base-secretown-secret!"} {
		f.Add(seed, uint16(0))
		f.Add(seed, uint16(MaxWords-len(seed)))
		f.Add(seed, uint16(MaxWords-len(seed)+1))
	}
	call := Call{Secrets: NewSecrets("base-secret"), OwnSecrets: []string{"", "se", "own-secret!", "secret-own"}}
	all := NewSecrets(append([]string{"base-secret"}, call.OwnSecrets...)...)
	f.Fuzz(func(t *testing.T, text string, before uint16) {
		text = strings.Repeat("x", int(before)) + text
		want := words(all, text)
		if got := call.Words(text); got != want {
			t.Errorf("Words(%q) = %q, want %q", text, got, want)
		}
		if got := call.BodyWords([]byte(text)); got != want {
			t.Errorf("BodyWords(%q) = %q, want %q", text, got, want)
		}
		if got := Secrets(nil).Words(text); got != words(Secrets(nil), text) {
			t.Errorf("without secrets: Words(%q) = %q", text, got)
		}
	})
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
