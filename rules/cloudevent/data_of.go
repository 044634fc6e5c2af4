package cloudevent

import (
	"bytes"
	"encoding/json"

	"pointsledger/ledger"
)

// DataOf reads the data of a stored message in either mode, leniently: names may be
// there twice, and the rest of the envelope is not looked at. ok is false when it is
// no JSON object.
func DataOf(m *ledger.Message) (data map[string]json.RawMessage, ok bool) {
	payload := bytes.TrimPrefix(m.Payload, []byte(byteOrderMark))
	binary, _ := mode(ParseHeaderLines(m.Header))
	if !binary {
		var envelope struct {
			Data json.RawMessage `json:"data"`
		}
		if json.Unmarshal(payload, &envelope) != nil {
			return nil, false
		}
		payload = envelope.Data
	}
	return data, json.Unmarshal(payload, &data) == nil && data != nil
}
