// Package database is how this program stands to its Postgres: the connections, with
// the session that every statement needs ([OpenWorkerPool], [OpenReplayPool]), what an
// error of the database means ([Explain], [ContentError], [IsRace]), and whether its
// sequences give out ids that exist ([Sequences]).
//
// It knows the tables by name, where a fault or a sequence speaks of one, and nothing of
// what is kept in them.
//
// # When something fails
//
//   - A server that is silent costs seconds, and then an error (TestSilenceIsBounded).
//   - A session that would spoil texts, statements or locks is refused before it is
//     used (TestSessionAsksForUTF8).
//   - An error that a person can end says what to do: a [FaultError].
package database
