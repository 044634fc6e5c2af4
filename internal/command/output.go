package command

import "io"

// checkedOutput remembers the first error of writing: a program whose output
// went nowhere has not done its work. Not safe for concurrent use.
type checkedOutput struct {
	io.Writer
	err error
}

func (o *checkedOutput) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}

// Fd is the file's descriptor, so that a terminal is still seen as one; it is
// no descriptor at all when the output is not a file.
func (o *checkedOutput) Fd() uintptr {
	if f, ok := o.Writer.(interface{ Fd() uintptr }); ok {
		return f.Fd()
	}
	return ^uintptr(0)
}
