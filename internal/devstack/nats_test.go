//go:build !noembed && unix

package devstack

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func startNATS(t *testing.T, cfg NATSConfig) (*NATS, jetstream.JetStream, *nats.Conn) {
	t.Helper()
	n, err := StartNATS(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Stop(); err != nil {
			t.Error(err)
		}
	})
	nc, err := nats.Connect(n.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return n, js, nc
}

func TestKeptNATS(t *testing.T) {
	t.Parallel()
	cfg := NATSConfig{Dir: t.TempDir()}
	n, js, nc := startNATS(t, cfg)
	if nc.MaxPayload() != 1<<20 {
		t.Errorf("largest message is %d bytes, want 1 MiB", nc.MaxPayload())
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "s", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	if _, err := StartNATS(cfg); err == nil || !strings.Contains(err.Error(), "another process uses it") {
		t.Errorf("a second server in one folder: %v", err)
	}
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	_, js, _ = startNATS(t, cfg)
	stream, err := js.Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	msg, err := stream.GetMsg(t.Context(), 1)
	if err != nil || string(msg.Data) != "kept" {
		t.Errorf("message 1 after the restart: %v, %v", msg, err)
	}
}

func TestTemporaryNATS(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	n, _, _ := startNATS(t, NATSConfig{Log: &log})
	for range 2 {
		if err := n.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	if exists(n.folder) {
		t.Errorf("%s is there after Stop", n.folder)
	}
	if !strings.Contains(log.String(), "Listening for client connections") {
		t.Errorf("the log holds %q", log.String())
	}
}

func TestNATSOnTakenPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	begun := time.Now()
	_, err = StartNATS(NATSConfig{Dir: t.TempDir(), Port: l.Addr().(*net.TCPAddr).Port})
	if !errors.Is(err, ErrPortTaken) || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("start on a taken port: %v", err)
	}
	if took := time.Since(begun); took > natsStartTimeout/2 {
		t.Errorf("it took %v to say so", took)
	}
}
