package sim

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
)

func TestFreezeValidation(t *testing.T) {
	t.Parallel()
	s, c := startSim(t, Config{Kylin: KylinConfig{Headers: map[string]string{"X-App": "secret"}, MemberType: "aupres"}})
	send := func(key string, change map[string]any) got {
		return c.do(context.Background(), "/gateway"+kylinPath, map[string]string{"X-Business-Token": key, "X-App": "secret"}, freezeBody(change))
	}
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	for name, tt := range map[string]struct {
		field  string
		value  any
		status int
	}{
		"no member": {"memberId", nil, 400}, "member number": {"memberId", 1, 400}, "empty member": {"memberId", "", 400},
		"missing member": {"memberId", "missing-7", 404}, "no description": {"description", nil, 400},
		"description 256": {"description", strings.Repeat("分", 256), 400}, "channel": {"channelType", "wechat", 400},
		"member type": {"memberType", "GMYB", 400}, "no biz type": {"pointBizType", "", 400}, "mode 0": {"idempotentMode", 0, 400},
		"mode text": {"idempotentMode", "1", 400}, "mode 1.0": {"idempotentMode", raw("1.0"), 400}, "point text": {"point", "5", 400},
		"point 0": {"point", raw("0.0"), 400}, "point -1": {"point", -1, 400}, "point 5.5": {"point", raw("5.5"), 400},
		"point 1e2": {"point", raw("1e2"), 400}, "no point": {"point", nil, 400}, "shop number": {"shopCode", 7, 400},
		"point null": {"point", raw("null"), 400},
	} {
		if g := send("bad", map[string]any{tt.field: tt.value}); g.status != tt.status || g.json()["message"] == "" {
			t.Errorf("%s: %d %s, want %d", name, g.status, g.body, tt.status)
		}
	}
	if e := lookup(t, s, Kylin, "bad"); e.Applied != 0 || e.Refused != e.Received || e.Received != 20 {
		t.Errorf("%+v", e)
	}
	for key, change := range map[string]map[string]any{"int": {"point": 5}, "one": {"point": raw("1.00")}, "shop": {"shopCode": "S1"},
		"long": {"description": strings.Repeat("分", 255)}, "big": {"point": raw("999999999999999999.0")}} {
		if g := send(key, change); g.status != 200 {
			t.Errorf("%s: %d %s", key, g.status, g.body)
		}
		wantCounts(t, lookup(t, s, Kylin, key), 1, 1)
	}
	if n := lookup(t, s, Kylin, "big").AppliedPoints; n != 999999999999999999 {
		t.Errorf("big: %d points", n)
	}
	if g := send("", nil); g.status != 400 {
		t.Errorf("empty X-Business-Token: %d", g.status)
	}
	if g := send(strings.Repeat("x", 257), nil); g.status != 400 {
		t.Errorf("long X-Business-Token: %d", g.status)
	}
	if g := c.freeze("no header"); g.status != 401 {
		t.Errorf("without the required header: %d", g.status)
	}
	if k := s.Totals(Kylin); k.Malformed != 2 || k.WrongSignature != 1 || k.Applied != 5 {
		t.Errorf("totals %+v", k)
	}
}
