// Package sim simulates both vendors on one HTTP handler: Zhimai's four
// actions (any path that ends in /api/v2) and Kylin's freezePoint (any path
// that ends in /openapi/v2/member/freezePoint). It is nastier than the vendors
// on purpose, and its [Simulator.Book] is the oracle of every reliability
// test: how often each dedup key was received and applied, exact whatever
// fault the caller saw.
//
// It shares no code with the clients. It reads requests and checks signatures
// by itself, so that a client's mistake is not made twice.
//
// With Config.TakesBack both have calls that the vendors' pages do not have, for
// accounts whose calls are described: user.points-deduct, refused when the member has
// less, and unfreezePoint and consumePoint, refused when less is frozen.
//
// # What is exact and what is reproducible
//
// A fault decides only whether the call is carried out and what becomes of the
// reply; carrying out and writing the book is one step under one lock. The
// fault of a call is a pure function of (seed, vendor, key, how many faults
// were drawn for this key before), so the same seed gives a key the same
// faults in the same order however calls of different keys interleave. Three
// things depend on the clock instead and draw nothing: a call inside a 401
// window, a call during an outage, and the age of a key.
//
// What records and identities show (RecordsConfig, IdentityConfig) is decided at
// each reading and changes nothing else; habits that happen at a rate are drawn
// from the seed in the order of the readings.
//
// # Limits
//
// A request body is at most 1 MiB, a dedup key 256 bytes. Memory grows only
// with new dedup keys (up to Config.MaxKeys; further ones are answered 503),
// with members that got points (no more than keys and inserted rows), and with
// records (RecordsConfig.MaxPerMember each, the oldest are forgotten first).
// Reading calls are counted in a table of fixed size.
//
// # Control
//
// Paths under /_sim/ let other processes read the book and change faults at
// run time. They ask for no password: listen on loopback only, or switch them
// off with Config.NoControl.
package sim
