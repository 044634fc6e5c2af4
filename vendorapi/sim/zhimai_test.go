package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The expected tokens were computed with openssl:
//
//	printf %s "$payload" | openssl dgst -sha1 -hmac test-open-key-1 -binary | base64
func TestToken(t *testing.T) {
	t.Parallel()
	payload, err := compilePayload(DefaultSigningPayload)
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]string{"OpenId": "6dc05b4ac175cf316d226252b05cf685", "GrantCode": "782c281f62", "Timestamp": "1547186244"}
	for _, tt := range []struct{ nonce, plain, encoded string }{
		{"658965", "9KKeN1+5lvgokssjpSrx2+4wtsE=", "9KKeN1%2B5lvgokssjpSrx2%2B4wtsE%3D"},
		{"658970", "7j0rGZ/M9+nFxZ1wEgqnMptjK98=", "7j0rGZ%2FM9%2BnFxZ1wEgqnMptjK98%3D"},
	} {
		fields["Nonce"] = tt.nonce
		if got := token(payload, fields, "test-open-key-1", true); got != tt.plain {
			t.Errorf("nonce %s: %s, want %s", tt.nonce, got, tt.plain)
		}
		if got := token(payload, fields, "test-open-key-1", false); got != tt.encoded {
			t.Errorf("nonce %s: %s, want %s", tt.nonce, got, tt.encoded)
		}
		if got := token(payload, fields, "test-open-key-2", true); got == tt.plain {
			t.Error("another key made the same token")
		}
	}
}

func TestSignatureOverHTTP(t *testing.T) {
	t.Parallel()
	// A whole request with a token from openssl, the clock not compared.
	s, c := startSim(t, Config{Zhimai: ZhimaiConfig{OpenID: "6dc05b4ac175cf316d226252b05cf685", GrantCode: "782c281f62",
		OpenKey: "test-open-key-1", TimestampSkew: -1, WrongSignatureCode: "SIGN_ERR"}})
	body := func(token string) []byte {
		return []byte(`{"OpenId":"6dc05b4ac175cf316d226252b05cf685","GrantCode":"782c281f62","Timestamp":"1547186244","Nonce":"658965",` +
			`"Token":"` + token + `","Action":"user.points-add","Params":{"balance":"11","bizId":"appPay10190709",` +
			`"customerId":"383933091455959041","reason":"","sourceType":"1","pointsChannel":"7"}}`)
	}
	send := func(b []byte) got { return c.do(context.Background(), "/zvcms/api/v2", nil, b) }
	good := body("9KKeN1%2B5lvgokssjpSrx2%2B4wtsE%3D")
	for name, b := range map[string][]byte{
		"not encoded":        body("9KKeN1+5lvgokssjpSrx2+4wtsE="),
		"lower case":         body("9kken1%2b5lvgokssjpsrx2%2b4wtse%3d"),
		"another nonce":      bytes.Replace(good, []byte("658965"), []byte("658966"), 1),
		"another time":       bytes.Replace(good, []byte("1547186244"), []byte("1547186245"), 1),
		"another grant code": bytes.Replace(good, []byte("782c281f62"), []byte("782c281f63"), 1),
		"another open id":    bytes.Replace(good, []byte("6dc0"), []byte("7dc0"), 1),
	} {
		if g := send(b); g.code() != "SIGN_ERR" {
			t.Errorf("%s: %d %s", name, g.status, g.body)
		}
	}
	if e := lookup(t, s, Zhimai, "appPay10190709"); e.Applied != 0 || e.Refused != 6 || e.Mismatched != 0 {
		t.Errorf("after wrong signatures: %+v", e)
	}
	if g := send(good); g.code() != "0" {
		t.Errorf("right signature: %s", g.body)
	}
	if err := s.SetOpenKey("another"); err != nil {
		t.Fatal(err)
	}
	if g := send(good); g.code() != "SIGN_ERR" {
		t.Errorf("after SetOpenKey: %s", g.body)
	}
	wantCounts(t, lookup(t, s, Zhimai, "appPay10190709"), 8, 1)
	if n := s.Totals(Zhimai).WrongSignature; n != 7 {
		t.Errorf("wrong signatures: %d, want 7", n)
	}
}

func TestSigningTemplates(t *testing.T) {
	t.Parallel()
	for template, ok := range map[string]bool{"{Action}|{Nonce}": true, "{Timestamp}": true, "{OpenKey}{Nonce}": false, "{nonce}{Timestamp}": false, "{OpenId}": false} {
		if _, err := New(Config{Zhimai: ZhimaiConfig{SigningPayload: template}}); (err == nil) != ok {
			t.Errorf("%q: %v", template, err)
		}
	}
}

// What is not exactly as the page says is refused with status true and a code,
// and applies nothing.
func TestPointsAddValidation(t *testing.T) {
	t.Parallel()
	s, c := startSim(t, Config{Members: MembersConfig{Frozen: []string{"5"}, Unknown: []string{"404"}, FrozenSuffix: "000"},
		Zhimai: ZhimaiConfig{ReasonMaxChars: 50}})
	param := func(name string, value any) func(map[string]any) {
		return func(e map[string]any) {
			p := make(map[string]any)
			for n, v := range addParams("bad", nil) {
				p[n] = v
			}
			if p[name] = value; value == nil {
				delete(p, name)
			}
			e["Params"] = p
		}
	}
	field := func(name string, value any) func(map[string]any) {
		return func(e map[string]any) {
			if e[name] = value; value == nil {
				delete(e, name)
			}
		}
	}
	renamed := func(e map[string]any) { e["openid"] = e["OpenId"]; delete(e, "OpenId") }
	old := strconv.FormatInt(time.Now().Add(-time.Hour).Unix(), 10)
	for name, tt := range map[string]struct {
		code   string
		change func(map[string]any)
	}{
		"points number": {"40001", param("balance", 11)}, "points 0": {"40001", param("balance", "0")},
		"points -1": {"40001", param("balance", "-1")}, "points 1.0": {"40001", param("balance", "1.0")},
		"points 011": {"40001", param("balance", "011")}, "points 19 digits": {"40001", param("balance", "1000000000000000000")},
		"no bizId": {"40001", param("bizId", nil)}, "empty bizId": {"40001", param("bizId", "")},
		"long bizId": {"40001", param("bizId", strings.Repeat("x", 257))},
		"sourceType": {"40001", param("sourceType", 1)}, "sourceType 0": {"40001", param("sourceType", "0")},
		"sourceType 13": {"40001", param("sourceType", "13")}, "channel 0": {"40001", param("pointsChannel", "0")},
		"channel 10": {"40001", param("pointsChannel", "10")}, "channel name": {"40001", param("pointsChannel", "pos")},
		"member number": {"40001", param("customerId", 383)}, "member text": {"40001", param("customerId", "38a")},
		"member 33 digits": {"40001", param("customerId", strings.Repeat("1", 33))}, "reason null": {"40001", param("reason", json.RawMessage("null"))},
		"no reason": {"40001", param("reason", nil)}, "reason 51": {"40001", param("reason", strings.Repeat("分", 51))},
		"unknown member": {"40401", param("customerId", "404")}, "frozen member": {"40301", param("customerId", "5")},
		"frozen by suffix": {"40301", param("customerId", "12000")},
		"no Token":         {"40001", field("Token", nil)}, "no Params": {"40001", field("Params", nil)}, "Params list": {"40001", field("Params", []any{})},
		"Nonce number": {"40001", field("Nonce", 7)}, "Nonce 0": {"40001", field("Nonce", "0")}, "Nonce text": {"40001", field("Nonce", "7a")},
		"Timestamp ms": {"40001", field("Timestamp", "1547186244000")}, "Timestamp number": {"40001", field("Timestamp", 1547186244)},
		"Timestamp other": {"40101", field("Timestamp", old)}, "Action": {"40001", field("Action", "user.points-sub")},
		"OpenId other case": {"40001", renamed},
	} {
		e := c.envelope("user.points-add", nil)
		tt.change(e)
		if e["Params"] == nil && name != "no Params" {
			e["Params"] = addParams("bad", nil)
		}
		g := c.do(context.Background(), "/api/v2", nil, mustJSON(e))
		if g.code() != tt.code || g.json()["message"] == "" {
			t.Errorf("%s: %d %s, want code %s", name, g.status, g.body, tt.code)
		}
	}
	for _, e := range s.Book() {
		if e.Applied != 0 || e.Refused != e.Received {
			t.Errorf("%+v", e)
		}
	}
	for name, change := range map[string]map[string]string{"one point": {"balance": "1"}, "18 digits": {"balance": "999999999999999999"},
		"type 12": {"sourceType": "12"}, "channel 9": {"pointsChannel": "9"}, "zeros": {"customerId": "007"},
		"32 digits": {"customerId": strings.Repeat("1", 32)}, "reason 50": {"reason": strings.Repeat("分", 50)}, "no words": {"reason": ""}} {
		p := addParams("good "+name, change)
		if g := c.zhimai(context.Background(), "user.points-add", p); g.code() != "0" {
			t.Errorf("%s: %s", name, g.body)
		}
		if e := lookup(t, s, Zhimai, "good "+name); e.Applied != 1 || strconv.FormatInt(e.Points, 10) != p["balance"] || e.Member != p["customerId"] {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// An old request that is signed well is refused, so that a client that reuses
// a signed body is found out.
func TestTimestampSkew(t *testing.T) {
	t.Parallel()
	var shift time.Duration
	s, err := New(Config{Now: func() time.Time { return time.Now().Add(shift) }})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		shift time.Duration
		code  string
	}{{9 * time.Minute, "0"}, {-9 * time.Minute, "0"}, {11 * time.Minute, "40001"}, {-11 * time.Minute, "40001"}} {
		shift = tt.shift
		base, stop, err := s.Start("")
		if err != nil {
			t.Fatal(err)
		}
		if g := newCaller(t, base).add("k" + tt.shift.String()); g.code() != tt.code {
			t.Errorf("%v: %s", tt.shift, g.body)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestUnreadableRequests(t *testing.T) {
	t.Parallel()
	s, c := startSim(t, Config{})
	for _, body := range []string{"", "null", "[]", "{", "\xff", `{"Action":"user.points-add"}`, strings.Repeat("[", 20_000)} {
		if g := c.do(context.Background(), "/api/v2", nil, []byte(body)); g.code() != "40001" {
			t.Errorf("%.20q: %d %s", body, g.status, g.body)
		}
		if g := c.do(context.Background(), kylinPath, nil, []byte(body)); g.status != 400 {
			t.Errorf("%.20q: %d %s", body, g.status, g.body)
		}
	}
	if g := c.do(context.Background(), "/api/v2", nil, bytes.Repeat([]byte(" "), maxBodyBytes+1)); g.err == nil && g.status != 413 {
		t.Errorf("body over 1 MiB: %d", g.status)
	}
	if n := s.Totals(Zhimai).Malformed; n != 8 || len(s.Book()) != 0 {
		t.Errorf("malformed %d, book %v", n, s.Book())
	}
	g := c.do(context.Background(), "/api/v2", map[string]string{"Content-Type": "text/plain"}, mustJSON(c.envelope("user.points-add", addParams("k", nil))))
	if g.code() != "40001" {
		t.Errorf("text/plain: %s", g.body)
	}
	res, err := c.http.Get(c.url + "/api/v2")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", res.StatusCode)
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	_, c := startSim(t, Config{Members: MembersConfig{StartBalance: 100, Frozen: []string{"9"}, Unknown: []string{"404"},
		UserCodes: map[string]string{"abc": "77"}, Mobiles: map[string]string{"m": "78"}, Cards: map[string]string{"c": "79"}}})
	for _, tt := range []struct {
		params map[string]string
		id     string // empty: not found
		status string
	}{
		{map[string]string{"type": "3", "user_code": "UC" + someMember}, someMember, "1"},
		{map[string]string{"type": "3", "user_code": "UC007"}, "007", "1"},
		{map[string]string{"type": "3", "user_code": "UC9"}, "9", "0"},
		{map[string]string{"type": "3", "user_code": "abc"}, "77", "1"},
		{map[string]string{"type": "3", "user_code": "UC404"}, "", ""},
		{map[string]string{"type": "3", "user_code": "UC"}, "", ""},
		{map[string]string{"type": "3", "user_code": "77"}, "", ""},
		{map[string]string{"type": "4", "user_id": "77"}, "77", "1"},
		{map[string]string{"type": "4", "user_id": "x"}, "", ""},
		{map[string]string{"type": "1", "mobile": "13800138000", "password": "p"}, "13800138000", "1"},
		{map[string]string{"type": "1", "mobile": "m", "password": "p"}, "78", "1"},
		{map[string]string{"type": "1", "mobile": "13800138000", "password": "wrong"}, "", ""},
		{map[string]string{"type": "1", "mobile": "1380013800", "password": "p"}, "", ""},
		{map[string]string{"type": "2", "card_number": "CARD5", "card_password": "p"}, "5", "1"},
		{map[string]string{"type": "2", "card_number": "c", "card_password": "p"}, "79", "1"},
		{map[string]string{"type": "2", "card_number": "CARD5"}, "", ""},
	} {
		g := c.zhimai(context.Background(), "communal.user.identity", tt.params)
		if tt.id == "" {
			if g.code() != "40401" {
				t.Errorf("%v: %s", tt.params, g.body)
			}
			continue
		}
		data, _ := g.json()["data"].(map[string]any)
		info, _ := data["user_info"].(map[string]any)
		if info == nil || string(mustJSON(info["id"])) != tt.id && info["id"] != tt.id || info["status"] != json.Number(tt.status) || info["user_points"] != json.Number("100") {
			t.Errorf("%v: %s", tt.params, g.body)
		}
	}
	if g := c.zhimai(context.Background(), "communal.user.identity", map[string]string{"type": "5"}); g.code() != "40001" {
		t.Errorf("type 5: %s", g.body)
	}
}

func TestMyCards(t *testing.T) {
	t.Parallel()
	s, c := startSim(t, Config{Members: MembersConfig{Unknown: []string{"404"}}})
	list := func(id, recycled string) ([]any, string) {
		g := c.zhimai(context.Background(), "user.my-cards", map[string]string{"user_id": id, "needCycleCard": recycled})
		v, _ := g.json()["data"].([]any)
		return v, g.code()
	}
	lengths := make(map[int]bool)
	for i := range 30 {
		id := strconv.Itoa(i)
		all, code := list(id, "1")
		again, _ := list(id, "1")
		some, _ := list(id, "0")
		if code != "0" || string(mustJSON(all)) != string(mustJSON(again)) || len(all) == 3 && len(some) != 2 || len(all) < 3 && len(some) != len(all) {
			t.Errorf("%s: code %s, %d, %d and %d cards", id, code, len(all), len(again), len(some))
		}
		lengths[len(all)] = true
	}
	if !maps.Equal(lengths, map[int]bool{0: true, 1: true, 2: true, 3: true}) {
		t.Errorf("numbers of cards: %v", lengths)
	}
	if _, code := list("404", "0"); code != "40401" {
		t.Errorf("unknown member: %s", code)
	}
	if _, code := list("1", "2"); code != "40001" {
		t.Errorf("needCycleCard 2: %s", code)
	}
	if n := s.Totals(Zhimai).Reads; n != 92 {
		t.Errorf("reads: %d", n)
	}
}
