package devstack

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"syscall"
)

// Ports for servers are taken from firstPort up to where the kernel's own begin.
const (
	firstPort = 10_000
	// usualEphemeral is where they begin on Linux unless somebody changed it;
	// elsewhere they begin later.
	usualEphemeral = 32_768
	fewPorts       = 1000
	portTries      = 100
)

// FreePort finds a port on 127.0.0.1 that nobody listens on, for a server that
// may stop and come back on it. It is none that the kernel gives to whoever asks
// for any port, or to outgoing connections: while the server is away, nobody
// takes it by chance, and clients do not end at somebody else's server.
func FreePort() (int, error) {
	end := ephemeralFrom()
	if end-firstPort < fewPorts {
		return kernelPort()
	}
	for range portTries {
		port := firstPort + rand.IntN(end-firstPort)
		if l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return port, l.Close()
		}
	}
	return kernelPort()
}

// ephemeralFrom is the first port that the kernel gives out by itself.
func ephemeralFrom() int {
	var from, to int
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return usualEphemeral
	}
	if _, err := fmt.Sscan(string(text), &from, &to); err != nil {
		return usualEphemeral
	}
	return from
}

func kernelPort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find free port: %w", err)
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

func portTaken(port int) bool {
	l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return errors.Is(err, syscall.EADDRINUSE)
	}
	_ = l.Close()
	return false
}
