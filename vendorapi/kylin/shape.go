package kylin

import (
	"encoding/json"
	"errors"
	"fmt"

	"pointsledger/vendorapi"
)

// Shape is what stands in the body of every call of an account beside the freeze
// itself. A freeze that was tried once is sent in the same shape until it ends:
// the page promises that a repeat is harmless, which the same key with another
// body is not.
type Shape struct {
	// MemberType, PointBizType and ChannelType are the fields of that name, and
	// IdempotentMode the number as it is written.
	MemberType     string `json:"memberType"`
	PointBizType   string `json:"pointBizType"`
	ChannelType    string `json:"channelType"`
	IdempotentMode string `json:"idempotentMode"`
}

// ShapeOf is the shape of an account's calls.
func ShapeOf(cfg Config) Shape {
	cfg = cfg.withDefaults()
	return Shape{MemberType: cfg.MemberType, PointBizType: cfg.PointBizType, ChannelType: channelType, IdempotentMode: idempotentMode}
}

// ParseShape reads what String wrote.
func ParseShape(text string) (Shape, error) {
	var s Shape
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return Shape{}, fmt.Errorf("read request shape: %w", err)
	}
	if s.MemberType == "" || s.PointBizType == "" || s.ChannelType == "" || s.IdempotentMode != "0" && s.IdempotentMode != "1" {
		return Shape{}, errors.New("read request shape: want memberType, pointBizType, channelType, and idempotentMode 0 or 1")
	}
	return s, nil
}

// String is one line of JSON, the same for the same shape.
func (s Shape) String() string {
	text := append([]byte(`{"memberType":`), vendorapi.AppendJSONString(nil, s.MemberType)...)
	text = vendorapi.AppendJSONString(append(text, `,"pointBizType":`...), s.PointBizType)
	text = vendorapi.AppendJSONString(append(text, `,"channelType":`...), s.ChannelType)
	text = vendorapi.AppendJSONString(append(text, `,"idempotentMode":`...), s.IdempotentMode)
	return string(append(text, '}'))
}
