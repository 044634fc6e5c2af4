package kylin

import (
	"net/http"
	"strings"
	"testing"

	"pointsledger/vendorapi"
)

const maintenancePage = "<!DOCTYPE html><html><head><title>系统维护中</title></head><body>" + gatewayKey + "</body></html>"

// A 200 or 201 counts only with a body that can be Kylin's; what a gateway, a
// firewall or a maintenance page says is unknown, and the same key is sent again.
func TestBodiesOfAFreeze(t *testing.T) {
	t.Parallel()
	applied := []string{
		"", " \r\n", "\ufeff", "null", "true", "{}", `{"code":"200","message":"OK"}`, `{"code":0,"msg":"冻结成功","data":{"code":"500"}}`,
		`{"code":null,"success":true,"errors":[]}`, `{"success":"true","errmsg":"ok"}`, `{"status":true,"ok":1}`, `{"status":200}`, `{"status":"SUCCESS","error":null,"exception":""}`,
		"\ufeff{\"traceId\":\"0a1b\"}", `{"data":{"frozen":true}}`, `{"code":"10000","msg":"success"}`,
	}
	unknown := []string{
		maintenancePage, "<html>", "OK", "success", "200", "false", `"ok"`, "[]", `["x"]`, `{"code":"200"`, `{"code":"200"} <!-- gateway -->`,
		`{"code":"500","message":"系统繁忙"}`, `{"code":500}`, `{"errcode":-1}`, `{"Code":"E1001"}`, `{"code":{"value":0}}`,
		`{"success":false}`, `{"success":"false","code":0}`, `{"status":"fail"}`, `{"ok":0}`, `{"status":false}`, `{"success":0}`, `{"error":"forbidden"}`,
		`{"errors":[{"m":1}]}`, `{"err_msg":"blocked"}`, `{"code":200,"code":500}`, `{"code":500,"code":200}`, "\x00", `{"code":"10001"}`,
	}
	ask := func(status int, body, contentType string) vendorapi.Reply {
		url, _ := newVendor(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		})
		cfg := testConfig(url)
		cfg.AppliedCodes = []string{"10000"}
		return newTestClient(t, cfg).FreezePoint(t.Context(), sampleFreeze())
	}
	for _, status := range []int{200, 201} {
		for _, body := range applied {
			if reply := ask(status, body, "application/json"); reply.Outcome != vendorapi.Applied || reply.Err != nil || reply.Message != "" {
				t.Errorf("%d %q: %+v", status, body, reply)
			}
		}
		for _, body := range unknown {
			reply := ask(status, body, "text/html; charset=utf-8")
			if reply.Outcome != vendorapi.Unknown || reply.Err == nil || reply.HTTPStatus != status || strings.Contains(reply.Message, gatewayKey) {
				t.Errorf("%d %q: %+v", status, body, reply)
			}
		}
	}
	// What the vendor said is kept for whoever looks.
	if reply := ask(200, `{"code":"E1001","message":"会员冻结失败"}`, "application/json"); reply.Code != "E1001" ||
		!strings.Contains(reply.Message, "会员冻结失败") || !strings.Contains(reply.Err.Error(), "status 200 is not believed") {
		t.Errorf("%+v", reply)
	}
	if reply := ask(204, "", "text/html"); reply.Outcome != vendorapi.Applied {
		t.Errorf("204: %+v", reply)
	}
}
