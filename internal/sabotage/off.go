//go:build !sabotage

package sabotage

// Crash does nothing in this build.
func Crash(string) {}

// Breaks is false in this build.
func Breaks(string) bool { return false }
