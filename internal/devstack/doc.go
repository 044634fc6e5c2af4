// Package devstack starts the servers that the worker needs, for worker demo,
// worker run --embedded and the tests: Postgres as a private cluster in a child
// process, and the NATS server as a library in this process.
//
// Both listen on 127.0.0.1 only. Nothing of theirs outlives this process, even
// when it is killed with SIGKILL: a small watcher process holds one end of a
// pipe, and when the pipe closes it stops Postgres and removes the temporary
// folders (TestNothingIsLeftAfterKill).
//
// A build with the tag noembed leaves all of it out: Start functions then
// return [ErrLeftOut], and the binary holds no server code.
package devstack
