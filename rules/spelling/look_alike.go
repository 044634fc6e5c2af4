package spelling

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// LookAlike finds the first character by which a text looks like another one,
// and says what is the matter with it; what is empty when there is none.
func LookAlike(text string) (at int, what string) {
	plain := isASCII(text)
	for i, c := range text {
		if what = oddSpace(text, i, c); what == "" && c >= utf8.RuneSelf {
			what = oddCharacter(c)
		}
		if what == "" && c < utf8.RuneSelf && (c < ' ' || c == 0x7f) {
			what = "a control character"
		}
		if what != "" {
			return i, what
		}
	}
	if plain {
		return 0, ""
	}
	if !norm.NFC.IsNormalString(text) {
		return firstNotComposed(text), "which has another form that looks the same (Unicode NFC)"
	}
	return foreignLookAlike(text)
}

// oddSpace allows single spaces between other characters.
func oddSpace(text string, at int, c rune) string {
	switch {
	case c != ' ' && unicode.IsSpace(c):
		return "a space that is not the usual one"
	case c != ' ':
		return ""
	case at == 0:
		return "a space at the beginning"
	case at == len(text)-1:
		return "a space at the end"
	case text[at+1] == ' ':
		return "one of several spaces in a row"
	}
	return ""
}

// oddCharacter says what is odd about a character that is not ASCII.
func oddCharacter(c rune) string {
	switch {
	case unicode.In(c, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point, unicode.Cc),
		c == 0x2800, 0x13430 <= c && c <= 0x1345f: // an empty braille cell; hieroglyph joiners
		return "which is invisible"
	case unicode.Is(unicode.Co, c), !isAssigned(c):
		return "which has no character of its own"
	case unicode.Is(unicode.Nd, c):
		return "a digit that is not one of 0 to 9"
	case strings.ContainsRune(chinesePunctuation, c), isEnclosed(c):
		return "" // Key makes one key of the former and their ASCII twins
	case likeASCII(c):
		return "which looks like another character"
	}
	// Full width and half width, mathematical and superscript letters, Kangxi
	// radicals, ligatures, dots of an ellipsis.
	if plain := norm.NFKC.String(string(c)); plain != norm.NFC.String(string(c)) {
		return fmt.Sprintf("which looks like %q", plain)
	}
	return ""
}

// isAssigned is also true in the planes of rare Chinese characters, to which
// each Unicode version adds.
func isAssigned(c rune) bool {
	if 0x20000 <= c && c < 0x40000 && c&0xffff < 0xfffe {
		return true
	}
	return unicode.In(c, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z)
}

// isEnclosed: circled numbers, squared units, №: they look like nothing else.
func isEnclosed(c rune) bool {
	return 0x2460 <= c && c <= 0x24ff || 0x3200 <= c && c <= 0x33ff || c == 0x2116 || 0x1f100 <= c && c <= 0x1f2ff
}

// likeASCII: dashes, slashes, colons, bars, quotes and letters that look like
// ASCII ones and have no compatibility form; modifier letters; strokes and
// radicals that look like whole Chinese characters.
func likeASCII(c rune) bool {
	return strings.ContainsRune("‐‑‒–―−⁃⁻˗‧∙⋅⁄∕⧸⟋∖⧵∶ː׃꞉∣ǀ∗⁎‚‛ʹʺ′″‵ıȷɑɡɩɪƖǃɴʀʏʙʜʟ", c) ||
		0x02b0 <= c && c <= 0x02ff || 0x2e80 <= c && c <= 0x2eff || 0x31c0 <= c && c <= 0x31ef
}

// chinesePunctuation is what Chinese text has in full width, and Key folds.
const chinesePunctuation = "（）：，！？；“”‘’"

// Key is the form of a key text for the fact key: punctuation that Chinese
// input writes in full width counts as its ASCII twin, so that "SO（1）" and
// "SO(1)" are one fact: the second one is a conflict that shows both.
func Key(text string) string {
	if isASCII(text) || !strings.ContainsAny(text, chinesePunctuation) {
		return text
	}
	return strings.Map(func(c rune) rune {
		switch c {
		case '“', '”':
			return '"'
		case '‘', '’':
			return '\''
		case '（', '）', '：', '，', '！', '？', '；':
			return c - 0xfee0
		}
		return c
	}, text)
}

// firstNotComposed is where the first character stands that normalising changes.
func firstNotComposed(text string) int {
	composed := norm.NFC.String(text)
	for i, c := range text {
		if rest := composed[min(i, len(composed)):]; !strings.HasPrefix(rest, string(c)) {
			return i
		}
	}
	return 0
}

// Letters of other scripts that look like Latin ones, as far as two alphabets
// that shops may use are concerned.
const (
	cyrillicLikeLatin = "АВЕЅІЈКМНОРСТУХҮҺԌԚԜӀаеорсухіјѕһԁԛԝӏҮүЗзЬьг"
	greekLikeLatin    = "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧονρυικχαγϲϳϹ"
)

// foreignLookAlike refuses letters that pass for Latin ones: Cyrillic and Greek
// beside Latin, or where none of them could be told from Latin, and scripts
// whose letters are mostly of that kind.
func foreignLookAlike(text string) (at int, what string) {
	latin, foreign, distinct := false, -1, false
	for i, c := range text {
		switch {
		case unicode.In(c, unicode.Armenian, unicode.Cherokee, unicode.Coptic, unicode.Lisu, unicode.Deseret, unicode.Old_Italic, unicode.Gothic, unicode.Warang_Citi, unicode.Carian, unicode.Lycian, unicode.Lydian):
			return i, "a letter of a script that looks like Latin"
		case unicode.Is(unicode.Latin, c):
			latin = true
		case unicode.In(c, unicode.Cyrillic, unicode.Greek):
			if foreign < 0 {
				foreign = i
			}
			distinct = distinct || !strings.ContainsRune(cyrillicLikeLatin+greekLikeLatin, c)
		}
	}
	switch {
	case foreign < 0:
		return 0, ""
	case latin:
		return foreign, "a letter of another alphabet among Latin ones"
	case !distinct:
		return foreign, "a letter of another alphabet that looks like a Latin one"
	}
	return 0, ""
}
