// Command worker takes events from NATS JetStream to a points ledger in
// Postgres and makes the vendor calls. `worker --help` lists what else it does.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // business dates need the programme's zone, also in an empty container

	"pointsledger/internal/command"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := command.Execute(ctx, newRoot(), os.Args[1:])
	stop()
	os.Exit(code)
}
