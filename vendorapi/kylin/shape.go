package kylin

import (
	"encoding/json"
	"errors"
	"fmt"

	"pointsledger/vendorapi/wire"
)

// shape is what stands in the body of every call of an account beside the freeze
// itself. A freeze that was tried once is sent in the same shape until it ends:
// the page promises that a repeat is harmless, which the same key with another
// body is not.
type shape struct {
	// MemberType, PointBizType and ChannelType are the fields of that name, and
	// IdempotentMode the number as it is written.
	MemberType     string `json:"memberType"`
	PointBizType   string `json:"pointBizType"`
	ChannelType    string `json:"channelType"`
	IdempotentMode string `json:"idempotentMode"`
}

// shapeOf is the shape of an account's calls.
func shapeOf(cfg Config) shape {
	cfg = cfg.withDefaults()
	return shape{MemberType: cfg.MemberType, PointBizType: cfg.PointBizType, ChannelType: channelType, IdempotentMode: idempotentMode}
}

// parseShape reads what String wrote.
func parseShape(text string) (shape, error) {
	var s shape
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return shape{}, fmt.Errorf("read request shape: %w", err)
	}
	if s.MemberType == "" || s.PointBizType == "" || s.ChannelType == "" || s.IdempotentMode != "0" && s.IdempotentMode != "1" {
		return shape{}, errors.New("read request shape: want memberType, pointBizType, channelType, and idempotentMode 0 or 1")
	}
	return s, nil
}

// String is one line of JSON, the same for the same shape.
func (s shape) String() string {
	text := append([]byte(`{"memberType":`), wire.AppendJSONString(nil, s.MemberType)...)
	text = wire.AppendJSONString(append(text, `,"pointBizType":`...), s.PointBizType)
	text = wire.AppendJSONString(append(text, `,"channelType":`...), s.ChannelType)
	text = wire.AppendJSONString(append(text, `,"idempotentMode":`...), s.IdempotentMode)
	return string(append(text, '}'))
}
