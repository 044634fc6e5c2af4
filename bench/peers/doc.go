// Package peers holds the other ways to do the worker's job, one file each:
// read the waiting events of a JetStream stream, write one durable row with a
// unique key for each, make one POST for each, and mark the row as done. Each
// runs in a process of its own, as the worker does.
//
// They do less than the worker: no reject, no rules, no signature, no doubt, no
// metrics, no log. What each
// leaves out is in its Peer.Lacks, which the report prints.
package peers
