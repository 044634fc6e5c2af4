// Package gates keeps, for all workers at once, whether an account may be called:
// its gate, the right to probe while that is closed, and its place in time for the
// rate.
//
//   - A gate that a person closed opens by a person's hand only; nothing that
//     workers do opens it, and its probe stays a minute away (TestPauseAccount).
//   - One worker probes at a time; the right ends by itself when that worker dies.
//   - Slots of a rate are reserved in one statement, so that the workers together
//     are no faster than the account may be called.
//
// When the database is away nobody reserves a slot or gets the right to probe, and
// what was known of a gate holds on.
package gates
