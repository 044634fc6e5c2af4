package sim

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"
)

// kylinAnswer is a status of freezePoint and a body. The page lists the
// statuses and gives no body, so a success has one of several.
type kylinAnswer struct {
	status  int
	message string
	body    KylinBody // of a success
}

// reply writes a success as 200, 201 or 204, which all mean frozen.
func (a kylinAnswer) reply(f form, _ uint64) reply {
	status := a.status
	switch {
	case status != http.StatusOK || f == plainForm:
	case f == stringForm:
		status = http.StatusCreated
	default:
		return reply{status: http.StatusNoContent}
	}
	switch a.body {
	case KylinBodyEmpty:
		return reply{status: status}
	case KylinBodyObject:
		return jsonReply(status, []byte(`{}`))
	case KylinBodyNull:
		return jsonReply(status, []byte(`null`))
	case KylinBodyData:
		return jsonReply(status, []byte(`{"success":true,"data":{"frozen":true},"traceId":"0a1b"}`))
	}
	body, err := json.Marshal(map[string]string{"code": strconv.Itoa(status), "message": a.message})
	if err != nil { // two strings
		panic(fmt.Sprintf("write kylin answer: %v", err))
	}
	return jsonReply(status, body)
}

// The actions, which end the paths of the calls; the last two only where
// Config.TakesBack offers them. All want the same body.
const (
	actionFreeze   = "freezePoint"
	actionUnfreeze = "unfreezePoint"
	actionConsume  = "consumePoint"
)

// kylinAction is what a path asks for; empty for a path of nobody's.
func (s *Simulator) kylinAction(path string) string {
	for _, action := range [...]string{actionFreeze, actionUnfreeze, actionConsume} {
		if strings.HasSuffix(path, memberPath+action) && (action == actionFreeze || s.cfg.TakesBack) {
			return action
		}
	}
	return ""
}

func (s *Simulator) readKylin(r *http.Request, body []byte, set *settings) call {
	var c call
	c.action = s.kylinAction(r.URL.Path)
	c.vendor = 1
	tokens := r.Header.Values("X-Business-Token")
	if len(tokens) == 1 && tokens[0] != "" && len(tokens[0]) <= maxKeyBytes {
		c.key = tokens[0]
	}
	c.params = paramsHash(body)
	refused := s.checkKylinHeaders(r)
	member, points, problem := s.parseFreeze(body)
	switch {
	case refused != nil:
	case c.key == "":
		refused = &kylinAnswer{status: http.StatusBadRequest, message: "X-Business-Token: want one, of 1 to 256 bytes"}
	case problem != "":
		refused = &kylinAnswer{status: http.StatusBadRequest, message: problem}
	case strings.HasPrefix(member, "missing-"):
		refused = &kylinAnswer{status: http.StatusNotFound, message: "member not found"}
	}
	if problem == "" {
		c.member, c.points = member, points
	}
	m := c.movement
	c.carryOut = func() answer {
		if refused != nil {
			if m.key != "" {
				s.book.refuse(m)
			}
			return *refused
		}
		switch done := s.book.apply(m, set.dedup, s.now(), func() bool { return s.frozen.move(m) }); {
		case done == notCovered:
			return kylinAnswer{status: http.StatusBadRequest, message: "point: so much is not frozen"}
		case done == appliedBefore && set.dedup.Mode == DedupCode:
			return kylinAnswer{status: s.cfg.Kylin.AlreadyAppliedStatus, message: "already frozen"}
		}
		return kylinAnswer{status: http.StatusOK, message: "OK", body: set.body}
	}
	return c
}

func (s *Simulator) checkKylinHeaders(r *http.Request) *kylinAnswer {
	for name, value := range s.cfg.Kylin.Headers {
		if !sameToken(r.Header.Get(name), value) {
			s.vendors[1].counters.wrongSignature.Add(1)
			return &kylinAnswer{status: http.StatusUnauthorized, message: "Unauthorized"}
		}
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return &kylinAnswer{status: http.StatusUnsupportedMediaType, message: "want Content-Type application/json"}
	}
	return nil
}

// parseFreeze reads freezePoint's body (the page's table of request fields).
// problem is empty when it is well-formed.
func (s *Simulator) parseFreeze(body []byte) (member string, points int64, problem string) {
	var f map[string]json.RawMessage
	if err := json.Unmarshal(body, &f); err != nil || f == nil || !utf8.Valid(body) {
		return "", 0, "body: want a JSON object"
	}
	text := make(map[string]string, 5)
	for _, name := range [...]string{"memberId", "description", "channelType", "memberType", "pointBizType"} {
		value, ok := jsonString(f[name])
		if !ok || strings.TrimSpace(value) == "" {
			return "", 0, name + ": want a string that is not empty"
		}
		text[name] = value
	}
	if raw, ok := f["shopCode"]; ok {
		if _, ok := jsonString(raw); !ok {
			return "", 0, "shopCode: want a string"
		}
	}
	points, ok := wholePoints(string(f["point"]))
	switch {
	case len(text["memberId"]) > 128:
		return "", 0, "memberId: too long"
	case utf8.RuneCountInString(text["description"]) > 255:
		return "", 0, "description: want at most 255 characters"
	case text["channelType"] != "WECHAT":
		return "", 0, "channelType: want WECHAT"
	case s.cfg.Kylin.MemberType != "" && text["memberType"] != s.cfg.Kylin.MemberType:
		return "", 0, "memberType: want " + s.cfg.Kylin.MemberType
	case string(f["idempotentMode"]) != "1":
		return "", 0, "idempotentMode: want the integer 1"
	case !ok:
		return "", 0, "point: want a number above 0 without exponent and without a fraction of a point"
	}
	return text["memberId"], points, ""
}

// wholePoints reads a JSON number such as 5 or 5.0. The vendor takes a double;
// this programme has whole points only, so a fraction is a caller's mistake.
func wholePoints(number string) (int64, bool) {
	whole, fraction, dotted := strings.Cut(number, ".")
	if !isDigits(whole, 1, 18) || dotted && (fraction == "" || strings.Trim(fraction, "0") != "") {
		return 0, false
	}
	n, _ := strconv.ParseInt(whole, 10, 64) // 18 digits fit
	return n, n > 0
}
