package cloudevent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"pointsledger/ledger"
)

// maxLine is the most bytes of a line that `worker publish` reads.
const maxLine = 1 << 20

// Line writes a stored message as one line of JSON that `worker publish` takes:
// the structured event as it came, without line breaks, or a binary one as its
// structured twin. why says in a few words what keeps it from that; it is empty
// when there is a line. The line ends without a line break.
func Line(m ledger.Message) (line []byte, why string) {
	payload := bytes.TrimPrefix(m.Payload, []byte(byteOrderMark))
	header := ParseHeaderLines(m.Header)
	binary, _ := mode(header)
	switch {
	case !utf8.Valid(payload):
		return nil, "not UTF-8"
	case !json.Valid(payload):
		return nil, "not JSON"
	}
	var out bytes.Buffer
	if binary {
		if why := asStructured(&out, header, payload); why != "" {
			return nil, why
		}
	} else if err := json.Compact(&out, payload); err != nil {
		return nil, "not JSON"
	}
	switch {
	case out.Bytes()[0] != '{':
		return nil, "not a JSON object"
	case out.Len() >= maxLine:
		return nil, "longer than 1 MiB"
	}
	return out.Bytes(), ""
}

// asStructured writes a binary event in structured mode. Extension attributes are
// left out: nothing here reads them.
func asStructured(out *bytes.Buffer, header map[string][]string, payload []byte) (why string) {
	var a attributes
	if problem := a.fromHeader(header); problem != nil {
		return "headers that cannot be read"
	}
	out.WriteByte('{')
	for _, one := range []struct {
		name string
		from *attribute
	}{{"specversion", &a.specVersion}, {"id", &a.id}, {"source", &a.source}, {"type", &a.typ}, {"time", &a.time},
		{"datacontenttype", &a.contentType}} {
		if one.from.kind != 0 {
			fmt.Fprintf(out, "%q:%s,", one.name, one.from.raw)
		}
	}
	out.WriteString(`"data":`)
	if err := json.Compact(out, payload); err != nil {
		return "not JSON"
	}
	out.WriteByte('}')
	return ""
}
