package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"pointsledger/desk/wording"
	"pointsledger/internal/accounts"
	"pointsledger/internal/advice"
	"pointsledger/internal/config"
	"pointsledger/ledger/gates"
	"pointsledger/ledger/knowledge"
	"pointsledger/vendorapi"
)

// impossibleCode is a scanned code that no member has.
const impossibleCode = "points-ledger-doctor"

// impossibleMember is a member's id that no member has.
const impossibleMember = "points-ledger-doctor"

func (d *Examination) checkAccount(ctx context.Context, v config.Account) {
	account, err := accounts.New(v)
	if err != nil {
		d.wrong("account "+v.Name, err.Error(), "correct the configuration")
		return
	}
	d.ok("account "+v.Name, fmt.Sprintf("on: %s at %s, in_doubt %s", v.Kind, vendorapi.PreviewURL(v.URL), v.InDoubt))
	settings, signs := v.Settings.(vendorapi.Signed)
	resolver, asks := account.Vendor.(vendorapi.Resolver)
	reader, reads := account.Vendor.(vendorapi.RecordReader)
	switch {
	case signs && asks:
		d.checkSignature(ctx, v, settings, resolver)
	case asks:
		_, reply := resolver.Resolve(ctx, impossibleCode)
		d.checkRead(v, "who has a code that nobody has", reply)
	case reads:
		_, reply := reader.ReadRecords(ctx, impossibleMember)
		d.checkRead(v, "for the records of a member that nobody is", reply)
	default:
		d.checkRight(ctx, v, account.Vendor)
	}
	closeVendor(account.Vendor)
	d.checkGate(ctx, v)
}

// closeVendor closes a vendor's connections.
func closeVendor(v vendorapi.Sender) {
	if open, is := v.(vendorapi.Closer); is {
		open.Close()
	}
}

// answeredWell tells that the vendor accepted who asks, also when it named no
// member.
func answeredWell(r vendorapi.Reply) bool {
	return r.Outcome == vendorapi.Applied || errors.Is(r.Err, vendorapi.ErrNoMember)
}

// said is what the vendor said, for a person.
func said(r vendorapi.Reply) string {
	var parts []string
	if r.HTTPStatus != 0 && r.HTTPStatus != 200 {
		parts = append(parts, fmt.Sprintf("HTTP %d", r.HTTPStatus))
	}
	if r.Code != "" {
		parts = append(parts, "code "+r.Code)
	}
	if r.Message != "" {
		parts = append(parts, fmt.Sprintf("%q", r.Message))
	}
	if r.Err != nil {
		parts = append(parts, "("+r.Err.Error()+")")
	}
	if len(parts) == 0 {
		return r.Outcome.String()
	}
	return strings.Join(parts, " ")
}

// checkRight asks for the account's right to call where it needs one, at a vendor at
// which nothing can be read.
func (d *Examination) checkRight(ctx context.Context, v config.Account, vendor vendorapi.Sender) {
	if authorised, needs := vendor.(vendorapi.Authorised); needs {
		if reply, asked := authorised.Authorise(ctx); asked {
			d.checkRead(v, "for a token", reply)
			return
		}
	}
	d.checkReach(ctx, v)
}

// checkRead tells what became of a read that changes nothing, at a vendor that does
// not sign, or cannot be asked who a member is.
func (d *Examination) checkRead(v config.Account, asked string, reply vendorapi.Reply) {
	check := "account " + v.Name + " read"
	found := "asked " + asked + ", the vendor answers " + said(reply)
	switch {
	case answeredWell(reply):
		d.signed[v.Name] = true
		d.ok(check, "accepted: asked "+asked+", the vendor answers as the account describes it")
	case reply.Outcome == vendorapi.Unauthorised:
		d.wrong(check, "refused: "+found, "compare the account's secrets and its url with the vendor")
	case reply.Outcome == vendorapi.NotSent:
		d.wrong(check, "the vendor cannot be asked: "+said(reply), "correct the account's url or its token, or open the way to it")
	case reply.Outcome == vendorapi.Throttled:
		d.note(check, "not known: the vendor asks for fewer calls: "+said(reply), "run doctor again later")
	case reply.Outcome == vendorapi.Refused:
		d.note(check, "the credentials seem to be accepted: "+found, "if this is how the vendor says that there is no such member, nothing")
	default:
		d.note(check, "not known: "+found, "no outcome of the account fits this answer: compare it with the vendor's page, and list what it means")
	}
}

// checkReach connects to a vendor that offers no call which only reads (Kylin).
func (d *Examination) checkReach(ctx context.Context, v config.Account) {
	check := "account " + v.Name + " address"
	const unread = "nothing there can be read without changing something, so whether its credentials are right shows at the first call"
	u, err := vendorapi.ParseURL(v.URL)
	if err != nil {
		d.wrong(check, err.Error(), "correct the account's url")
		return
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	address := net.JoinHostPort(u.Hostname(), port)
	err = within(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, v.ConnectTimeout)
		defer cancel()
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		defer conn.Close()
		if u.Scheme != "https" {
			d.ok(check, fmt.Sprintf("%s answers (no TLS); %s", address, unread))
			return nil
		}
		secure := tls.Client(conn, &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12})
		if err := secure.HandshakeContext(ctx); err != nil {
			return fmt.Errorf("shake hands with tls: %w", err)
		}
		until := secure.ConnectionState().PeerCertificates[0].NotAfter
		d.ok(check, fmt.Sprintf("%s answers, its certificate is good until %s; %s", address, until.Format(time.DateOnly), unread))
		return nil
	})
	if err != nil {
		d.wrong(check, fmt.Sprintf("%s cannot be reached: %v", address, err), "correct the account's url, or open the way to it")
	}
}

// checkGate tells what the workers have learned about the account.
func (d *Examination) checkGate(ctx context.Context, v config.Account) {
	if d.ledger == nil {
		return
	}
	check := "account " + v.Name + " gate"
	err := within(ctx, func(ctx context.Context) error {
		gate, err := gates.New(d.ledger.pool).ReadGate(ctx, v.Name)
		if err != nil {
			return err
		}
		confirmed, err := d.ledger.store.AccountConfirmed(ctx, v.Name)
		if err != nil {
			return err
		}
		known, err := knowledge.New(d.ledger.pool).Knowledge(ctx, v.Name, accounts.Endpoint(v))
		if err != nil {
			return err
		}
		switch {
		case gate.Reason != "":
			d.note(check, GateFound(gate), GateAdvice(gate, v.Name))
		case !confirmed:
			d.ok(check, "open; no call was ever confirmed, so the first ones go one at a time")
		default:
			d.ok(check, "open; calls were confirmed")
		}
		if v.Reads {
			d.ok("account "+v.Name+" records", wording.Known(known, time.UTC))
		}
		return nil
	})
	if err != nil {
		d.wrong(check, advice.Words(err), "see the message")
	}
}
