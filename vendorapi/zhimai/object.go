package zhimai

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// field is one member of a JSON object: its decoded name, its value as it came.
type field struct {
	name  string
	value json.RawMessage
}

var errNotObject = errors.New("not a JSON object")

// walkObject calls visit for each member of the JSON object doc, in order,
// until visit returns an error. Unlike encoding/json it takes names exactly
// ("Code" is not "code") and shows repeated ones; the caller decides about
// money on them. doc must be valid JSON.
func walkObject(doc []byte, visit func(field) error) error {
	doc = bytes.TrimSpace(doc)
	if len(doc) < 2 || doc[0] != '{' {
		return errNotObject
	}
	for i := skipSpace(doc, 1); doc[i] != '}'; {
		end := valueEnd(doc, i)
		name, err := decodeString(doc[i:end])
		if err != nil {
			return err
		}
		i = skipSpace(doc, skipSpace(doc, end)+1) // over the colon
		end = valueEnd(doc, i)
		if err := visit(field{name, doc[i:end]}); err != nil {
			return err
		}
		if i = skipSpace(doc, end); doc[i] == ',' {
			i = skipSpace(doc, i+1)
		}
	}
	return nil
}

func skipSpace(doc []byte, i int) int {
	for doc[i] == ' ' || doc[i] == '\t' || doc[i] == '\n' || doc[i] == '\r' {
		i++
	}
	return i
}

// valueEnd returns the index behind the value that begins at i. It stays
// within doc, because doc is valid and the value is inside an object.
func valueEnd(doc []byte, i int) int {
	switch doc[i] {
	case '"':
		return stringEnd(doc, i)
	case '{', '[':
		for depth := 0; ; {
			switch doc[i] {
			case '"':
				i = stringEnd(doc, i) - 1
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			}
			i++
			if depth == 0 {
				return i
			}
		}
	}
	for doc[i] != ',' && doc[i] != '}' && doc[i] != ']' && doc[i] > ' ' {
		i++
	}
	return i
}

func stringEnd(doc []byte, i int) int {
	for i++; doc[i] != '"'; i++ {
		if doc[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// decodeString decodes a JSON string; plain ones without the decoder.
func decodeString(raw []byte) (string, error) {
	if bytes.IndexByte(raw, '\\') < 0 && isASCII(raw) {
		return string(raw[1 : len(raw)-1]), nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", fmt.Errorf("decode string: %w", err)
	}
	return s, nil
}

func isASCII(raw []byte) bool {
	for _, b := range raw {
		if b >= 0x80 {
			return false
		}
	}
	return true
}
