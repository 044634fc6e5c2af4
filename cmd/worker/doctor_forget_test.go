package main

import (
	"encoding/json"
	"strings"
	"testing"

	"pointsledger/desk"
	"pointsledger/internal/doctor"
	"pointsledger/vendorapi/sim"
)

// A person sees what is known of an account, and has it forgotten by an act that
// is kept.
func TestDoctorForget(t *testing.T) {
	t.Parallel()
	r := newDoctorRig(t, sim.Config{Zhimai: sim.ZhimaiConfig{Records: sim.RecordsConfig{EchoReason: true}}})
	r.doctor(0, "--live-member", doctorMember, "--yes", "--settle", "200ms")
	const known = `SELECT count(*) FROM endpoints WHERE target = 'zhimai' AND reference_state = 'shown' AND keys_seen_at IS NOT NULL`
	if r.count(known) != 1 {
		t.Fatal("the live check taught nothing")
	}
	report := r.doctor(0)
	report.want(t, "account zhimai records", doctor.OK, "its records show our references, since", "a repeated key was seen honoured")

	out, errs, code := r.run("", "doctor", "--forget", "zhimai")
	if code != 0 || !strings.Contains(out, "its records show our references") || !strings.Contains(out, "Nothing was forgotten") || r.count(known) != 1 {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	for flag, args := range map[string][]string{
		"--reason":      {"--forget", "zhimai", "--yes"},
		"--forget":      {"--reason", "x"},
		"--live-member": {"--forget", "zhimai", "--live-member", "1"},
		"zhimai":        {"--forget", "zhimaj", "--yes", "--reason", "a slip"},
		"account":       {"--forget", ""},
	} {
		if _, errs, code := r.run("", append([]string{"doctor"}, args...)...); code != 2 || !strings.Contains(errs, flag) {
			t.Errorf("%v: exit %d: %s", args, code, errs)
		}
	}
	out, errs, code = r.run("", "doctor", "--forget", "zhimai", "--yes", "--reason", "moved", "--operator", "lin", "--json")
	var got forgetReport
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || got.Forgotten != 1 || len(got.Known) != 1 {
		t.Errorf("exit %d: %s%s %v", code, out, errs, err)
	}
	const something = `SELECT count(*) FROM endpoints WHERE reference_state <> 'unknown' OR keys_seen_at IS NOT NULL OR zone_offset_minutes IS NOT NULL OR newest_sent_at IS NOT NULL`
	if n := r.count(something) + r.count(`SELECT count(*) FROM endpoint_samples`) + r.count(`SELECT count(*) FROM endpoint_extents`); n != 0 {
		t.Errorf("%d rows still know something", n)
	}
	if n := r.count(`SELECT count(*) FROM ops_actions WHERE actor = 'lin' AND reason = 'moved' AND filter = 'account zhimai' AND action = '` + desk.ActForget + `'`); n != 1 {
		t.Errorf("%d acts are kept", n)
	}
}
