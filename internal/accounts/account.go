// Package accounts makes vendor accounts and their clients of the
// configuration, in one way for all commands: what one of them sends or reads,
// the others would, too.
package accounts

import (
	"fmt"
	"strconv"

	"pointsledger/dispatch"
	"pointsledger/internal/config"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/kylin"
	"pointsledger/vendorapi/zhimai"
)

// New makes the dispatcher's account, with its client, of a configured vendor
// that is on.
func New(v config.Vendor) (dispatch.Account, error) {
	a := dispatch.Account{
		Name: v.Name, Concurrency: v.Concurrency, RatePerSecond: float64(v.RatePerSecond), Timeout: v.Timeout,
		Lease: v.Lease, Schedule: v.Schedule, GiveUpAfter: v.GiveUpAfter, KeyMemory: v.KeyMemory, ProbeEvery: v.ProbeEvery,
		Verify: v.InDoubt == config.InDoubtVerify, VerifyAfter: v.VerifyAfter,
		KeysHonoured: v.KeysHonoured, QuietAfter: v.QuietAfter, ClockSkew: v.ClockSkew,
	}
	if v.SampleEvery > 0 {
		a.Sampling = dispatch.SampleEvery(v.SampleEvery)
	}
	var err error
	switch v.Kind {
	case config.KindZhimai:
		a.Vendor, err = Zhimai(v)
	case config.KindKylin:
		a.Vendor, err = newKylin(v)
	default:
		err = fmt.Errorf("unknown kind %q", v.Kind)
	}
	if err != nil {
		return a, fmt.Errorf("vendor account %s: %w", v.Name, err)
	}
	return a, nil
}

// Zhimai makes the client of an account of kind zhimai that is on. The caller
// closes it, or the process ends.
func Zhimai(v config.Vendor) (*zhimai.Client, error) {
	return zhimai.New(zhimai.Config{
		URL: v.URL, OpenID: v.OpenID.Reveal(), GrantCode: v.GrantCode.Reveal(), OpenKey: v.OpenKey.Reveal(),
		Signing: zhimai.Signing{Payload: v.SigningPayload, URLEncode: v.SigningURLEncode},
		Codes: zhimai.Codes{AlreadyApplied: v.Codes.AlreadyApplied, Auth: v.Codes.Auth,
			Throttled: v.Codes.Throttled, Retryable: v.Codes.Retryable},
		HTTP: httpConfig(v),
	})
}

func httpConfig(v config.Vendor) vendorapi.HTTPConfig {
	return vendorapi.HTTPConfig{ConnectTimeout: v.ConnectTimeout, Timeout: v.Timeout, MaxConns: v.Concurrency}
}

func newKylin(v config.Vendor) (*kylin.Client, error) {
	statuses := map[int]vendorapi.Outcome{}
	for outcome, codes := range map[vendorapi.Outcome][]string{
		vendorapi.AlreadyApplied: v.Codes.AlreadyApplied, vendorapi.Unauthorised: v.Codes.Auth,
		vendorapi.Throttled: v.Codes.Throttled, vendorapi.Retryable: v.Codes.Retryable,
	} {
		for _, code := range codes {
			status, err := strconv.Atoi(code)
			if err != nil {
				return nil, fmt.Errorf("code %q: want an HTTP status", code)
			}
			statuses[status] = outcome
		}
	}
	c := KylinConfig(v)
	c.Statuses = statuses
	return kylin.New(c)
}

// KylinConfig is also what a request is previewed with.
func KylinConfig(v config.Vendor) kylin.Config {
	headers := make(map[string]string, len(v.Headers))
	for _, h := range v.Headers {
		headers[h.Name] = h.Value.Reveal()
	}
	return kylin.Config{URL: v.URL, Headers: headers, MemberType: v.MemberType, PointBizType: v.PointBizType,
		AppliedCodes: v.Codes.Applied, HTTP: httpConfig(v)}
}
