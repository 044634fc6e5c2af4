package sink

// Behaviour is what the sink does until the next one, and which events it
// expects. A new behaviour forgets all that was counted.
type Behaviour struct {
	// DelayMS is how long every answer takes, in milliseconds.
	DelayMS int
	// FirstMember is the member of event 0: event i is of member FirstMember+i.
	// The calls of other members count as stray.
	FirstMember int64
	// Events is how many events there will be.
	Events int
	// FailPercent of the events get status 500 on their first call, and
	// TimeoutPercent get their first answer only after TimeoutMS.
	FailPercent, TimeoutPercent, TimeoutMS int
	// KylinHangs: Kylin takes calls and never answers.
	KylinHangs bool
}

// Class is what happens to an event's first call.
type Class int

const (
	// Good calls are answered with success.
	Good Class = iota
	// Failing calls are answered with status 500.
	Failing
	// Slow calls are answered after the client has given up.
	Slow
)

// ClassOf says what happens to the first call of event number n, and whether
// a faulty one is applied all the same. It is pure: the driver knows as well
// as the sink which events are good.
func (b Behaviour) ClassOf(n int) (class Class, applied bool) {
	h := scramble(uint64(n))
	percent, half := int(h%100), h>>32&1 == 0
	switch {
	case percent < b.FailPercent:
		return Failing, half
	case percent < b.FailPercent+b.TimeoutPercent:
		return Slow, half
	}
	return Good, true
}

// scramble is the finaliser of splitmix64: neighbours get unlike values.
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Count is what one vendor saw.
type Count struct {
	// Calls is all calls that would grant or freeze; Distinct their keys.
	Calls, Distinct int64
	// Applied is the keys that were applied, AppliedAgain the calls that would
	// have been applied a second time by a vendor without a memory for keys.
	Applied, AppliedAgain int64
}

// Stats is what the sink saw since the last behaviour was set.
type Stats struct {
	Zhimai, Kylin Count
	// Scans is the calls of user.user-points-records.
	Scans int64
	// Stray is the calls that could not be read, or of members that were not
	// expected. In a good run it is 0.
	Stray int64
	// MaxAtOnce is the most calls that were being answered at one time.
	MaxAtOnce int64
	// AnswerMS is how long Zhimai's points calls took on average, in
	// milliseconds, from their arrival to the end of their delay: the delay that
	// was asked for, the timer's grain, and the wait for a processor.
	AnswerMS float64
}

// Goal is how many keys each vendor is to apply.
type Goal struct{ Zhimai, Kylin int64 }
