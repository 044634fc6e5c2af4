package privacy

import "strings"

// Mobiles hides the middle of what looks like a mobile number of mainland
// China: a run of exactly 11 digits that begins with 13 to 19, or of 13 with 86
// before them. Longer ids are left alone. A scanned code or a vendor's words
// may well hold one.
func Mobiles(text string) string {
	out := []byte(text)
	for from := 0; from < len(out); {
		if out[from] < '0' || out[from] > '9' {
			from++
			continue
		}
		to := from
		for to < len(out) && out[to] >= '0' && out[to] <= '9' {
			to++
		}
		start := from
		if to-from == 13 && strings.HasPrefix(text[from:], "86") {
			start += 2
		}
		if to-start == 11 && out[start] == '1' && out[start+1] >= '3' {
			copy(out[start+3:start+7], "****")
		}
		from = to
	}
	return string(out)
}

// Hide masks a member's number where another text repeats it, and nothing
// else: an order number may look like a mobile number and must stay readable.
func Hide(text string, members ...string) string {
	for _, member := range members {
		if masked := Mobiles(member); masked != member {
			text = strings.ReplaceAll(text, member, masked)
		}
	}
	return text
}
