//go:build unix

package wire

import (
	"errors"
	"syscall"
)

// silent looks without waiting whether an idle connection has nothing to read,
// not even its end.
func silent(raw syscall.RawConn) bool {
	if raw == nil {
		return true
	}
	nothing := false
	err := raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, err := syscall.Read(int(fd), one[:])
		nothing = errors.Is(err, syscall.EAGAIN)
		return true
	})
	return err == nil && nothing
}
