// Package rehearsal makes traffic whose outcome is known: messages as shops
// would publish them, with duplicates, conflicts, garbage and oddities among
// them, and the operations that must come of it. It is the oracle of the demo
// and of the reliability tests, so it shares no code with what it judges: it
// has its own arithmetic for points and imports nothing of this module.
//
// Its numbers are those of the built-in rules: order.paid one point per full
// 100 fen, member.checked_in 5, review.posted 10, or 20 with a photo. With
// Options.Life orders come back, and [Config] makes the rules and the account for that;
// [Plan.Compare] holds each order against the formula.
package rehearsal
