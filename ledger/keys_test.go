package ledger

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// The expected values were computed with Python's hashlib and base64.
func TestKeysHaveNotChanged(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		leg       string
		parts     []string
		id        BizID
		reference string
	}{
		{"pa", []string{"zhimai", "shop-sh", "order.paid", "SO-1"}, "pajwgi7fm3svrndg2zioa45cgmpi", "HZWYJ1K057VY5"},
		{"fz", []string{"kylin", "shop-sh", "order.paid", "SO-1"}, "fzuqfgomyu45nawe5eyudyhijym5", "HQK740TNY8032"},
		{"pa", []string{"zhimai", "aupres", "member.checked_in", "383933091455959041", "2026-11-20"}, "paiexqr4vhyhq7tcptdi7mzr4b62", "043G2SV7WQWBS"},
		{"pa", []string{"zhimai", "shop-sh", "review.posted", "评价😀7"}, "pa5qmwns2lyrgtogc5pk3eivbkzk", "5M4KH08C5CS9E"},
		{"pa", nil, "pah33fklzqnf7qo24dyvyr226xli", "YP007KK6387FG"},
		{"pa", []string{"ab", "c"}, "padc3pkkvi6hkflndi37zer5oqlu", "PA29T5K45HCBS"},
		{"pa", []string{"a", "bc"}, "paqybobvcgumoqxd4nmzsjwuz2sh", "DN3QX4QKZSMGC"},
		{"pa", []string{"", strings.Repeat("x", 600)}, "paajgwx7duzp3swqq6y5jcvyl2fj", "TAKPQBX8ZBCFS"},
	} {
		id := NewBizID(tc.leg, tc.parts...)
		if id != tc.id {
			t.Errorf("NewBizID(%q, %q) = %s, want %s", tc.leg, tc.parts, id, tc.id)
		}
		if got := ReferenceOf(id); got != tc.reference {
			t.Errorf("ReferenceOf(%s) = %s, want %s", id, got, tc.reference)
		}
	}
}

func TestBizIDHasOneForm(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[a-z0-9]{28}$`)
	ids, inputs := map[BizID]bool{}, map[[2]string]bool{}
	for range 2000 {
		input := [2]string{randomText(), randomText()} // now and then the same one
		id := NewBizID("pa", input[:]...)
		if !form.MatchString(string(id)) {
			t.Fatalf("id %q has another form", id)
		}
		ids[id], inputs[input] = true, true
	}
	if len(ids) != len(inputs) {
		t.Errorf("%d different keys gave %d ids", len(inputs), len(ids))
	}
}

func randomText() string {
	text := make([]rune, rand.IntN(20))
	for i := range text {
		text[i] = rune(1 + rand.IntN(0x9fff))
	}
	return string(text)
}

func TestReferenceNoticesEverySingleWrongCharacter(t *testing.T) {
	t.Parallel()
	for range 50 {
		reference := ReferenceOf(NewBizID("pa", randomText()))
		if !ValidReference(reference) {
			t.Fatalf("reference %s is not valid", reference)
		}
		for at := range len(reference) {
			for _, c := range []byte(Crockford) {
				wrong := []byte(reference)
				wrong[at] = c
				if c != reference[at] && ValidReference(string(wrong)) {
					t.Fatalf("%s is valid, and so is %s", reference, wrong)
				}
			}
		}
	}
}

// Two neighbours in the wrong order are noticed, except 0 beside Z: Luhn's one
// blind spot.
func TestReferenceNoticesSwappedNeighbours(t *testing.T) {
	t.Parallel()
	for range 200 {
		reference := ReferenceOf(NewBizID("pa", randomText()))
		for at := range len(reference) - 1 {
			a, b := reference[at], reference[at+1]
			if a == b || (a == '0' && b == 'Z') || (a == 'Z' && b == '0') {
				continue
			}
			wrong := reference[:at] + string(b) + string(a) + reference[at+2:]
			if ValidReference(wrong) {
				t.Fatalf("%s is valid, and so is %s", reference, wrong)
			}
		}
	}
}

func TestReferenceAsTyped(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		typed, want string
	}{
		{"HZWYJ1K057VY5", "HZWYJ1K057VY5"},
		{"hzwyj1k057vy5", "HZWYJ1K057VY5"},
		{"hzwyjlko57vy5", "HZWYJ1K057VY5"},
		{"HZWYJIKO57VY5", "HZWYJ1K057VY5"},
		{"HZWYJ1K057VY", ""},
		{"HZWYJ1K057VY55", ""},
		{"HZWYJ1K057VY6", ""},
		{"HZWYJ1K0U7VY5", ""},
		{"HZWYJ1K0-7VY5", ""},
		{"", ""},
	} {
		got, ok := CanonicalReference(tc.typed)
		if got != tc.want || ok != (tc.want != "") {
			t.Errorf("CanonicalReference(%q) = %q, %v, want %q", tc.typed, got, ok, tc.want)
		}
		if ValidReference(tc.typed) != ok {
			t.Errorf("ValidReference(%q) = %v", tc.typed, !ok)
		}
	}
}

func BenchmarkNewBizID(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		ReferenceOf(NewBizID("pa", "zhimai", "shop-sh", "order.paid", "SO-1"))
	}
}
