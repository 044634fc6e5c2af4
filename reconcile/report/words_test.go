package report

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"pointsledger/ledger"
	"pointsledger/reconcile/match"
	"pointsledger/reconcile/runs"
)

// sameInBoth are words that Chinese has not.
var sameInBoth = []string{"BizID", "PageOf"}

// Every word is there in both languages, with the same verbs, and in Chinese it is Chinese.
func TestWordsAreWhole(t *testing.T) {
	t.Parallel()
	english, chinese := reflect.ValueOf(*wordsOf(English)), reflect.ValueOf(*wordsOf(Chinese))
	compare := func(name, en, zh string) {
		verbs := regexp.MustCompile(`%.|&[PN]`)
		switch {
		case en == "" || zh == "":
			t.Errorf("%s: %q and %q: one is not there", name, en, zh)
		case !slices.Equal(verbs.FindAllString(en, -1), verbs.FindAllString(zh, -1)):
			t.Errorf("%s: %q and %q have other verbs", name, en, zh)
		case en == zh, strings.IndexFunc(en, func(c rune) bool { return unicode.Is(unicode.Han, c) }) >= 0:
			t.Errorf("%s: %q and %q are one language", name, en, zh)
		case name != "Colon" && strings.IndexFunc(zh, func(c rune) bool { return unicode.Is(unicode.Han, c) }) < 0 && !slices.Contains(sameInBoth, name):
			t.Errorf("%s: %q is no Chinese", name, zh)
		}
	}
	for i := range english.NumField() {
		name, en, zh := english.Type().Field(i).Name, english.Field(i), chinese.Field(i)
		if en.Kind() == reflect.String {
			compare(name, en.String(), zh.String())
			continue
		}
		if en.Len() != zh.Len() {
			t.Errorf("%s: %d and %d words", name, en.Len(), zh.Len())
		}
		for _, key := range en.MapKeys() {
			compare(fmt.Sprintf("%s of %v", name, key), en.MapIndex(key).String(), zh.MapIndex(key).String())
		}
	}
	for name, said := range map[string][2][]string{
		"steps":   {keys(wordsOf(English).Steps), stepsOf(t)},
		"kinds":   {keys(wordsOf(English).Kinds), texts(append(match.Kinds(), match.InTransit)...)},
		"about":   {keys(wordsOf(English).KindsAbout), texts(append(match.Kinds(), match.InTransit)...)},
		"choices": {keys(wordsOf(English).Choices), texts(runs.Changed, runs.All, runs.Sample, runs.List)},
		"ages":    {keys(wordsOf(English).Ages), ages},
		"verbs":   {keys(wordsOf(English).Verbs), texts(ledger.PointsAdd, ledger.PointsDeduct, ledger.FreezePoint, ledger.UnfreezePoint, ledger.ConsumeFrozen)},
	} {
		slices.Sort(said[0])
		want := slices.Sorted(slices.Values(said[1]))
		if !slices.Equal(said[0], want) {
			t.Errorf("%s: words for %v, want %v", name, said[0], want)
		}
	}
}

// stepsOf are the steps that package match declares.
func stepsOf(t *testing.T) (steps []string) {
	t.Helper()
	source, err := os.ReadFile("../match/outcome.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`Step = "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
		steps = append(steps, found[1])
	}
	return steps
}

func keys[K ~string](m map[K]string) (all []string) {
	for key := range m {
		all = append(all, string(key))
	}
	return all
}

func texts[T ~string](list ...T) (all []string) {
	for _, x := range list {
		all = append(all, string(x))
	}
	return all
}

// The sheets of a workbook have names that it takes, each its own.
func TestSheetNames(t *testing.T) {
	t.Parallel()
	for _, lang := range Langs() {
		w, seen := wordsOf(lang), map[string]bool{}
		for _, name := range append([]string{w.Summary, w.Trial, w.Matched, w.Held, w.Owed, w.Days, w.Coverage, w.NotRead, w.Without}, values(w.Kinds)...) {
			if seen[name] || len([]rune(name)) > 25 || strings.ContainsAny(name, `:\/?*[]'`) {
				t.Errorf("%s: %q", lang, name)
			}
			seen[name] = true
		}
	}
}

func values(m map[match.Kind]string) (all []string) {
	for _, value := range m {
		all = append(all, value)
	}
	return all
}
