package continuity

// Right is a subject that the worker's NATS user publishes or subscribes to.
type Right struct {
	// Publish is false for a subscription.
	Publish bool
	Subject string
	// For says what needs it.
	For string
	// Making is a right that is needed only to make what is absent: with stream,
	// durable and bucket made by somebody else it can be left out.
	Making bool
}

// Rights lists all that a worker asks of the broker, for a stream and a durable.
// A user with these and no others can do all of it (TestRightsSuffice).
func Rights(stream, durable string) []Right {
	bucket := WitnessBucket(stream)
	return []Right{
		{false, "_INBOX.>", "answers, and the events that are fetched", false},
		{true, "$JS.API.STREAM.INFO." + stream, "finding the stream, how far behind the worker is", false},
		{true, "$JS.API.CONSUMER.INFO." + stream + ".>", "finding the durable", false},
		{true, "$JS.API.CONSUMER.MSG.NEXT." + stream + ".>", "fetching events, and reading them again", false},
		{true, "$JS.ACK." + stream + ".>", "acknowledging what is recorded", false},
		{true, "$JS.API.STREAM.MSG.GET." + stream, "the time of the oldest event that waits", false},
		{true, "$JS.API.DIRECT.GET." + stream + ".>", "the same, where the stream allows direct gets", false},
		{true, "$JS.API.CONSUMER.CREATE." + stream + ".>", "making the durable, and reading the stream again after a failover", false},
		{true, "$JS.API.CONSUMER.DELETE." + stream + ".>", "ending such a reading", false},
		{true, "$JS.API.STREAM.INFO.KV_" + bucket, "finding the witness", false},
		{true, "$JS.API.DIRECT.GET.KV_" + bucket + ".>", "reading the witness", false},
		{true, "$JS.API.STREAM.MSG.GET.KV_" + bucket, "the same, at a broker without direct gets", false},
		{true, "$KV." + bucket + "." + WitnessKey(durable), "writing the witness", false},
		{true, "$KV." + bucket + ".seal.*", "keeping the head of the seal outside the database", false},
		{true, "$JS.API.STREAM.CREATE." + stream, "making the stream", true},
		{true, "$JS.API.STREAM.CREATE.KV_" + bucket, "making the witness's bucket", true},
	}
}
