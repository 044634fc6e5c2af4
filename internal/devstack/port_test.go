package devstack

import (
	"net"
	"strconv"
	"testing"
)

// A port for a server is free, and none that the kernel hands out.
func TestFreePort(t *testing.T) {
	t.Parallel()
	for range 50 {
		port, err := FreePort()
		if err != nil {
			t.Fatal(err)
		}
		if from := ephemeralFrom(); from-firstPort >= fewPorts && (port < firstPort || port >= from) {
			t.Errorf("port %d: the kernel gives out those from %d", port, from)
		}
		l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			t.Fatal(err)
		}
		if !portTaken(port) {
			t.Errorf("port %d is taken, and looks free", port)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
