package zhimai

import "pointsledger/vendorapi/wire"

// envelope holds the common fields of every request (all Zhimai pages), every
// one of them a string.
type envelope struct {
	openID    string
	grantCode string
	timestamp string
	nonce     string
	token     string
}

// param is one business parameter. The pages' examples send each as a string,
// numbers too, and so do we.
type param struct{ name, value string }

// appendRequest writes the body in the order of the pages' examples. It is
// written by hand because it is on the hot path and its shape is fixed.
func appendRequest(dst []byte, e envelope, action string, params []param) []byte {
	dst = append(dst, `{"OpenId":`...)
	dst = wire.AppendJSONString(dst, e.openID)
	dst = append(dst, `,"GrantCode":`...)
	dst = wire.AppendJSONString(dst, e.grantCode)
	dst = append(dst, `,"Timestamp":`...)
	dst = wire.AppendJSONString(dst, e.timestamp)
	dst = append(dst, `,"Nonce":`...)
	dst = wire.AppendJSONString(dst, e.nonce)
	dst = append(dst, `,"Token":`...)
	dst = wire.AppendJSONString(dst, e.token)
	dst = append(dst, `,"Action":`...)
	dst = wire.AppendJSONString(dst, action)
	dst = append(dst, `,"Params":{`...)
	for i, p := range params {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = wire.AppendJSONString(dst, p.name)
		dst = append(dst, ':')
		dst = wire.AppendJSONString(dst, p.value)
	}
	return append(dst, '}', '}')
}
