package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"pointsledger/ledger"
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
		if got := maskMobiles(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := hide("13812345678/2026", "13812345678", ""); got != "138****5678/2026" {
		t.Errorf("hide: %q", got)
	}
}

func TestWrapAndClip(t *testing.T) {
	t.Parallel()
	if got := strings.Join(wrap("one two three", 7), "|"); got != "one two|three" {
		t.Errorf("wrap at spaces: %s", got)
	}
	for text, want := range map[string]string{
		`{"a":"one","bcd":"two"}`: `{"a":"one",|"bcd":"two"}`,
		`all1 1,234,567`:          `all1|1,234,567`,
		`"note":"a b c d e"`:      `"note":"a b c|d e"`,
		"1234567890123 45":        "1234567890123|45", // the line is exactly full
		"12345678901234":          "1234567890123|4",
	} {
		if got := strings.Join(wrap(text, 13), "|"); got != want {
			t.Errorf("wrap of %s: %s, want %s", text, got, want)
		}
	}
	if got := strings.Join(wrap("会员账号已冻结", 5), "|"); got != "会员|账号|已冻|结" {
		t.Errorf("wrap of wide characters: %s", got)
	}
	if got := strings.Join(wrap("", 5), "|"); got != "" {
		t.Errorf("wrap of nothing: %s", got)
	}
	if got := clip("会员账号", 7); got != "会员账…" || width(got) != 7 {
		t.Errorf("clip: %s", got)
	}
	if got := clip("会员账号", 8); got != "会员账号" {
		t.Errorf("clip of what fits: %s", got)
	}
}

func TestTableFitsThePage(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	printTable(&out, []column{{"ID", true}, {"ORDER", false}, {"SAID", false}, {"POINTS", true}},
		[][]string{{"1", strings.Repeat("o", 90), strings.Repeat("冻", 90), "1,234,567"}})
	for line := range strings.Lines(out.String()) {
		if w := width(strings.TrimSuffix(line, "\n")); w > pageWidth {
			t.Errorf("%d cells: %s", w, line)
		}
	}
	contains(t, out.String(), "1,234,567", "o…", "冻…")
}

func TestFilterArgsAndShell(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC)
	args := filterArgs(ledger.OpenFilter{Account: "zhimai", Cause: "refused", Member: "1", BusinessKey: "SO 1'$(rm)", BizID: "pa", EventType: "order.paid",
		InDoubt: true, Since: since, Until: since.Add(time.Hour)})
	want := `--account zhimai --cause refused --member 1 --order 'SO 1'\''$(rm)' --biz-id pa --type order.paid --in-doubt --since 2026-11-20T02:00:00Z --until 2026-11-20T03:00:00Z`
	if got := shell(args...); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestPointInTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 500, time.UTC)
	for text, want := range map[string]string{
		"24h": "2026-11-19T12:00:00Z", "90m": "2026-11-20T10:30:00Z", "7d": "2026-11-13T12:00:00Z", "0s": "2026-11-20T12:00:00Z",
		"2026-11-20T02:00:00+08:00": "2026-11-20T02:00:00+08:00",
	} {
		got, err := pointInTime("since", text, now)
		if err != nil || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: got %v %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"yesterday", "-1h", "-1d", "d", "1.5d", "99999999999d", "2026-11-20", "24"} {
		if got, err := pointInTime("since", text, now); err == nil {
			t.Errorf("%s is taken for %v", text, got)
		}
	}
}

func TestAge(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for d, want := range map[time.Duration]string{-time.Hour: "0s", 59 * time.Second: "59s", time.Minute: "1m", 59 * time.Minute: "59m",
		time.Hour: "1h00m", 25 * time.Hour: "1d01h", 100 * 24 * time.Hour: "100d00h"} {
		if got := age(now.Add(-d), now); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
}
