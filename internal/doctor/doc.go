// Package doctor looks at the configuration, at Postgres and NATS, and at each
// vendor account that is on, and says in one line each what it found and what to do.
// It prints nothing: a [Report] is typed lines, which a command or a page shows.
//
// # What it may do
//
// [Examination.Look] changes nothing. At a vendor that signs its calls it asks who a
// member is with a code that nobody has, and again with a wrong key on purpose: an
// account whose signature is right gets different answers. Refused, it tries the other
// signatures that the vendor's pages leave open (vendorapi.Varied). At one that does not
// sign it makes a read that fits nobody, where there is one.
//
// [Examination.CheckLive] grants real points to one member, twice under one key, and
// reads what the vendor made of it. It grants nothing unless it is told to, the
// signature is accepted, the gate is open and the act is recorded beforehand
// (TestDoctorLiveIsRecordedFirst).
//
// # What happens on failure
//
// A server that is away is a line that says so; what rests on it is left out. What
// cannot be told is not claimed (TestDoctorLiveDoubts). No text shows a secret of the
// configuration. What was found is worded for whoever operates a worker, with
// variables and commands, as in package internal/advice.
package doctor
