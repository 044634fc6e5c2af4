package spelling

import "testing"

// What events make of it stands in the tests of package rules.
func TestSpellings(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"shop": "shop", "%E9%97%A8": "门", "%25E9%2597%25A8": "门", "100%": "100%", "a%2": "a%2", "（sh）": "(sh)"} {
		if got := SourceKey(text); got != want {
			t.Errorf("SourceKey(%q) = %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]int{"SO-1": 0, "单（1）": 0, "SO 1": 0, "SO-1 ": 4, "ＳO-1": 0, "SO\u200b1": 2} {
		at, what := LookAlike(text)
		if at != want || (what == "") != (text == "SO-1" || text == "单（1）" || text == "SO 1") {
			t.Errorf("LookAlike(%q) = %d, %q", text, at, what)
		}
	}
	if SourceSpellings("shop") != nil || len(SourceSpellings("门")) != 2 {
		t.Errorf("spellings %q and %q", SourceSpellings("shop"), SourceSpellings("门"))
	}
}
