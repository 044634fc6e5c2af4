package doctor

import (
	"context"
	"fmt"
	"strings"

	"pointsledger/internal/accounts"
	"pointsledger/internal/config"
	"pointsledger/vendorapi"
)

// credentials is what to do about a signature that is refused.
const credentials = "compare the account's secrets, its address, how it signs (signing_payload and signing_url_encode, or sign) and this machine's clock with the vendor"

// checkSignature asks a vendor who has an impossible code. Zhimai's page names no
// codes, so that a refusal alone does not say whether the signature or the
// code was refused: a call with a wrong signature shows the difference.
func (d *Examination) checkSignature(ctx context.Context, v config.Account, settings vendorapi.Signed, resolver vendorapi.Resolver) {
	check := "account " + v.Name + " signature"
	_, reply := resolver.Resolve(ctx, impossibleCode)
	switch {
	case answeredWell(reply):
		d.signed[v.Name] = true
		d.ok(check, "accepted: the vendor answers "+said(reply)+" to an identity call")
		return
	case reply.Outcome == vendorapi.Unauthorised:
		if !d.foundVariant(ctx, v, check, reply) {
			d.wrong(check, "refused: the vendor answers "+said(reply)+" to an identity call", credentials)
		}
		return
	case reply.Outcome == vendorapi.NotSent:
		d.wrong(check, "the vendor cannot be reached: "+said(reply), "correct the account's url, or open the way to it")
		return
	case reply.Outcome == vendorapi.Throttled:
		d.note(check, "not known: the vendor asks for fewer calls: "+said(reply), "run doctor again later")
		return
	case reply.Code != "" && reply.Outcome == vendorapi.Unknown && d.foundVariant(ctx, v, check, reply):
		return
	case reply.Code == "" || reply.Outcome != vendorapi.Refused:
		d.wrong(check, "not known: the vendor's answer to an identity call is no clear one: "+said(reply), "see whether the account's url is right; ask the vendor")
		return
	}
	d.compareSignatures(ctx, v, settings, check, reply)
}

// compareSignatures makes the refused call again with a wrong key.
func (d *Examination) compareSignatures(ctx context.Context, v config.Account, settings vendorapi.Signed, check string, reply vendorapi.Reply) {
	answer, err := identityWith(ctx, v, settings.WithWrongKey())
	switch {
	case err != nil:
		d.wrong(check, err.Error(), "correct the configuration")
	case answer.Outcome == vendorapi.Unknown || answer.Outcome == vendorapi.NotSent || answer.Outcome == vendorapi.Throttled:
		d.note(check, fmt.Sprintf("not known: an identity call with a code that nobody has is answered %s, the same call with a wrong signature %s", said(reply), said(answer)),
			"run doctor again; if code "+reply.Code+" means a wrong signature, list it: "+listed(v, reply.Code))
	case answer.Code == reply.Code && d.foundVariant(ctx, v, check, reply):
	case answer.Code == reply.Code:
		d.wrong(check, fmt.Sprintf("most likely refused: the vendor answers %s, and the same code to a call that is signed wrongly on purpose", said(reply)),
			credentials+"; if the vendor confirms that the code means this, list it: "+listed(v, reply.Code))
	default:
		d.signed[v.Name] = true
		text := fmt.Sprintf("accepted: a code that nobody has is answered %s, a wrong signature otherwise: %s", said(reply), said(answer))
		if answer.Outcome == vendorapi.Refused {
			d.note(check, text, "list the second, so that a wrong key pauses the account at once: "+listed(v, answer.Code))
			return
		}
		d.ok(check, text)
	}
}

// listed is how an account says that a code means refused credentials.
func listed(v config.Account, code string) string {
	if _, own := v.Settings.(vendorapi.Offering); own {
		return "an outcome of its calls with the code " + code + " and means: unauthorised"
	}
	return "codes: {auth: [\"" + code + "\"]}"
}

// identityWith asks who has a code that nobody has, with other settings.
func identityWith(ctx context.Context, v config.Account, s vendorapi.Settings) (vendorapi.Reply, error) {
	v.Settings = s
	account, err := accounts.New(v)
	if err != nil {
		return vendorapi.Reply{}, err
	}
	defer closeVendor(account.Vendor)
	_, reply := account.Vendor.(vendorapi.Resolver).Resolve(ctx, impossibleCode)
	return reply, nil
}

// foundVariant tries the other signatures that the vendor's pages leave open, and
// reports the first that is accepted with the lines to write. It is false when none is.
func (d *Examination) foundVariant(ctx context.Context, v config.Account, check string, refused vendorapi.Reply) bool {
	varied, open := v.Settings.(vendorapi.Varied)
	if !open {
		return false
	}
	for _, variant := range varied.Variants() {
		reply, err := identityWith(ctx, v, variant.Settings)
		if err != nil {
			continue // the settings of the account are right, so that those of a variant are
		}
		accepted := answeredWell(reply) || reply.Outcome == vendorapi.Refused && reply.Code != "" && reply.Code != refused.Code
		if !accepted {
			continue
		}
		d.wrong(check, fmt.Sprintf("refused as it is configured (the vendor answers %s), and accepted in another way: %s", said(refused), said(reply)),
			"write into the account "+v.Name+": "+strings.Join(variant.Lines, "; "))
		return true
	}
	return false
}
