// Package spelling tells which texts are one in several spellings, and which only look
// like one: what a key is made of must be the same for whoever writes it, and clear to
// whoever reads it. It is pure, and knows neither events nor rules.
//
//   - A source is one percent-encoded or not, and so is what Chinese input writes in
//     full width ([SourceKey], [Key]; TestSourceIsOneFactInEverySpelling).
//   - A text that a person cannot tell from another by eye is named with the first
//     character that is the matter ([LookAlike]; TestLookAlikes, TestNoLookAlikes).
//
// Keys in the ledger are made of what these functions say: a spelling that counted
// once counts for ever (TestKeysOfSpelledSources).
package spelling
