package accounts

import (
	"reflect"
	"testing"
	"time"

	"pointsledger/internal/config"
	"pointsledger/vendorapi/kylin"
)

// Rates of calls are taken over one by one.
func TestNewAccountTakesOverTheRates(t *testing.T) {
	t.Parallel()
	v := config.Account{Name: "kylin", Kind: "kylin", URL: "http://127.0.0.1:1", Settings: kylin.Settings{MemberType: "aupres", PointBizType: "POINT"},
		Timeout: 2 * time.Second, ConnectTimeout: time.Second, Rates: map[string]int{"freeze_point": 7}, FreshShare: 0.25}
	a, err := New(v)
	if err != nil || !reflect.DeepEqual(a.Rates, map[string]float64{"freeze_point": 7}) || a.FreshShare != 0.25 {
		t.Errorf("rates %v, share %g, %v", a.Rates, a.FreshShare, err)
	}
}

// What the configuration says about delivery is what the dispatcher does.
func TestNewAccountTakesOverTheSettings(t *testing.T) {
	t.Parallel()
	v := config.Account{Name: "kylin", Kind: "kylin", URL: "http://127.0.0.1:1", InDoubt: config.InDoubtResend,
		Settings: kylin.Settings{MemberType: "aupres", PointBizType: "POINT"}, Timeout: 2 * time.Second, ConnectTimeout: time.Second, Concurrency: 3,
		RatePerSecond: 4, Lease: 50 * time.Second, Schedule: []time.Duration{6 * time.Second}, GiveUpAfter: 7 * time.Minute,
		VerifyAfter: 8 * time.Second, KeyMemory: 9 * time.Hour, ProbeEvery: 10 * time.Second,
		KeysHonoured: true, QuietAfter: 11 * time.Second, ClockSkew: 12 * time.Second, SampleEvery: 13 * time.Second, CodeMaxAge: 14 * time.Minute}
	a, err := New(v)
	if err != nil {
		t.Fatal(err)
	}
	type settings struct {
		Concurrency                                                     int
		Rate                                                            float64
		Timeout, Lease, Wait, GiveUpAfter, VerifyAfter, Memory, Probing time.Duration
		Honoured                                                        bool
		Quiet, Skew, Sample, CodeMaxAge                                 time.Duration
	}
	got := settings{a.Concurrency, a.RatePerSecond, a.Timeout, a.Lease, a.Schedule[0], a.GiveUpAfter, a.VerifyAfter, a.KeyMemory, a.ProbeEvery,
		a.KeysHonoured, a.QuietAfter, a.ClockSkew, a.Sampling.Every, a.CodeMaxAge}
	want := settings{3, 4, 2 * time.Second, 50 * time.Second, 6 * time.Second, 7 * time.Minute, 8 * time.Second, 9 * time.Hour, 10 * time.Second,
		true, 11 * time.Second, 12 * time.Second, 13 * time.Second, 14 * time.Minute}
	if !reflect.DeepEqual(got, want) || a.Verify {
		t.Errorf("got %+v, verify %t; want %+v", got, a.Verify, want)
	}
}
