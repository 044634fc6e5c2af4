package main

import (
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"pointsledger/internal/config"
	"pointsledger/internal/testkit"
)

// A broker that refuses the worker's credentials again and again, until
// somebody mends them, does not end the connection for good.
func TestNATSConnectionOutlivesRefusedCredentials(t *testing.T) {
	t.Parallel()
	options := server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, Username: "worker", Password: "one", NoLog: true, NoSigs: true}
	broker, err := server.NewServer(&options)
	if err != nil {
		t.Fatal(err)
	}
	broker.Start()
	defer func() { broker.Shutdown(); broker.WaitForShutdown() }()
	if !broker.ReadyForConnections(10 * time.Second) {
		t.Fatal("the broker does not start")
	}
	setPassword := func(text string) {
		t.Helper()
		changed := options
		changed.Port, changed.Password = broker.Addr().(*net.TCPAddr).Port, text
		if err := broker.ReloadOptions(&changed); err != nil {
			t.Fatal(err)
		}
	}
	address, err := url.Parse(broker.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	address.User = url.UserPassword("worker", "one")
	core, seen := observer.New(zap.WarnLevel)
	conn, err := connectNATS(&config.Config{NATS: config.NATS{URL: config.NATSURL(address.String())}}, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	setPassword("two")
	testkit.Eventually(t, 30*time.Second, "three refusals", func() bool {
		refusals := 0
		for _, line := range seen.All() {
			if text, ok := line.ContextMap()["error"].(string); ok && strings.Contains(text, nats.ErrAuthorization.Error()) {
				refusals++
			}
		}
		return refusals >= 3
	})
	setPassword("one")
	testkit.Eventually(t, 30*time.Second, "the connection to be back", conn.IsConnected)
}
