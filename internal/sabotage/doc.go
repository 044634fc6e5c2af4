// Package sabotage lets a test build (tag sabotage) kill the process between
// two steps, or break a promise on purpose, so that the tests of reliability
// can be seen to fail. In every other build both functions are empty and cost
// nothing.
//
// The environment of a sabotage build chooses:
//
//	SABOTAGE_CRASH=after_commit:3   SIGKILL when the point is reached the third time
//	SABOTAGE_BREAK=ack_before_commit
package sabotage
