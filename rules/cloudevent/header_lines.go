package cloudevent

import (
	"slices"
	"strings"
)

// HeaderLines writes headers in wire form, in order of their names, with
// passwords masked: what is stored with a message. Nil when there are none.
func HeaderLines(headers map[string][]string) []byte {
	if len(headers) == 0 {
		return nil
	}
	names := make([]string, 0, len(headers))
	for name := range headers {
		names = append(names, name)
	}
	slices.Sort(names)
	var lines []byte
	for _, name := range names {
		secret := isSecretHeader(name)
		for _, value := range headers[name] {
			if secret && value != "" {
				value = "***"
			}
			lines = append(lines, name...)
			lines = append(lines, ": "...)
			lines = append(lines, value...)
			lines = append(lines, "\r\n"...)
		}
	}
	return lines
}

// ParseHeaderLines reads what HeaderLines wrote.
func ParseHeaderLines(lines []byte) map[string][]string {
	if len(lines) == 0 {
		return nil
	}
	header := map[string][]string{}
	for line := range strings.SplitSeq(string(lines), "\r\n") {
		if name, value, found := strings.Cut(line, ": "); found {
			header[name] = append(header[name], value)
		}
	}
	return header
}
