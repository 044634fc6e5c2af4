package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"pointsledger/internal/testkit"
	"pointsledger/migrations"
)

// laterPostgres is the rig's database behind an address that nobody listens on
// until open is called.
func (r *rig) laterPostgres() (open func()) {
	r.t.Helper()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	address := closed.Addr().String()
	closed.Close()
	u, err := url.Parse(r.database)
	if err != nil {
		r.t.Fatal(err)
	}
	real := u.Host
	u.Host = address
	r.env = append(r.env, "DATABASE_URL="+u.String())
	return func() {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			r.t.Fatal(err)
		}
		r.t.Cleanup(func() { listener.Close() })
		go forward(listener, real)
	}
}

// forward joins every connection with one to the address.
func forward(listener net.Listener, to string) {
	for {
		here, err := listener.Accept()
		if err != nil {
			return
		}
		there, err := net.Dial("tcp", to)
		if err != nil {
			here.Close()
			continue
		}
		go func() { _, _ = io.Copy(there, here); there.Close() }()
		go func() { _, _ = io.Copy(here, there); here.Close() }()
	}
}

// waits is the address at which a worker that waits for Postgres shows its pages.
func (p *process) waits() string {
	p.t.Helper()
	line := p.waitFor("waiting for Postgres")
	if !strings.Contains(line, "refused") {
		p.t.Errorf("the line does not say why: %s", line)
	}
	return "http://" + regexp.MustCompile(`"http":"([^"]+)"`).FindStringSubmatch(line)[1]
}

// Postgres comes up after the worker: it waits, says so, and begins.
func TestRunWaitsForPostgres(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, errs, code := r.run(orders(20), "publish", "--create-stream", "-"); code != 0 {
		t.Fatal(errs)
	}
	open := r.laterPostgres()
	worker := r.start("run")
	pages := worker.waits()
	if health := get(t, pages+"/healthz"); health != "200 ok\n" {
		t.Errorf("healthz: %s", health)
	}
	if ready := get(t, pages+"/readyz"); !strings.HasPrefix(ready, "503 ") || !strings.Contains(ready, `"down"`) || !strings.Contains(ready, "Postgres: ") {
		t.Errorf("readyz: %s", ready)
	}
	open()
	worker.waitFor("Postgres is there")
	address := worker.address()
	testkit.Eventually(t, time.Minute, "the events to be posted", func() bool { return r.count(`SELECT count(*) FROM postings`) == 20 })
	if ready := get(t, address+"/readyz"); !strings.HasPrefix(ready, "200 ") {
		t.Errorf("readyz: %s", ready)
	}
	if code := worker.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// Told to stop while it waits, the worker ends as always.
func TestRunStopsWhileWaitingForPostgres(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.laterPostgres()
	worker := r.start("run")
	worker.waits()
	if code := worker.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// What waiting cannot mend ends the worker at once; an unmigrated database is
// in TestRunRefusesWhatItCannotServe.
func TestRunDoesNotWaitForAPerson(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, err := url.Parse(r.database)
	if err != nil {
		t.Fatal(err)
	}
	env := r.env
	password, database := *u, *u
	password.User, database.Path = url.UserPassword(u.User.Username(), "wrong"), "/nothing_here"
	for want, link := range map[string]string{"28P01": password.String(), "3D000": database.String()} {
		r.env = append(append([]string{}, env...), "DATABASE_URL="+link)
		if _, errs, code := r.run("", "run"); code != 1 || !strings.Contains(errs, want) || strings.Contains(errs, "waiting") {
			t.Errorf("want %s and exit 1, got exit %d, %s", want, code, errs)
		}
	}
}

func TestWorthWaiting(t *testing.T) {
	t.Parallel()
	said := func(code string) error {
		return fmt.Errorf("connect to database: %w", &pgconn.PgError{Code: code})
	}
	for _, err := range []error{said("57P01"), said("57P02"), said("57P03"), said("53300"), said("08006"), io.ErrUnexpectedEOF,
		fmt.Errorf("connect: %w", &net.OpError{Op: "dial", Err: errors.New("connection refused")}),
		fmt.Errorf("connect: %w", &net.DNSError{Err: "no such host"}), context.DeadlineExceeded} {
		if !worthWaiting(err) {
			t.Errorf("%v: want to wait", err)
		}
	}
	for _, err := range []error{said("28P01"), said("28000"), said("3D000"), said("42501"), said("57014"), said("25006"),
		migrations.ErrUnmigrated, errors.New("anything else")} {
		if worthWaiting(err) {
			t.Errorf("%v: want no wait", err)
		}
	}
}
