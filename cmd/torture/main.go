// Command torture kills, hangs and cuts off real workers and servers for as
// long as one likes, and then compares the books under every key.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"pointsledger/internal/command"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var verdict string
	code := command.Execute(ctx, newTorture(&verdict), os.Args[1:])
	stop()
	_, _ = os.Stdout.WriteString(verdict) // nobody is left to tell
	os.Exit(code)
}
