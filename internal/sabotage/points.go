package sabotage

// Crash points, in the order of an event's way.
const (
	AfterFetch    = "after_fetch"    // events are here, nothing is recorded
	BeforeCommit  = "before_commit"  // decoded, the transaction is not sent
	AfterCommit   = "after_commit"   // recorded, nothing is acknowledged
	AmidAcks      = "amid_acks"      // one message of the batch is acknowledged
	AfterAck      = "after_ack"      // all are, the dispatcher is not woken
	AfterClaim    = "after_claim"    // rows are leased, none is sent
	AfterResolve  = "after_resolve"  // a member code is resolved and committed
	BeforeSend    = "before_send"    // the lease is checked, no byte has left
	AfterSend     = "after_send"     // the vendor answered, nothing is settled
	BeforeConfirm = "before_confirm" // a batch of answers is gathered
	AmidSettle    = "amid_settle"    // confirmations are posted, the rest is not given back
	AfterSettle   = "after_settle"   // all is settled
	AfterScan     = "after_scan"     // a verification has read the records
	AfterVerify   = "after_verify"   // what it found is committed
)

// Points lists every crash point, for a test that visits all.
func Points() []string {
	return []string{AfterFetch, BeforeCommit, AfterCommit, AmidAcks, AfterAck, AfterClaim, AfterResolve, BeforeSend,
		AfterSend, BeforeConfirm, AmidSettle, AfterSettle, AfterScan, AfterVerify}
}
