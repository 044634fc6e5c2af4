package privacy

import (
	"testing"
)

func TestMaskMobiles(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"13812345678":            "138****5678",
		"手机13812345678,再试":       "手机138****5678,再试",
		"+8613812345678":         "+86138****5678",
		"19912345678 1380000111": "199****5678 1380000111", // ten digits are none
		"12812345678":            "12812345678",            // no such prefix
		"138123456789":           "138123456789",           // twelve digits are an id
		"383933091455959041":     "383933091455959041",
		"8712812345678":          "8712812345678",
		"":                       "",
	} {
		if got := Mobiles(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := Hide("13812345678/2026", "13812345678", ""); got != "138****5678/2026" {
		t.Errorf("hide: %q", got)
	}
}
