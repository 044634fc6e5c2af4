package privacy

import (
	"strings"
	"unicode/utf8"
)

// Member is what a vendor told of a member that no output may show.
type Member struct {
	Names  []string
	Mobile string
	Cards  []string
}

// longNumber is from how many digits on a number in a vendor's words may be a
// card's.
const longNumber = 12

// Mask masks in a vendor's words what is known to be private, mobile numbers,
// and all but the end of long numbers: they may be those of cards.
func (p *Member) Mask(text string) string {
	return longNumbers(p.MaskOurs(text))
}

// VendorWords is [Member.Mask] for a vendor's words about nobody we know of.
func VendorWords(text string) string {
	var nobody Member
	return nobody.Mask(text)
}

// MaskOurs is Mask for a text of our own: its order number stays readable.
func (p *Member) MaskOurs(text string) string {
	for _, card := range p.Cards {
		if len(card) > cardDigitsShown {
			text = strings.ReplaceAll(text, card, Card(card))
		}
	}
	if len(p.Mobile) > cardDigitsShown {
		text = strings.ReplaceAll(text, p.Mobile, Mobile(p.Mobile))
	}
	for _, name := range p.Names {
		if utf8.RuneCountInString(name) > 1 {
			text = strings.ReplaceAll(text, name, Name(name))
		}
	}
	return Mobiles(text)
}

// Name keeps the first character of the first name that is not empty.
func Name(names ...string) string {
	for _, name := range names {
		if name = strings.TrimSpace(name); name != "" {
			first, _ := utf8.DecodeRuneInString(name)
			return string(first) + "**"
		}
	}
	return ""
}

// Mobile keeps three digits and the last four of a mobile number, and less
// of anything else that stands there.
func Mobile(mobile string) string {
	if masked := Mobiles(mobile); masked != mobile {
		return masked
	}
	return Card(mobile)
}

// cardDigitsShown is how much of a card's number is shown: its end.
const cardDigitsShown = 4

// Card keeps the last four characters; of a short one, none.
func Card(number string) string {
	runes := []rune(number)
	switch {
	case number == "":
		return ""
	case len(runes) <= 2*cardDigitsShown:
		return "****"
	}
	return "****" + string(runes[len(runes)-cardDigitsShown:])
}

// longNumbers hides all but the end of runs of at least longNumber digits.
func longNumbers(text string) string {
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
			out.WriteString(Card(text[from:to]))
		default:
			out.WriteString(text[from:to])
		}
		from = to
	}
	return out.String()
}
