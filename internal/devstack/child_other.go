//go:build !noembed && unix && !linux

package devstack

import "syscall"

// setDeathSignal does nothing: only Linux has such a signal. The watcher alone
// ends the children here.
func setDeathSignal(*syscall.SysProcAttr, syscall.Signal) {}
