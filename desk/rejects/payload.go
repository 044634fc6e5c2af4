package rejects

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"

	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/rules/cloudevent"
)

// maxPayloadShown is how much of a payload is shown; an event has under 1 kB.
const maxPayloadShown = 16 << 10

// cardValue is the value of a field that is named after a card.
var cardValue = regexp.MustCompile(`("[^"]*(?:[cC]ard|CARD|卡)[^"]*"\s*:\s*"?)([0-9A-Za-z][0-9A-Za-z -]{3,})`)

// payload is a payload in lines, without passwords, card numbers and
// mobile numbers. What is no JSON is shown as the text that it nearly is.
func payload(came []byte, names wording.Names) string {
	payload := cloudevent.Mask(came)
	left := 0
	if len(payload) > maxPayloadShown {
		payload, left = payload[:maxPayloadShown], len(payload)-maxPayloadShown
	}
	var pretty bytes.Buffer
	if json.Indent(&pretty, payload, "", "  ") == nil {
		payload = pretty.Bytes()
	}
	text := strings.ToValidUTF8(string(payload), string(utf8.RuneError))
	text = cardValue.ReplaceAllStringFunc(text, func(field string) string {
		parts := cardValue.FindStringSubmatch(field)
		return parts[1] + "***" + parts[2][len(parts[2])-4:]
	})
	text = privacy.Mobiles(text)
	if left > 0 {
		text += "\n… and " + wording.Plural(left, "byte") + " more; " + names.ExportRejects + " has all"
	}
	return text
}

// secretHeader names headers whose value is nobody's business.
var secretHeader = regexp.MustCompile(`(?i)authorization|token|secret|password|cookie|api-?key`)

// headers are the header lines without secrets.
func headers(header []byte) []string {
	lines := []string{}
	for line := range strings.SplitSeq(strings.ToValidUTF8(string(header), string(utf8.RuneError)), "\r\n") {
		name, _, found := strings.Cut(line, ":")
		if line == "" {
			continue
		}
		if found && secretHeader.MatchString(name) {
			line = name + ": ***"
		}
		lines = append(lines, privacy.Mobiles(line))
	}
	return lines
}
