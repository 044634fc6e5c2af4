package cloudevent

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"pointsledger/ledger"
)

// MaxAttributeChars is the most characters of an envelope attribute that is
// stored. CloudEvents names no limit.
const MaxAttributeChars = 256

// attribute is one attribute of the envelope as it came. kind 0 is absent.
type attribute struct {
	kind jsontext.Kind
	text string
	raw  []byte
}

// attributes are what the envelope says (CloudEvents 1.0, section 3).
type attributes struct {
	specVersion, id, source, typ, time, contentType attribute
	hasBase64                                       bool
}

// byName is where an attribute is kept; nil is one that does not matter here.
func (a *attributes) byName(name string) *attribute {
	switch name {
	case "specversion":
		return &a.specVersion
	case "id":
		return &a.id
	case "source":
		return &a.source
	case "type":
		return &a.typ
	case "time":
		return &a.time
	case "datacontenttype":
		return &a.contentType
	}
	return nil
}

// fromBody takes the attributes of a structured event.
func (a *attributes) fromBody(fields []Field) {
	for i := range fields {
		f := &fields[i]
		if f.Kind == 'n' {
			continue
		}
		if string(f.Name) == "data_base64" {
			a.hasBase64 = true
		}
		if to := a.byName(string(f.Name)); to != nil {
			to.kind, to.raw = f.Kind, f.Raw
			if f.Kind == '"' {
				to.text = f.Text()
			}
		}
	}
}

// fromHeader takes the attributes of a binary event from its ce- headers: names
// without regard to case. An attribute that is there twice must say the same.
func (a *attributes) fromHeader(header map[string][]string) *ledger.Rejection {
	var problem *ledger.Rejection
	var space [16]string
	names := space[:0]
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names) // the reason must not change with the order of a map
	for _, name := range names {
		to := a.byHeader(name)
		if to == nil {
			continue
		}
		for _, value := range header[name] {
			text := headerText(value)
			switch {
			case to.kind == 0:
			case to == &a.contentType && isJSON(mediaType(to.text)) && isJSON(mediaType(text)):
				continue // Content-Type and ce-datacontenttype, in spellings of their own
			case to.text != text:
				problem = ledger.Rejectf(ledger.BadType, "header %s is there more than once, as %q and as %q: want one of them",
					strings.ToLower(name), Clip(to.text), Clip(text))
			}
			if !utf8.ValidString(text) {
				problem = ledger.Rejectf(ledger.NotUTF8, "header %s is not UTF-8: percent-encode its UTF-8 bytes", strings.ToLower(name))
			}
			to.kind, to.text = '"', text
			to.raw = AppendQuoted(nil, text)
		}
	}
	return problem
}

// headerText is an attribute as a header writes it: percent-encoded (CloudEvents
// NATS binding, section 3.1.3.2). Not all SDKs encode: where a header is not
// whole as an encoding of UTF-8 ("100%off"), it is taken as it stands.
func headerText(value string) string {
	value = unquotedHeader(value)
	if strings.IndexByte(value, '%') < 0 {
		return value
	}
	if text, err := url.PathUnescape(value); err == nil && utf8.ValidString(text) {
		return text
	}
	return value
}

func (a *attributes) byHeader(name string) *attribute {
	if strings.EqualFold(name, "content-type") {
		return &a.contentType
	}
	const prefix = "ce-"
	if len(name) <= len(prefix) || !strings.EqualFold(name[:len(prefix)], prefix) {
		return nil
	}
	return a.byName(strings.ToLower(name[len(prefix):]))
}

// unquotedHeader drops the double quotes around a header's value (CloudEvents
// HTTP binding, section 3.1.3.2, which the NATS binding follows).
func unquotedHeader(value string) string {
	value = strings.TrimSpace(value)
	if len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
		return value
	}
	var plain strings.Builder
	escaped := false
	for _, c := range []byte(value[1 : len(value)-1]) {
		if c == '\\' && !escaped {
			escaped = true
			continue
		}
		escaped = false
		plain.WriteByte(c)
	}
	return plain.String()
}

// headerOf finds a header without regard to case.
func headerOf(header map[string][]string, name string) (string, bool) {
	for key, values := range header {
		if len(values) > 0 && strings.EqualFold(key, name) {
			return values[0], true
		}
	}
	return "", false
}

// mode tells binary from structured events: a content-type
// application/cloudevents… is structured whatever else is there, a
// ce-specversion header is binary, and all the rest is structured.
func mode(header map[string][]string) (binary bool, problem *ledger.Rejection) {
	if len(header) == 0 {
		return false, nil
	}
	contentType, _ := headerOf(header, "content-type")
	media := mediaType(contentType)
	switch {
	case media == "application/cloudevents" || media == "application/cloudevents+json":
		return false, nil
	case media == "application/cloudevents-batch+json":
		return false, ledger.Rejectf(ledger.NotCloudEvent, "content-type: batches are not accepted, publish one event a message")
	case strings.HasPrefix(media, "application/cloudevents"):
		return false, ledger.Rejectf(ledger.NotCloudEvent, "content-type: want application/cloudevents+json, got %q", Clip(contentType))
	}
	_, binary = headerOf(header, "ce-specversion")
	return binary, nil
}

// mediaType is a content type without its parameters, in lower case.
func mediaType(contentType string) string {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(media))
}

// checkVersion wants CloudEvents 1.0, and says what is wrong when headers and
// body disagree about the mode.
func (e *Event) checkVersion(header map[string][]string) *ledger.Rejection {
	if e.Binary {
		inBody := func(name string) bool { return Find(e.Data, name) != nil }
		if inBody("specversion") && inBody("data") {
			return ledger.Rejectf(ledger.NotCloudEvent, "the ce- headers say binary mode, but the body is a whole CloudEvent: leave out the ce- headers, or publish only its data as the body")
		}
	}
	version := &e.attributes.specVersion
	if version.kind == '"' && version.text == "1.0" {
		return nil
	}
	if version.kind != 0 {
		return ledger.Rejectf(ledger.NotCloudEvent, `specversion: want "1.0", got %s`, got(version.kind, version.raw))
	}
	hint := Near(e.envelope, "specversion")
	for name := range header {
		switch {
		case strings.EqualFold(name, "ce-specversion"):
			hint = "; the content-type says structured mode, but the attributes are in ce- headers: publish with content-type application/json"
		case len(name) > 3 && strings.EqualFold(name[:3], "ce-") && hint == "":
			hint = "; the ce- headers lack ce-specversion"
		}
	}
	return ledger.Rejectf(ledger.NotCloudEvent, `specversion: want a CloudEvents 1.0 envelope with "specversion": "1.0", it is missing%s`, hint)
}

// checkAttributes reads the attributes that every event has.
func (e *Event) checkAttributes() *ledger.Rejection {
	a := &e.attributes
	var problem *ledger.Rejection
	for _, one := range []struct {
		name string
		from *attribute
		to   *string
	}{{"type", &a.typ, &e.Type}, {"source", &a.source, &e.Source}, {"id", &a.id, &e.ID}} {
		text, rejection := e.attributeText(one.name, one.from)
		if rejection != nil && problem == nil {
			problem = rejection
		}
		*one.to = text
	}
	return problem
}

func (e *Event) attributeText(name string, a *attribute) (string, *ledger.Rejection) {
	switch {
	case a.kind == 0:
		return "", ledger.Rejectf(ledger.MissingField, "%s: want a string of 1 to %d characters, it is missing%s", name, MaxAttributeChars, Near(e.envelope, name))
	case a.kind != '"':
		return "", ledger.Rejectf(ledger.BadType, "%s: want a string, got %s", name, got(a.kind, a.raw))
	case HasControl(a.text):
		return a.text, ledger.Rejectf(ledger.BadType, "%s: want no control characters, got %s", name, got(a.kind, a.raw))
	case a.text == "" || utf8.RuneCountInString(a.text) > MaxAttributeChars:
		return a.text, ledger.Rejectf(ledger.OutOfRange, "%s: want 1 to %d characters, got %s", name, MaxAttributeChars, got(a.kind, a.raw))
	}
	return a.text, nil
}

// CheckData wants JSON data in place, an object.
func (e *Event) CheckData() *ledger.Rejection {
	a := &e.attributes
	if a.hasBase64 {
		return ledger.Rejectf(ledger.BadType, "data_base64: want the fields as JSON in data, not base64")
	}
	if a.contentType.kind != 0 {
		media := mediaType(a.contentType.text)
		if a.contentType.kind != '"' || !isJSON(media) {
			return ledger.Rejectf(ledger.BadType, "datacontenttype: want application/json, got %s", got(a.contentType.kind, a.contentType.raw))
		}
	}
	switch e.dataKind {
	case '{':
		return nil
	case 0, 'n':
		return ledger.Rejectf(ledger.MissingField, "data: want an object with the fields of %s, it is missing%s", e.Type, Near(e.envelope, "data"))
	}
	return ledger.Rejectf(ledger.BadType, "data: want an object with the fields of %s, got %s%s", e.Type, kindName(e.dataKind), doubleEncoded(e.dataKind))
}

func isJSON(media string) bool {
	return media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json")
}
