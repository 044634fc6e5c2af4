//go:build !linux

package database

import (
	"net"
	"testing"
	"time"
)

// unacknowledgedLimit: there is none to read back here.
func unacknowledgedLimit(*testing.T, *net.TCPConn) time.Duration { return unacknowledgedTimeout }
