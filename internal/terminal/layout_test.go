package terminal

import (
	"bytes"
	"strings"
	"testing"
)

func TestWrapAndClip(t *testing.T) {
	t.Parallel()
	if got := strings.Join(Wrap("one two three", 7), "|"); got != "one two|three" {
		t.Errorf("wrap at spaces: %s", got)
	}
	for text, want := range map[string]string{
		`{"a":"one","bcd":"two"}`: `{"a":"one",|"bcd":"two"}`,
		`all1 1,234,567`:          `all1|1,234,567`,
		`"note":"a b c d e"`:      `"note":"a b c|d e"`,
		"1234567890123 45":        "1234567890123|45", // the line is exactly full
		"12345678901234":          "1234567890123|4",
	} {
		if got := strings.Join(Wrap(text, 13), "|"); got != want {
			t.Errorf("wrap of %s: %s, want %s", text, got, want)
		}
	}
	if got := strings.Join(Wrap("会员账号已冻结", 5), "|"); got != "会员|账号|已冻|结" {
		t.Errorf("wrap of wide characters: %s", got)
	}
	if got := strings.Join(Wrap("", 5), "|"); got != "" {
		t.Errorf("wrap of nothing: %s", got)
	}
	if got := Clip("会员账号", 7); got != "会员账…" || Width(got) != 7 {
		t.Errorf("clip: %s", got)
	}
	if got := Clip("会员账号", 8); got != "会员账号" {
		t.Errorf("clip of what fits: %s", got)
	}
}

func TestTableFitsThePage(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	Table(&out, []Column{Right("ID"), Left("ORDER"), Left("SAID"), Whole("DAY"), Right("POINTS")},
		[][]string{{"1", strings.Repeat("o", 90), strings.Repeat("冻", 90), "2026-11-20", "1,234,567"}})
	narrow := make([]Column, 9)
	for i := range narrow {
		narrow[i] = Right(strings.Repeat("n", 10))
	}
	Table(&out, append([]Column{Whole("DAY")}, narrow...), [][]string{append([]string{"2026-11-21"}, make([]string, 9)...)})
	for line := range strings.Lines(strings.Split(out.String(), "DAY         nnnn")[0]) {
		if w := Width(strings.TrimSuffix(line, "\n")); w > PageWidth {
			t.Errorf("%d cells: %s", w, line)
		}
	}
	for _, want := range []string{"1,234,567", "2026-11-20", "2026-11-21", "o…", "冻…"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is missing in\n%s", want, out.String())
		}
	}
}
