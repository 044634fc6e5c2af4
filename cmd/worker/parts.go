package main

import (
	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/consumers"
	"pointsledger/dispatch"
	"pointsledger/internal/accounts"
	"pointsledger/internal/config"
)

// The two parts of a worker that keep its promises, intake and dispatch. What
// they are made of passes the functions named broken: these leave it alone
// (sabotage_off.go), but in a test build that is to break a promise.

// calledByUs are the intake's settings as the environment has them.
var calledByUs = consumers.Called{Stream: "NATS_STREAM", Durable: "NATS_DURABLE", Batch: "WORKER_BATCH"}

// newRunner makes the intake, which hands over what it records.
func (s *service) newRunner(js jetstream.JetStream, handover *dispatch.Handover) (*consumers.Runner, error) {
	cfg := s.config
	return consumers.NewRunner(consumers.Deps{JetStream: js, Rules: cfg.Rules,
		Recorder: brokenRecorder(handover), Log: s.log.Named("intake"), Observer: s.metrics,
		RulesRefused: s.rules.Poke}, consumers.Config{
		Stream: cfg.NATS.Stream, Durable: cfg.NATS.Durable, Batch: cfg.NATS.Batch,
		BatchesInFlight: cfg.NATS.BatchesInFlight, AckWait: cfg.NATS.AckWait, BatchTime: cfg.NATS.BatchTime,
		Called: calledByUs})
}

// newDispatcher makes the dispatcher of an account that is on.
func (s *service) newDispatcher(v config.Account) (*dispatch.Dispatcher, error) {
	account, err := accounts.New(v)
	if err != nil {
		return nil, err
	}
	return dispatch.New(brokenStore(dispatch.NewLedger(s.store, s.pool), s.pool), brokenAccount(account), s.log.Named("dispatch"), s.metrics)
}
