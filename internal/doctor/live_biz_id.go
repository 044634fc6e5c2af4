package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pointsledger/internal/config"
	"pointsledger/vendorapi"
)

// grantedPoints is how many of the two grants were applied, as records and
// balance show; ok is false when they do not tell, and why says so.
func (t *trial) grantedPoints(seen int, rise *int64) (granted int64, why string, ok bool) {
	ours := 0
	for _, r := range t.after {
		if strings.Contains(r.Text, t.Reference) {
			ours++
		}
	}
	switch {
	case ours > 0:
		seen = ours // other movements of the member do not matter
	case t.VisibleAfterMS == nil && rise == nil:
		return 0, "neither records nor a balance show it", false
	case t.VisibleAfterMS == nil:
		seen = int(*rise)
	}
	switch {
	case seen < 1 || seen > 2:
		return 0, "the member has other movements at the same time", false
	case rise != nil && *rise != int64(seen):
		return 0, fmt.Sprintf("%d new records, but the balance changed by %d", seen, *rise), false
	}
	return int64(seen), "", true
}

// reportSecond says what the vendor did with the second grant.
func (t *trial) reportSecond(second vendorapi.Reply, seen int, rise *int64) {
	const check = "live bizId"
	granted, why, ok := t.grantedPoints(seen, rise)
	if !ok {
		t.note(check, fmt.Sprintf("cannot tell whether it is honoured: %s; the second grant is answered %s", why, t.Second),
			"take a member that nobody else uses, and run it again")
		t.advise(second, false)
		return
	}
	honoured := granted == 1
	t.Granted, t.Honoured = &granted, &honoured
	switch {
	case !honoured:
		t.wrong(check, fmt.Sprintf("NOT honoured: the member really got 2 points; the second grant is answered %s", t.Second),
			"keep in_doubt: verify, never resend; ask the vendor, its page promises bizId to be the dedup key")
	case second.Outcome == vendorapi.Applied:
		t.ok(check, "honoured: 1 point in all; the second grant is answered with success again, "+t.Second)
	case second.Outcome == vendorapi.AlreadyApplied:
		t.ok(check, "honoured: 1 point in all; the second grant is answered "+t.Second+", which codes.already_applied lists")
	case second.Outcome == vendorapi.Unknown || second.Outcome == vendorapi.NotSent:
		t.note(check, "not known: 1 point in all, but the second grant may not have arrived: "+t.Second, "run it again")
		t.Honoured = nil
	case second.Outcome == vendorapi.Refused:
		t.note(check, "honoured: 1 point in all; the second grant is answered "+t.Second,
			"if the vendor confirms that this code means already applied, list it under codes.already_applied")
	default:
		t.wrong(check, fmt.Sprintf("honoured: 1 point in all; the second grant is answered %s, which the configuration lists as %s", t.Second, second.Outcome),
			"if the vendor confirms that this code means already applied, move it to codes.already_applied")
	}
	t.advise(second, honoured)
}

// advise writes the account's YAML as it should be from what was learned.
func (t *trial) advise(second vendorapi.Reply, honoured bool) {
	if honoured && second.Outcome != vendorapi.Applied && second.Outcome != vendorapi.Unknown && second.Code != "" && second.Code != "0" {
		t.Advice = append(t.Advice, codesWith(codeLists(t.account), second.Code)+"  # in place of the codes that are there, once the vendor has confirmed it")
	}
	readable := t.VisibleAfterMS != nil && t.SameID != nil && *t.SameID
	switch {
	case readable:
		t.Advice = append(t.Advice, "in_doubt: "+config.InDoubtVerify)
	case t.Honoured != nil && *t.Honoured:
		t.Advice = append(t.Advice, "in_doubt: "+config.InDoubtResend+"  # the records cannot be used, bizId is honoured")
	default:
		t.Advice = append(t.Advice, "in_doubt: "+config.InDoubtVerify+"  # what is in doubt is left to a person: neither records nor bizId can be trusted")
	}
	if readable {
		t.reportVerifyAfter()
	}
	if t.Honoured == nil || *t.Honoured {
		t.Advice = append(t.Advice, fmt.Sprintf("key_memory: %s  # as now; one run cannot show how long bizId is remembered: ask the vendor", yamlDuration(t.account.KeyMemory)))
	} else {
		t.Advice = append(t.Advice, fmt.Sprintf("key_memory: %s  # as now; bizId is not remembered at all, verify alone prevents doubles", yamlDuration(t.account.KeyMemory)))
	}
}

// codeLists are the codes of an account by list, nil for a kind that has none.
func codeLists(v config.Account) map[string][]string {
	if settings, has := v.Settings.(interface{ CodeLists() map[string][]string }); has {
		return settings.CodeLists()
	}
	return nil
}

// codesWith is the account's codes as YAML, the given one among already_applied
// and in no other list.
func codesWith(codes map[string][]string, code string) string {
	already := slices.Clone(codes["already_applied"])
	if !slices.Contains(already, code) {
		already = append(already, code)
	}
	var lists []string
	for _, list := range []struct {
		name  string
		codes []string
	}{{"already_applied", already}, {"auth", codes["auth"]}, {"throttled", codes["throttled"]}, {"retryable", codes["retryable"]}} {
		var quoted []string
		for _, c := range list.codes {
			if c != code || list.name == "already_applied" {
				quoted = append(quoted, fmt.Sprintf("%q", c))
			}
		}
		if len(quoted) > 0 {
			lists = append(lists, list.name+": ["+strings.Join(quoted, ", ")+"]")
		}
	}
	return "codes: {" + strings.Join(lists, ", ") + "}"
}

// yamlDuration writes a duration without its zero parts: 24h, not 24h0m0s.
func yamlDuration(d time.Duration) string {
	text := d.String()
	if cut, found := strings.CutSuffix(text, "m0s"); found {
		text = cut + "m"
	}
	if cut, found := strings.CutSuffix(text, "h0m"); found {
		text = cut + "h"
	}
	return text
}
