package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"
)

// zhimaiRequest is a request body. Names are compared exactly, and every
// common field is a string (the pages' table of common parameters).
type zhimaiRequest struct {
	fields    map[string]string // OpenId, GrantCode, Timestamp, Nonce, Token, Action
	params    map[string]string
	rawParams json.RawMessage
	problem   string // why it is not well-formed; empty when it is
}

// parseZhimai reads as much as it can: params may be there although the
// request is not well-formed, so that the book can name the key.
func parseZhimai(contentType string, body []byte) zhimaiRequest {
	req := zhimaiRequest{fields: make(map[string]string, 6), params: make(map[string]string, 8)}
	complain := func(format string, args ...any) {
		if req.problem == "" {
			req.problem = fmt.Sprintf(format, args...)
		}
	}
	if t, _, err := mime.ParseMediaType(contentType); err != nil || t != "application/json" {
		complain("Content-Type 应为 application/json")
	}
	var top map[string]json.RawMessage
	if err := json.Unmarshal(body, &top); err != nil || !utf8.Valid(body) {
		complain("请求体不是合法的 JSON 对象")
		return req
	}
	for _, name := range [...]string{"OpenId", "GrantCode", "Timestamp", "Nonce", "Token", "Action"} {
		value, ok := jsonString(top[name])
		if !ok || value == "" {
			complain("公共参数 %s 应为非空字符串", name)
		}
		req.fields[name] = value
	}
	req.rawParams = top["Params"]
	var params map[string]json.RawMessage
	if err := json.Unmarshal(req.rawParams, &params); err != nil || params == nil {
		complain("Params 应为对象")
		return req
	}
	for name, raw := range params {
		value, ok := jsonString(raw)
		if !ok {
			complain("参数 %s 应为字符串", name)
			continue
		}
		req.params[name] = value
	}
	return req
}

// jsonString is the value of a JSON string; false for anything else. raw is
// part of a document that was read and is valid UTF-8.
func jsonString(raw json.RawMessage) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	if bytes.IndexByte(raw, '\\') < 0 { // nothing escaped: the bytes are the value
		return string(raw[1 : len(raw)-1]), true
	}
	var value string
	if err := json.Unmarshal(raw, &value); err != nil {
		return "", false
	}
	return value, true
}

// The actions that move points; the second only where Config.TakesBack offers it.
const (
	actionAdd     = "user.points-add"
	actionDeduct  = "user.points-deduct"
	unknownAction = "接口方法不存在"
)

func (s *Simulator) readZhimai(r *http.Request, body []byte, set *settings) call {
	req := parseZhimai(r.Header.Get("Content-Type"), body)
	c := call{}
	switch action := req.fields["Action"]; action {
	case actionAdd, actionDeduct:
		if action == actionDeduct && !s.cfg.TakesBack {
			if req.problem == "" {
				req.problem = unknownAction
			}
			c.carryOut = func() answer { return s.refusal(s.cfg.Zhimai.BadRequestCode, req.problem) }
			break
		}
		c.action = action
		c.key = req.params["bizId"]
		if len(c.key) > maxKeyBytes {
			c.key = ""
		}
		c.params = paramsHash(req.rawParams)
		c.member = req.params["customerId"]
		c.points = pointsAddBalance(req.params["balance"])
		if c.points == 0 || !isDigits(c.member, 1, 32) {
			c.member, c.points = "", 0
		}
		m := c.movement // its vendor is 0, Zhimai
		c.carryOut = func() answer { return s.movePoints(req, set, m) }
	case "user.user-points-records", "user.my-cards", "communal.user.identity":
		c.readKey = action + "\x00" + req.params["user_id"] + "\x00" + req.params["user_code"] + "\x00" + req.params["page"]
		if len(c.readKey) > maxKeyBytes {
			c.readKey = action
		}
		c.carryOut = func() answer { return s.readOnly(action, req, set) }
	default:
		if req.problem == "" {
			req.problem = unknownAction
		}
		c.carryOut = func() answer { return s.refusal(s.cfg.Zhimai.BadRequestCode, req.problem) }
	}
	return c
}

// zhimaiAnswer is an answer with status true. A nil data is "nothing".
type zhimaiAnswer struct {
	code    string
	message string
	data    any
}

// pointsAdded has no data: the page's reply names no transaction and no balance.
var pointsAdded = zhimaiAnswer{code: "0", message: "操作成功"}

func (s *Simulator) refusal(code, message string) zhimaiAnswer {
	return zhimaiAnswer{code: code, message: message}
}

// checkCommon returns the refusal of a request that is not well-formed or not
// signed, nil when it is both. Well-formed comes first: an unreadable request
// cannot be checked.
func (s *Simulator) checkCommon(req zhimaiRequest, set *settings) *zhimaiAnswer {
	cfg := &s.cfg.Zhimai
	refuse := func(code, message string) *zhimaiAnswer {
		a := s.refusal(code, message)
		return &a
	}
	if req.problem != "" {
		return refuse(cfg.BadRequestCode, "参数错误:"+req.problem)
	}
	f := req.fields
	if !isDigits(f["Nonce"], 1, 18) || f["Nonce"][0] == '0' {
		return refuse(cfg.BadRequestCode, "参数错误:Nonce 应为正整数")
	}
	if !isDigits(f["Timestamp"], 10, 10) {
		return refuse(cfg.BadRequestCode, "参数错误:Timestamp 应为秒级时间戳")
	}
	want := token(s.payload, f, set.openKey, cfg.PlainToken)
	if f["OpenId"] != cfg.OpenID || f["GrantCode"] != cfg.GrantCode || !sameToken(f["Token"], want) {
		s.vendors[0].counters.wrongSignature.Add(1)
		return refuse(cfg.WrongSignatureCode, "签名错误")
	}
	if cfg.TimestampSkew > 0 {
		seconds, _ := strconv.ParseInt(f["Timestamp"], 10, 64) // ten digits
		if off := s.now().Sub(time.Unix(seconds, 0)).Abs(); off > cfg.TimestampSkew {
			return refuse(cfg.BadRequestCode, "参数错误:Timestamp 已过期")
		}
	}
	return nil
}

// pointsAddBalance is a positive whole number as the page writes it, 0 for
// anything else. Leading zeros are not how one writes a number.
func pointsAddBalance(text string) int64 {
	if !isDigits(text, 1, 18) || text[0] == '0' {
		return 0
	}
	n, _ := strconv.ParseInt(text, 10, 64) // 18 digits fit
	return n
}

// movePoints is user.points-add, and user.points-deduct, which wants the same.
func (s *Simulator) movePoints(req zhimaiRequest, set *settings, m movement) answer {
	refused := s.checkCommon(req, set)
	if refused == nil {
		refused = s.checkPointsAdd(req.params)
	}
	if refused != nil {
		if m.key != "" {
			s.book.refuse(m)
		}
		return *refused
	}
	now := s.now()
	done := s.book.apply(m, set.dedup, now, func() bool {
		sourceType, _ := strconv.Atoi(req.params["sourceType"]) // checked above
		r := record{at: now, points: m.points, spent: m.action == actionDeduct, sourceType: sourceType, text: req.params["reason"],
			echoed: set.records.EchoReason}
		return s.members.move(m.member, r, set.records.MaxPerMember)
	})
	switch {
	case done == notCovered:
		return s.refusal(s.cfg.Zhimai.BelowZeroCode, "积分余额不足")
	case done == appliedBefore && set.dedup.Mode == DedupCode:
		return s.refusal(s.cfg.Zhimai.AlreadyAppliedCode, "业务标识已处理,请勿重复提交")
	}
	return pointsAdded
}

// checkPointsAdd refuses what the page's table does not allow.
func (s *Simulator) checkPointsAdd(p map[string]string) *zhimaiAnswer {
	cfg := &s.cfg.Zhimai
	refuse := func(code, message string) *zhimaiAnswer {
		a := s.refusal(code, message)
		return &a
	}
	bad := func(message string) *zhimaiAnswer { return refuse(cfg.BadRequestCode, "参数错误:"+message) }
	switch {
	case pointsAddBalance(p["balance"]) == 0:
		return bad("balance 应为正整数")
	case p["bizId"] == "" || len(p["bizId"]) > maxKeyBytes:
		return bad("bizId 不能为空或过长")
	case !inRange(p["sourceType"], 12):
		return bad("sourceType 应为 1 至 12")
	case !inRange(p["pointsChannel"], 9):
		return bad("pointsChannel 应为 1 至 9")
	case !isDigits(p["customerId"], 1, 32):
		return bad("customerId 应为 1 至 32 位数字")
	case cfg.ReasonMaxChars > 0 && utf8.RuneCountInString(p["reason"]) > cfg.ReasonMaxChars:
		return bad("reason 过长")
	case !s.members.exists(p["customerId"]):
		return refuse(cfg.UnknownMemberCode, "会员不存在")
	case s.members.isFrozen(p["customerId"]):
		return refuse(cfg.FrozenMemberCode, "会员账号已冻结")
	}
	if _, ok := p["reason"]; !ok {
		return bad("缺少 reason")
	}
	return nil
}

// inRange says whether text is a whole number from 1 to most, without sign or
// leading zero.
func inRange(text string, most int) bool {
	if !isDigits(text, 1, 9) || text[0] == '0' {
		return false
	}
	n, _ := strconv.Atoi(text) // nine digits fit
	return n <= most
}

// reply writes the answer: status as a boolean and code as a number, as the
// pages' tables say, or in one of the ways in which their examples differ.
func (a zhimaiAnswer) reply(f form, bits uint64) reply {
	if f == plainForm && a.data == nil && a.code == pointsAdded.code { // nearly every call
		return jsonReply(http.StatusOK, []byte(`{"status":true,"code":0,"message":"操作成功","data":[]}`))
	}
	top := map[string]any{"status": true, "code": a.code, "message": a.message, "data": a.data}
	if n, err := strconv.ParseInt(a.code, 10, 64); err == nil && f == plainForm && strconv.FormatInt(n, 10) == a.code {
		top["code"] = n
	}
	if a.data == nil {
		top["data"] = []any{}
	}
	switch f {
	case stringForm:
		top["status"] = "true"
		top["data"] = stringify(top["data"])
	case oddForm:
		if a.data == nil && bits&1 == 0 {
			top["data"] = map[string]any{}
		} else if a.data == nil {
			delete(top, "data")
		}
	}
	body, err := json.Marshal(top)
	if err != nil { // maps, lists, strings and numbers only
		panic(fmt.Sprintf("write zhimai answer: %v", err))
	}
	return jsonReply(http.StatusOK, body)
}

// stringify writes every number and boolean as a string, all the way down.
func stringify(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, value := range v {
			out[name] = stringify(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = stringify(value)
		}
		return out
	case string:
		return v
	}
	return fmt.Sprint(v)
}
