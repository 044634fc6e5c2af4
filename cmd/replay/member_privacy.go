package main

import (
	"strings"
	"unicode/utf8"
)

// memberPrivate is what a vendor told of a member that no output may show.
type memberPrivate struct {
	names  []string
	mobile string
	cards  []string
}

// longNumber is from how many digits on a number in a vendor's words may be a
// card's.
const longNumber = 12

// eyes masks in a vendor's words what is known to be private, mobile numbers,
// and all but the end of long numbers: they may be those of cards.
func (p *memberPrivate) eyes(text string) string {
	return maskLongNumbers(p.known(text))
}

// maskVendorWords is eyes for a vendor's words about nobody we know of.
func maskVendorWords(text string) string {
	var nobody memberPrivate
	return nobody.eyes(text)
}

// known is eyes for a text of our own: its order number stays readable.
func (p *memberPrivate) known(text string) string {
	for _, card := range p.cards {
		if len(card) > cardDigitsShown {
			text = strings.ReplaceAll(text, card, maskCard(card))
		}
	}
	if len(p.mobile) > cardDigitsShown {
		text = strings.ReplaceAll(text, p.mobile, maskMobile(p.mobile))
	}
	for _, name := range p.names {
		if utf8.RuneCountInString(name) > 1 {
			text = strings.ReplaceAll(text, name, maskName(name))
		}
	}
	return maskMobiles(text)
}

// maskName keeps the first character of the first name that is not empty.
func maskName(names ...string) string {
	for _, name := range names {
		if name = strings.TrimSpace(name); name != "" {
			first, _ := utf8.DecodeRuneInString(name)
			return string(first) + "**"
		}
	}
	return ""
}

// maskMobile keeps three digits and the last four of a mobile number, and less
// of anything else that stands there.
func maskMobile(mobile string) string {
	if masked := maskMobiles(mobile); masked != mobile {
		return masked
	}
	return maskCard(mobile)
}

// cardDigitsShown is how much of a card's number is shown: its end.
const cardDigitsShown = 4

// maskCard keeps the last four characters; of a short one, none.
func maskCard(number string) string {
	runes := []rune(number)
	switch {
	case number == "":
		return ""
	case len(runes) <= 2*cardDigitsShown:
		return "****"
	}
	return "****" + string(runes[len(runes)-cardDigitsShown:])
}

// maskLongNumbers hides all but the end of runs of at least longNumber digits.
func maskLongNumbers(text string) string {
	var out strings.Builder
	for from := 0; from < len(text); {
		to := from
		for to < len(text) && text[to] >= '0' && text[to] <= '9' {
			to++
		}
		switch {
		case to == from:
			out.WriteByte(text[from])
			to++
		case to-from >= longNumber:
			out.WriteString(maskCard(text[from:to]))
		default:
			out.WriteString(text[from:to])
		}
		from = to
	}
	return out.String()
}
