package main

import (
	"io"
	"slices"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"

	"pointsledger/internal/advice"
)

// newLogger writes lines of JSON, or of text on a terminal, at the configured
// level (debug, info, warn, error).
func newLogger(out io.Writer, level string) *zap.Logger {
	at, err := zapcore.ParseLevel(level)
	if err != nil {
		at = zapcore.InfoLevel // config has checked it
	}
	encoding := zap.NewProductionEncoderConfig()
	encoding.EncodeTime = zapcore.ISO8601TimeEncoder
	encoder := zapcore.NewJSONEncoder(encoding)
	if f, ok := out.(interface{ Fd() uintptr }); ok && term.IsTerminal(int(f.Fd())) {
		encoding.EncodeLevel = zapcore.CapitalColorLevelEncoder
		encoder = zapcore.NewConsoleEncoder(encoding)
	}
	return zap.New(advisingCore{zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(out)), at)})
}

// advisingCore writes errors with what whoever runs this worker can do about them:
// the packages that log them do not know how it was started.
type advisingCore struct{ zapcore.Core }

// With implements zapcore.Core.
func (c advisingCore) With(fields []zapcore.Field) zapcore.Core {
	return advisingCore{c.Core.With(advised(fields))}
}

// Check implements zapcore.Core.
func (c advisingCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(entry.Level) {
		return checked.AddCore(entry, c)
	}
	return checked
}

// Write implements zapcore.Core.
func (c advisingCore) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	return c.Core.Write(entry, advised(fields))
}

// advised leaves the caller's fields as they are.
func advised(fields []zapcore.Field) []zapcore.Field {
	own := false
	for i, field := range fields {
		err, ok := field.Interface.(error)
		if field.Type != zapcore.ErrorType || !ok {
			continue
		}
		words := advice.Words(err)
		if words == err.Error() {
			continue
		}
		if !own {
			fields, own = slices.Clone(fields), true
		}
		fields[i] = zap.String(field.Key, words)
	}
	return fields
}
