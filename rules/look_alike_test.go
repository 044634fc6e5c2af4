package rules

import (
	"strings"
	"testing"

	"pointsledger/ledger"
)

// Each of them looks like another text, and is refused by its character.
func TestLookAlikes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"LA-1 ":           `got "LA-1 " with U+0020, a space at the end, at character 5 of 5`,
		" LA-1":           "U+0020, a space at the beginning, at character 1",
		"LA  1":           "U+0020, one of several spaces in a row, at character 3",
		"LA-1\u200b":      `got "LA-1\u200b" with U+200B, which is invisible, at character 5`,
		"\ufeffLA-1":      "U+FEFF, which is invisible, at character 1",
		"L\u00adA":        "U+00AD, which is invisible",
		"LA\u202e1":       "U+202E, which is invisible",
		"LA\u2066-1":      "U+2066, which is invisible",
		"LA\u200d1":       "U+200D, which is invisible",
		"LA1\ufe0f":       "U+FE0F, which is invisible",
		"LA\U000e0041":    "U+E0041, which is invisible",
		"LA\u034f1":       "U+034F, which is invisible",
		"LA\u3164":        "U+3164, which is invisible",
		"LA\u2800":        "U+2800, which is invisible",
		"LA\u00a01":       "U+00A0, a space that is not the usual one",
		"LA\u30001":       "U+3000, a space that is not the usual one",
		"LA\u20091":       "U+2009, a space that is not the usual one",
		"LA\u20281":       "U+2028, a space that is not the usual one",
		"ＬＡ-1":            `U+FF2C, which looks like "L"`,
		"LA-１":            `U+FF11, a digit that is not one of 0 to 9`,
		"LA－1":            `U+FF0D, which looks like "-"`,
		"LA＿1":            `U+FF3F, which looks like "_"`,
		"ｱ-1":             `U+FF71, which looks like "ア"`,
		"LA-1²":           `U+00B2, which looks like "2"`,
		"Ⅰ-1":             `U+2160, which looks like "I"`,
		"𝐋A":              `U+1D40B, which looks like "L"`,
		"\u212a-1":        "U+212A, which has another form that looks the same",
		"\u2f00-1":        `U+2F00, which looks like "一"`,
		"\uf900-1":        "U+F900, which has another form that looks the same",
		"Cafe\u0301":      "U+0065, which has another form",
		"한국-\u1112\u1161": "has another form",
		"LA‑1":            "U+2011",
		"LA–1":            "U+2013, which looks like another character",
		"LA−1":            "U+2212, which looks like another character",
		"LA∕1":            "U+2215, which looks like another character",
		"订单…":             `U+2026, which looks like "..."`,
		"LА-1":            "U+0410, a letter of another alphabet among Latin ones, at character 2",
		"СО-1":            "U+0421, a letter of another alphabet that looks like a Latin one",
		"ΑΒ-1":            "U+0391, a letter of another alphabet that looks like a Latin one",
		"Ꮮ-1":             "a letter of a script that looks like Latin",
		"ꓡꓮ-1":            "a letter of a script that looks like Latin",
		"Տ-1":             "a letter of a script that looks like Latin",
		"LA-١":            "U+0661, a digit that is not one of 0 to 9",
		"LA-१":            "U+0967, a digit that is not one of 0 to 9",
		"LA\ue0001":       "U+E000, which has no character of its own",
		"LA\uffff":        "U+FFFF, which has no character of its own",
		"LA\ufffd":        "",
		"ıd":              "U+0131, which looks like another character",
	} {
		rejection := checkKeyText("data.orderId", text)
		switch {
		case want == "" && rejection != nil:
			t.Errorf("%+q: %v", text, rejection)
		case want == "":
		case rejection == nil || rejection.Code != ledger.BadType || !strings.HasPrefix(rejection.Reason, "data.orderId: ") || !strings.Contains(rejection.Reason, want):
			t.Errorf("%+q: got %v, want …%s…", text, rejection, want)
		}
	}
}

func TestNoLookAlikes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"LA-1", "SO 2026 1", "SH#2026112000019", "退货单#2026112000019", "订单2026-上海-001", "订单（上海）：1，2", "评价😀7", "徐汇①号店", "㈱-1",
		"№5", "𠮷野家-1", "\U0003134a", "ア-1", "々1", "Café", "Größe-7", "Заказ-1", "Παραγγελία", "한국-1", "ไทย-1", "ᠮ-1", "§7", "1·2", "门店_1", "~!@$%^&*()_+{}|:\"<>?",
	} {
		if rejection := checkKeyText("data.orderId", text); rejection != nil {
			t.Errorf("%q: %v", text, rejection)
		}
	}
}

// It is looked for in all that makes a key, and nowhere else.
func TestLookAlikesInEveryKeyField(t *testing.T) {
	t.Parallel()
	file := defaultRulesFile()
	file.Rules[0].Events = append(file.Rules[0].Events, RuleFile{Type: "coupon.used", Key: []string{"code", "member.memberId"},
		Fields:     map[string]FieldFile{"code": {Type: "string", Required: true}, "note": {Type: "string"}},
		Operations: []OperationFile{{Vendor: "kylin", Call: "freeze_point", Points: PointsFile{Value: ptr(int64(5))}}}})
	rules := compiled(t, file, defaultAccounts())
	const odd = "\u200b"
	sourceOf := func(m ledger.Message, source string) ledger.Message {
		m.Payload = []byte(strings.Replace(string(m.Payload), "shop-sh", source, 1))
		return m
	}
	who := `"member":{"customerId":"7","memberId":"m"},"channel":"pos"`
	for name, tc := range map[string]struct {
		m    ledger.Message
		path string
	}{
		"an order":              {structured("order.paid", strings.Replace(paid, "SO-1", "SO-1"+odd, 1)), "data.orderId"},
		"an escaped one":        {structured("order.paid", strings.Replace(paid, "SO-1", `SO-1\u200B`, 1)), "data.orderId"},
		"a review":              {structured("review.posted", `{"reviewId":"R`+odd+`",`+who+`}`), "data.reviewId"},
		"a field of one's own":  {structured("coupon.used", `{"code":"C`+odd+`",`+who+`}`), "data.code"},
		"a member id":           {structured("coupon.used", `{"code":"C",`+strings.Replace(who, `"m"`, `"m "`, 1)+`}`), "data.member.memberId"},
		"a source":              {sourceOf(structured("order.paid", paid), "shop-sh "), "source"},
		"a source, encoded":     {sourceOf(structured("order.paid", paid), "shop-sh%E2%80%8B"), "source"},
		"a source, twice so":    {sourceOf(structured("order.paid", paid), "shop-sh%25E2%2580%258B"), "source"},
		"a source's line break": {sourceOf(structured("order.paid", paid), "shop-sh%0A"), "source"},
	} {
		event := accepted(t, rules, tc.m, nil)
		if event.OnlyIfKnown == nil || !strings.HasPrefix(event.OnlyIfKnown.Reason, tc.path+": ") {
			t.Errorf("%s: got %v, want a reject of %s", name, event.OnlyIfKnown, tc.path)
		}
		if _, rejection := rules.Explain(tc.m, nil); rejection != event.OnlyIfKnown && (rejection == nil || rejection.Reason != event.OnlyIfKnown.Reason) {
			t.Errorf("%s: explain says %v, want %v", name, rejection, event.OnlyIfKnown)
		}
	}
	for name, m := range map[string]ledger.Message{
		"no key":                structured("coupon.used", `{"code":"C","note":" `+odd+`",`+who+`}`),
		"the programme's scope": sourceOf(structured("member.checked_in", `{`+who+`}`), "shop-sh "),
		"GBK in a source":       sourceOf(structured("order.paid", paid), "https://shop.example/%C9%CF"),
	} {
		if event := accepted(t, rules, m, nil); event.OnlyIfKnown != nil {
			t.Errorf("%s: %v", name, event.OnlyIfKnown)
		}
	}
}

// What Chinese input writes in full width counts as its ASCII twin.
func TestFullWidthPunctuationIsOneFact(t *testing.T) {
	t.Parallel()
	rules := defaultRules(t)
	fact := func(order string) ledger.FactKey {
		event := accepted(t, rules, structured("order.paid", strings.Replace(paid, "SO-1", order, 1)), nil)
		if event.OnlyIfKnown != nil {
			t.Errorf("%s: %v", order, event.OnlyIfKnown)
		}
		return event.FactKey
	}
	if fact("退货单（2）：1") != fact("退货单(2):1") {
		t.Error("two facts in two widths")
	}
	if fact("退货单（2）：1") == fact("退货单（2）：2") {
		t.Error("two orders are one fact")
	}
}
