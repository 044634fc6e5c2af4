package custom_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pointsledger/vendorapi"
)

// exampleEnvironment has every variable of the examples.
var exampleEnvironment = append([]string{shopKey, "KYLIN_AUTHORIZATION=Bearer gateway", "WECHAT_APP_ID=wx1", "WECHAT_APP_SECRET=wechat-secret",
	"YOUZAN_CLIENT_ID=yz1", "YOUZAN_CLIENT_SECRET=youzan-secret", "YOUZAN_SHOP_ID=12345"}, zhimaiEnvironment...)

// Each example of docs/vendors is a whole configuration: it loads without a warning, is
// on with its variables, and shows a request for each of its calls.
func TestVendorExamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../docs/vendors/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%v: %v", files, err)
	}
	page, err := os.ReadFile("../../docs/vendors/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		if !strings.Contains(string(page), "["+name+"]("+name+")") {
			t.Errorf("README does not name %s", name)
		}
		cfg, err := load(example(t, name), exampleEnvironment...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		v := cfg.Accounts[0]
		if !v.On() || len(v.Calls) == 0 {
			t.Errorf("%s: off because %s", name, v.OffBecause())
		}
		for _, call := range v.Calls {
			operation := grant()
			operation.Kind = call
			p := v.Settings.Preview(v.URL, operation, "")
			if p.Method != "POST" || !json.Valid(p.Body) || !strings.Contains(string(p.Body), "0042") {
				t.Errorf("%s %s: %+v %s", name, call, p, p.Body)
			}
			for _, secret := range v.Settings.Secrets() {
				if shown := p.URL + string(p.Body); strings.Contains(shown, secret.Reveal()) {
					t.Errorf("%s %s shows a secret: %s", name, call, shown)
				}
			}
		}
		if _, err := v.Settings.Open(v.URL, vendorapi.HTTPConfig{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// The parts that the page shows are read as it says: each is put into an account.
func TestPageOfVendors(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/vendors/README.md")
	if err != nil {
		t.Fatal(err)
	}
	base := strings.NewReplacer("{key: SHOP_KEY}", "{key: SHOP_KEY, id: SHOP_ID}").Replace(shop)
	indent := func(text, by string) string {
		return by + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+by) + "\n"
	}
	blocks := yamlBlock.FindAllStringSubmatch(string(page), -1)
	if len(blocks) != 6 {
		t.Fatalf("%d blocks", len(blocks))
	}
	calls := "    calls:\n"
	for _, block := range blocks {
		text := block[1]
		switch {
		case strings.HasPrefix(text, "request:"):
			text = strings.Replace(base, calls, calls+"      points_deduct:\n"+indent(text, "        ")+"        outcomes: [{at: {/a: [1]}, means: applied}]\n", 1)
		case strings.HasPrefix(text, "outcomes:"):
			text = strings.Replace(base, calls, calls+"      points_deduct:\n        request: POST /p/{member_id}/{points}\n"+indent(text, "        "), 1)
		case strings.HasPrefix(text, "token:"), strings.HasPrefix(text, "sign:"):
			text = strings.Replace(base, calls, indent(text, "    ")+calls, 1)
		default:
			text = strings.Replace(base, calls, calls+indent(text, "      "), 1)
		}
		if _, err := load(text, shopKey, "SHOP_ID=id"); err != nil {
			t.Errorf("%s\n%v", block[1], err)
		}
	}
}

// What the WeChat and Youzan files send, to the letter.
func TestRequestsOfExamples(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct{ token, answer, first, body string }{
		"wechat-shop.yaml": {
			`{"access_token":"at/1","expires_in":7200}`, `{"errcode":0,"errmsg":"ok"}`, "POST /channels/ec/vip/user/score/increase?access_token=at%2F1",
			`{"openid":"0042","score":"7","remark":"订单 #7K2M","request_id":"pa7k2m"}`,
		},
		"youzan.yaml": {
			`{"success":true,"code":200,"data":{"access_token":"at/1","expires":4102444800000}}`, `{"success":true,"code":200,"data":{"is_success":"true"},"message":""}`,
			"POST /api/youzan.crm.customer.points.increase/3.1.0?access_token=at%2F1",
			`{"account_id":"0042","account_type":3,"points":7,"reason":"订单 #7K2M","biz_value":"pa7k2m"}`,
		},
	} {
		s := serve(t, func(n int, _ got) reply { return reply{body: []string{want.token, want.answer}[min(n-1, 1)]} })
		_, sender := open(t, withURL(t, example(t, name), s.url), s.url, exampleEnvironment...)
		if r := sender.Send(t.Context(), grant()); r.Outcome != vendorapi.Applied {
			t.Errorf("%s: %+v", name, r)
		}
		all := s.requests()
		if len(all) != 2 || all[1].target != want.first || all[1].body != want.body {
			t.Errorf("%s: %+v", name, all)
		}
		taken := grant()
		taken.Kind = "points_deduct"
		if r := sender.Send(t.Context(), taken); r.Outcome != vendorapi.Applied || !strings.Contains(s.requests()[2].target, "decrease") {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
