//go:build !noembed && unix

package devstack

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
)

// childVariable makes the test binary a program that starts the stack, says
// where it is, and waits to be killed. Its value is the data folder of
// Postgres, or "temporary".
const childVariable = "DEVSTACK_TEST_CHILD"

// childReport is what such a program prints, as one line of JSON.
type childReport struct {
	PostgresPID int
	Folders     []string
	DSN         string
	NATSURL     string
}

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		os.Exit(childMain(dir))
	}
	os.Exit(m.Run())
}

func childMain(dir string) int {
	// Ctrl-C is ignored here, as by a program that is finishing its work: the
	// servers must stay.
	signal.Ignore(syscall.SIGINT)
	if dir == "temporary" {
		dir = ""
	}
	pg, err := StartPostgres(contextOfTheProcess(), PostgresConfig{Dir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	nats, err := StartNATS(NATSConfig{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	report := childReport{PostgresPID: pg.PID(), Folders: []string{pg.folder.base, nats.folder}, DSN: pg.DSN("postgres"), NATSURL: nats.URL()}
	if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// Until the test kills us; the end of stdin is the end of the test.
	_, _ = os.Stdin.Read(make([]byte, 1))
	return 0
}
