package custom_test

import (
	"fmt"
	"strings"
	"testing"

	"pointsledger/internal/config"
	"pointsledger/vendorapi"
)

// A secret may stand in a file that its variable names, and no print of a
// configuration or its client shows it.
func TestSecretsOfAccounts(t *testing.T) {
	t.Parallel()
	files := map[string]string{"points.yaml": shop, "/run/key": "k3y/of the+shop\n"}
	cfg, err := config.Load([]string{"WORKER_CONFIG=points.yaml", "SHOP_KEY_FILE=/run/key"}, func(path string) ([]byte, error) { return []byte(files[path]), nil })
	if err != nil {
		t.Fatal(err)
	}
	s := always(t, 200, `{"errcode":0,"data":1}`)
	sender, err := cfg.Accounts[0].Settings.Open(s.url, vendorapi.HTTPConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if r := sender.Send(t.Context(), grant()); r.Outcome != vendorapi.Applied || s.requests()[0].header.Get("X-Key") != "k3y/of the+shop" {
		t.Errorf("%+v", r)
	}
	var shown strings.Builder
	if err := cfg.DescribeJSON(&shown); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&shown, "%v %+v %#v", cfg.Accounts[0].Settings, cfg.Accounts[0].Settings, cfg.Accounts[0])
	if strings.Contains(shown.String(), "k3y") {
		t.Errorf("shows %s", shown.String())
	}
	if !strings.Contains(shown.String(), `"vendors.shop.secrets.key"`) || !strings.Contains(shown.String(), `"vendors.shop.calls"`) {
		t.Errorf("does not show the account: %s", shown.String())
	}
}
