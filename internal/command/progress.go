package command

import (
	"fmt"
	"io"
	"time"

	"golang.org/x/term"

	"pointsledger/desk/wording"
)

// Progress shows how far something is: one line that is rewritten on a
// terminal, and now and then a plain line elsewhere. Not safe for concurrent
// use.
type Progress struct {
	out      io.Writer
	terminal bool
	width    int
	every    time.Duration
	last     time.Time
	shown    bool
}

// NewProgress makes a Progress on out. A file that is not a terminal gets at
// most one line in five seconds.
func NewProgress(out io.Writer) *Progress {
	p := &Progress{out: out, every: 5 * time.Second, last: time.Now()}
	if f, ok := out.(interface{ Fd() uintptr }); ok && term.IsTerminal(int(f.Fd())) {
		p.terminal, p.every, p.width = true, 100*time.Millisecond, 80
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			p.width = w
		}
	}
	return p
}

// Show shows a line, if it is time for one.
func (p *Progress) Show(format string, args ...any) {
	if time.Since(p.last) < p.every {
		return
	}
	p.last = time.Now()
	line := fmt.Sprintf(format, args...)
	if !p.terminal {
		fmt.Fprintln(p.out, line)
		return
	}
	if runes := []rune(line); len(runes) >= p.width {
		line = string(runes[:p.width-1])
	}
	fmt.Fprintf(p.out, "\r\x1b[K%s", line)
	p.shown = true
}

// Done clears the line, so that what follows starts on a clean one.
func (p *Progress) Done() {
	if p.terminal && p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.shown = false
	}
}

// Count writes a number with thousands separators.
func Count[T ~int | ~int64](n T) string { return wording.Count(n) }
