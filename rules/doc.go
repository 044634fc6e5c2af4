// Package rules makes of a message what the ledger records: the operations of
// its event, or the reason for a reject. It is pure: bytes and the broker's time
// in, values out; it knows neither broker nor database.
//
//	bytes, headers ─▶ envelope ─▶ type ─▶ fields ─▶ key, member, channel ─▶ operations
//	        └────────────┴──────────┴────────┴───────────────┴─────▶ a reason, with its code
//
// Package cloudevent reads the message as far as the envelope; what follows asks the
// rules of the event's type.
//
// A rule file ([RulesFile]) is compiled once ([Compile], which names every
// problem with its place) and does not change afterwards; [Rules] is safe for
// concurrent use.
//
// # Invariants this package holds
//
//   - Whatever the bytes are, Decode ends with exactly one of an event, a reason
//     and "ignored", and never panics (FuzzDecode).
//   - The keys depend on business facts alone: not on the envelope, the order of
//     fields, or how a source is spelled (TestKeyIsBySourceAndNotByEnvelope,
//     TestSourceIsOneFactInEverySpelling), and one fact has one key under every
//     rule set (TestOneFactUnderEveryRuleSet).
//   - What an event refers to has the very fact key that its own event gets
//     (TestReferrals, TestOriginsSource), by each rule set (TestOriginsOverRuleSets);
//     the ledger makes the operations of such an event.
//   - The content, by which a re-sent event is compared, holds the declared
//     fields and nothing else (TestContentIsOnlyWhatCounts).
//   - The broker's time picks the rule set, so that an event that is read again
//     meets the rules that it met at first (TestBrokerTimePicksTheRuleSet).
//   - Points are exact: integers and ratios, never a float (TestRateIsExact).
//   - A text in a key that a person cannot tell from another by eye makes no
//     second fact: it is a reject (TestLookAlikes), unless it is recorded
//     already (TestLookAlikesThatAreRecorded).
//   - No password is stored: it is masked before a reject is written
//     (TestPasswordsAreRejectedAndMasked).
//
// # What happens on failure
//
// Nothing here fails for a moment and works later: a message that cannot be
// accepted is a [pointsledger/ledger.Rejection], with a code and with words for
// the publisher, and stays one until other bytes or other rules come.
// [Rules.Again] maps what was stored with such a reject once more.
package rules
