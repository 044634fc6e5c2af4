package cloudevent

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"pointsledger/ledger"
)

const byteOrderMark = "\xef\xbb\xbf"

// checkBytes wants UTF-8 of a size that is accepted, and strips a byte order
// mark.
func (e *Event) checkBytes(payload []byte) *ledger.Rejection {
	e.payload, e.stripped = payload, 0
	if len(payload) > MaxPayload {
		return ledger.Rejectf(ledger.TooLarge, "the message has %d bytes, at most %d are accepted", len(payload), MaxPayload)
	}
	if bytes.HasPrefix(payload, []byte(byteOrderMark)) {
		e.payload, e.stripped = payload[len(byteOrderMark):], len(byteOrderMark)
	}
	if len(bytes.TrimLeft(e.payload, " \t\r\n")) == 0 {
		return ledger.Rejectf(ledger.NotJSON, "the message is empty: want one CloudEvent as JSON")
	}
	if !utf8.Valid(payload) {
		return notUTF8(payload)
	}
	if len(payload) > 1 && (payload[0] == 0 || payload[1] == 0) {
		return ledger.Rejectf(ledger.NotUTF8, "the message is not UTF-8 but UTF-16 or UTF-32 without a byte order mark: convert it before publishing")
	}
	return nil
}

// notUTF8 says where the first wrong byte is, and which encoding the bytes are
// probably in: old POS software writes GB18030.
func notUTF8(payload []byte) *ledger.Rejection {
	at := 0
	for at < len(payload) {
		c, size := utf8.DecodeRune(payload[at:])
		if c == utf8.RuneError && size <= 1 {
			break
		}
		at += size
	}
	if bytes.HasPrefix(payload, []byte("\xff\xfe")) || bytes.HasPrefix(payload, []byte("\xfe\xff")) {
		return ledger.Rejectf(ledger.NotUTF8, "the message is not UTF-8 but UTF-16: convert it before publishing")
	}
	for mark, name := range map[string]string{"\x1f\x8b": "gzip", "\x28\xb5\x2f\xfd": "zstd", "\x04\x22\x4d\x18": "lz4"} {
		if bytes.HasPrefix(payload, []byte(mark)) {
			return ledger.Rejectf(ledger.NotUTF8, "the message is compressed (%s): publish it as it is, or compress the stream", name)
		}
	}
	if text, ok := chinese(payload); ok {
		return ledger.Rejectf(ledger.NotUTF8, "the message is not UTF-8 at byte %d; read as GB18030 it says %q: convert it to UTF-8 before publishing", at, text)
	}
	return ledger.Rejectf(ledger.NotUTF8, "the message is not UTF-8 at byte %d (0x%02x)", at, payload[at])
}

// chinese reads the payload as GB18030 and returns its first run of Chinese
// characters; false when it does not read as Chinese text.
func chinese(payload []byte) (string, bool) {
	decoded, err := simplifiedchinese.GB18030.NewDecoder().Bytes(payload)
	if err != nil {
		return "", false
	}
	text := string(decoded)
	isHan := func(c rune) bool { return unicode.Is(unicode.Han, c) }
	odd := func(c rune) bool {
		return c == utf8.RuneError || unicode.Is(unicode.Co, c) || unicode.IsControl(c) && !strings.ContainsRune("\t\r\n", c)
	}
	if strings.ContainsFunc(text, odd) {
		return "", false
	}
	start := strings.IndexFunc(text, isHan)
	if start < 0 {
		return "", false
	}
	text = text[start:]
	if end := strings.IndexFunc(text, func(c rune) bool { return c < utf8.RuneSelf }); end >= 0 {
		text = text[:end]
	}
	return Clip(text), true
}
