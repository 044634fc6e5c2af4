//go:build !noembed

package devstack

import "syscall"

// setDeathSignal asks the kernel to signal the child when the forking thread
// ends. Go sets it after it has changed the user, which would clear it.
func setDeathSignal(attr *syscall.SysProcAttr, sig syscall.Signal) { attr.Pdeathsig = sig }
