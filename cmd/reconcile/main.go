// Command reconcile answers for the books: what they hold, by account, member and day.
// `reconcile --help` lists what it does.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // the configuration names the programme's zone, also in an empty container

	"pointsledger/internal/command"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := command.Execute(ctx, newRoot(os.Environ()), os.Args[1:])
	stop()
	os.Exit(code)
}
